"""The signal that a statement or block cannot be cut into several tasks; it then runs whole on one executor."""


class NotDistributable(Exception):
    """Never reaches a user: the planner catches it and shows ``reason`` in EXPLAIN."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
