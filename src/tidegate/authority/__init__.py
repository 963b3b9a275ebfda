"""Who may do what: roles, the one table of permissions, passwords and second factors, proofs of a login."""
