"""Arrow Flight SQL: the coordinator's front door for clients, ours and others'."""
