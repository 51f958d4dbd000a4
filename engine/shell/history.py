"""What was typed, kept for the next time: in the XDG state directory, for nobody else to read."""

import os
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory, ThreadedHistory


def history_path() -> Path:
    """``$SHOAL_HISTORY``, or ``shoal/history`` in the XDG state directory."""
    if named := os.environ.get("SHOAL_HISTORY"):
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "shoal" / "history"


class PrivateHistory(FileHistory):
    """A file history that does not keep texts that begin with a space, nor the same text twice in a row."""

    _last = ""

    def store_string(self, string: str) -> None:
        """Append a statement unless it should not be kept; a file that cannot be written is let be."""
        if string.startswith(" ") or not string.strip() or string == self._last:
            return
        self._last = string
        try:
            super().store_string(string)
        except OSError:
            return


def open_history(path: Path) -> History:
    """The history in a file that only its owner can read, loaded in the background; in memory if there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return ThreadedHistory(PrivateHistory(str(path)))
