"""The trader's local socket: what may be asked, how it goes over the wire, a server for the trader and a client for everybody else."""
