"""The progress of a running statement, drawn on standard error: only on a terminal, and only when it takes a while."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from shoal.shell.driver import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE_SECONDS = 0.5


class ProgressLine:
    """One line that appears after half a second and is gone before the first row is printed."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._started = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def update(self, progress: Progress | None, note: str = "running", keys: str = "Ctrl-C cancels") -> None:
        """Show how far the statement is, unless it is too soon."""
        if not self._enabled or time.monotonic() - self._started < PATIENCE_SECONDS:
            return
        if self._bar is None:
            self._show()
        assert self._bar is not None
        assert self._task is not None
        total = progress.tasks_total if progress is not None else 0
        tasks = f"{progress.tasks_done}/{total} tasks" if progress is not None and total else ""
        completed = progress.tasks_done if progress is not None else 0
        # A bar without a total pulses: the right picture of a statement that cannot tell how far it is.
        self._bar.update(self._task, total=total or None, completed=completed, description=note, tasks=tasks, keys=keys)

    def hide(self) -> None:
        """Remove the line for good."""
        self._enabled = False
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[tasks]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[keys]}"),
        )
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True, refresh_per_second=8)
        self._task = self._bar.add_task("running", total=None, tasks="", keys="")
        self._bar.start()
