"""What a run of a statement takes, as far as it tells one plan from another. Imports nothing of ours."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run has taken while it was waited for: seconds of wall time, and of the CPU time of this process."""

    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.3f} s ({self.cpu_seconds:.3f} s of CPU)"


class RunClock:
    """Runs while somebody waits for the statement. One thread at a time uses it."""

    def __init__(self) -> None:
        self._seconds = self._cpu_seconds = 0.0
        self._since: tuple[float, float] | None = None

    def resume(self) -> None:
        """Somebody waits from now on."""
        self._since = time.monotonic(), time.process_time()

    def pause(self) -> None:
        """Nobody waits any more."""
        if self._since is not None:
            self._seconds += time.monotonic() - self._since[0]
            self._cpu_seconds += time.process_time() - self._since[1]
            self._since = None

    def restart(self) -> None:
        """What there was until now was opening and planning, which another run may not need."""
        self._seconds = self._cpu_seconds = 0.0
        self.resume()

    @property
    def cost(self) -> Cost:
        """What it has counted, when it is paused."""
        return Cost(self._seconds, self._cpu_seconds)
