"""Running one statement and writing its result: shared by the interactive shell and by scripts."""

import sys
import time
from dataclasses import dataclass, field

from shoal.formats.plain import PlainWriter
from shoal.formats.writer import Expanded, Format, ResultWriter, open_writer
from shoal.shell.driver import Connection
from shoal.shell.interrupts import Interrupts
from shoal.shell.output import Output, StandardOutput
from shoal.shell.progress import ProgressLine
from shoal.shell.running import Columns, Failed, Finished, Rows, RunningStatement, Step
from shoal.shell.script import first_word

SCREEN_ROWS = 1000
"""Rows of one result that a display format shows on a terminal when no limit is given."""

_TICK_SECONDS = 0.05


@dataclass(slots=True)
class Settings:
    """How results are shown. ``limit`` None means ``SCREEN_ROWS`` on a terminal and all elsewhere; 0 means all."""

    format: Format = Format.TABLE
    expanded: Expanded = Expanded.AUTO
    limit: int | None = None
    timing: bool = True
    progress: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a statement: rows written, None if it has no result; whether the limit left rows out; seconds."""

    rows: int | None
    cut: bool
    seconds: float


@dataclass(slots=True)
class Executor:
    """Runs statements on one connection and writes to one output; both may be exchanged between statements."""

    connection: Connection
    settings: Settings = field(default_factory=Settings)
    output: Output = field(default_factory=StandardOutput)

    def run(self, sql: str) -> Outcome:
        """Run a statement to its last row.

        The first Ctrl-C cancels it, which raises ``KeyboardInterrupt`` once it has stopped; the second raises at once.
        Raises the statement's error, and ``OSError`` when the output cannot be written.
        """
        started = time.monotonic()
        progress = ProgressLine(enabled=self.settings.progress and sys.stderr is not None and sys.stderr.isatty())
        result = _Result(self, is_text=first_word(sql) == "EXPLAIN")
        with Interrupts() as interrupts, RunningStatement(self.connection, sql) as statement, progress:
            try:
                while not result.is_complete:
                    step = statement.next_step(_TICK_SECONDS)
                    if interrupts.count:
                        statement.cancel()
                        progress.update(statement.progress(), "cancelling", keys="Ctrl-C again leaves it")
                        if isinstance(step, Failed | Finished):
                            raise KeyboardInterrupt("cancelled")
                    elif step is None:
                        progress.update(statement.progress())
                    else:
                        progress.hide() if isinstance(step, Columns) else None
                        result.take(step)
            finally:
                result.close()
        return Outcome(None if result.is_text else result.rows, result.is_cut, time.monotonic() - started)


class _Result:
    """A result on its way from the engine to the output."""

    def __init__(self, executor: Executor, *, is_text: bool) -> None:
        settings, output = executor.settings, executor.output
        self._stream = output.stream
        self._layout = output.layout(settings.expanded)
        self._format = settings.format
        self.is_text = is_text and settings.format.is_display
        self._limit = settings.limit
        if self._limit is None and output.is_screen and settings.format.is_display:
            self._limit = SCREEN_ROWS
        self._writer: ResultWriter | None = None
        self.rows: int | None = None
        self.is_cut = False
        self.is_complete = False

    def take(self, step: Step) -> None:
        """Write what a step brings; raises its error."""
        match step:
            case Columns(schema, types):
                self._writer = PlainWriter(self._stream, self._layout) if self.is_text else self._open()
                self._writer.begin(schema, types)
                self.rows = 0
            case Rows(batch):
                assert self._writer is not None, "columns come before rows"
                assert self.rows is not None, "columns come before rows"
                room = batch.num_rows if not self._limit or self.is_text else self._limit - self.rows
                self._writer.write(batch.slice(0, room))
                self.rows += min(room, batch.num_rows)
                if batch.num_rows > room:
                    self.is_cut = True
                    self._end()
            case Finished():
                self._end()
            case Failed(error):
                raise error

    def close(self) -> None:
        """Free the writer."""
        if self._writer is not None:
            self._writer.close()

    def _open(self) -> ResultWriter:
        return open_writer(self._format, self._stream, self._layout)

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.end()
        self._stream.flush()
        self.is_complete = True
