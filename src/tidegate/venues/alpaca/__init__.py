"""Alpaca: its words (`wire`), what they mean (`mapping`), requests (`client` and its topics) and streams."""
