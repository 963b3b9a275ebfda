"""The journal: what a golden log tells people, as rows of four kinds. Reads the log in one pass, with bounded memory; decides nothing."""
