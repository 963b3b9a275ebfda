"""The command line: thin verbs that read words, call one function below and print what it gives."""
