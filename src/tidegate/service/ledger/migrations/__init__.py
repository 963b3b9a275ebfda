"""How a ledger's database came to its present shape, one step a file. Run by `opening`, never by hand."""
