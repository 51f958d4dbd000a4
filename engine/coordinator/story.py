"""What happened to an object of the coordinator, short enough to print with its error."""

from collections import deque


class Story:
    """The latest events of one object, oldest first; what is older than ``limit`` events is only counted."""

    __slots__ = ("_began", "_events", "_told")

    def __init__(self, began: float, limit: int = 8) -> None:
        self._began = began
        self._events: deque[tuple[float, str]] = deque(maxlen=limit)
        self._told = 0

    def tell(self, now: float, event: str) -> None:
        """Add an event."""
        self._events.append((now, event))
        self._told += 1

    def lines(self) -> tuple[str, ...]:
        """The events with their seconds since the object began."""
        left_out = self._told - len(self._events)
        lead = (f"... {left_out} earlier events",) if left_out else ()
        return lead + tuple(f"{when - self._began:8.3f} s  {event}" for when, event in self._events)
