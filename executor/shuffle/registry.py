"""Arrow tables that a process keeps under a key: what an ``ArrowSource`` points to."""

import threading

import pyarrow as pa


class ArrowRegistry:
    """Tables by key. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, pa.Table] = {}

    def put(self, key: str, table: pa.Table) -> None:
        """Keep a table; one under the same key is replaced."""
        with self._lock:
            self._tables[key] = table

    def get(self, key: str) -> pa.Table | None:
        """The table of that key, if it is here."""
        with self._lock:
            return self._tables.get(key)

    def drop(self, key: str) -> None:
        """Forget a table. Does nothing if it is not there."""
        with self._lock:
            self._tables.pop(key, None)
