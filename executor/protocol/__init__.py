"""What coordinators and executors say to each other: the messages, their version, and errors on the wire."""
