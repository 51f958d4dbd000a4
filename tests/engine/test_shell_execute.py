"""Running statements and scripts: limits, cancelling, places of errors, commands, output files; over a small fake."""

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from shoal.formats.writer import Expanded, Format, Layout
from shoal.planner.errors import DataError, ErrorContext, Place, QueryCancelled, TableNotFound
from shoal.planner.lexer import StatementText
from shoal.shell.batch import ScriptFailedError, ScriptRunner, report_failure
from shoal.shell.commands import CommandError, LeaveShell
from shoal.shell.execute import SCREEN_ROWS, Executor, Outcome, Settings
from shoal.shell.interrupts import Interrupts
from shoal.shell.output import OutputFile
from shoal.shell.script import Command, Script
from shoal.shell.summary import describe_outcome


class FakeCursor:
    """``rows N`` has N rows in batches of 100; ``wait`` ends when it is cancelled; ``deaf`` does not even then."""

    description: tuple[tuple[str, str], ...] | None = None

    def __init__(self, connection: "FakeConnection") -> None:
        self._connection = connection
        self._cancelled = threading.Event()
        self._count = 0

    def execute(self, operation: str) -> None:
        self._connection.statements.append(operation.strip())
        match operation.split():
            case ["rows", count]:
                self.description = (("n", "BIGINT"),)
                self._count = int(count)
            case ["wait"]:
                self._connection.waiting.set()
                if not self._cancelled.wait(20):
                    raise DataError("nobody has cancelled the statement")
                raise QueryCancelled("the query was cancelled")
            case ["deaf"]:
                self._connection.waiting.set()
                self._connection.released.wait(20)
            case ["quiet"]:
                pass
            case _:
                word = operation.rsplit(maxsplit=1)[-1]
                start = operation.rindex(word)
                line = operation.count("\n", 0, start)
                place = Place(line + 1, start - operation.rfind("\n", 0, start), len(word))
                raise TableNotFound(f"there is no table {word}", ErrorContext(sql=operation, place=place, query="q7"))

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, self._count, 100):
            self._connection.batches += 1
            numbers = range(start, min(start + 100, self._count))
            yield pa.RecordBatch.from_arrays([pa.array(numbers, pa.int64())], ["n"])

    def cancel(self) -> None:
        self._cancelled.set()

    def progress(self) -> None: ...

    def close(self) -> None:
        self._connection.closed += 1


class FakeConnection:
    """Counts what its cursors do."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.batches = 0
        self.closed = 0
        self.waiting = threading.Event()
        self.released = threading.Event()

    def cursor(self) -> FakeCursor:
        return FakeCursor(self)

    def close(self) -> None: ...


class Screen:
    """An output in memory; ``is_screen`` as if it were a terminal."""

    def __init__(self, *, is_screen: bool = False) -> None:
        self.stream = io.BytesIO()
        self.is_screen = is_screen

    def layout(self, expanded: Expanded) -> Layout:
        return Layout(expanded=expanded)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().decode().splitlines()


def executor(*, is_screen: bool = False, **settings: object) -> tuple[Executor, FakeConnection, Screen]:
    connection, screen = FakeConnection(), Screen(is_screen=is_screen)
    return Executor(connection, Settings(**{"progress": False, **settings}), screen), connection, screen


def interrupt_when(event: threading.Event, times: int = 1) -> threading.Thread:
    """Send this process SIGINT once the event is set."""

    def send() -> None:
        if event.wait(10):
            for _ in range(times):
                time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_rows_are_written_and_counted() -> None:
    run, connection, screen = executor(format=Format.CSV)
    outcome = run.run("rows 250")
    assert (outcome.rows, outcome.cut) == (250, False)
    assert screen.lines == ["n", *map(str, range(250))]
    assert connection.closed == 1


def test_statement_without_result() -> None:
    run, _, screen = executor()
    assert run.run("quiet").rows is None
    assert screen.lines == []


@pytest.mark.parametrize(
    ("count", "limit", "written", "cut"),
    [(50, 20, 20, True), (250, 200, 200, True), (200, 200, 200, False), (9, 0, 9, False)],
)
def test_limit(count: int, limit: int, written: int, cut: bool) -> None:
    run, _, screen = executor(format=Format.CSV, limit=limit)
    outcome = run.run(f"rows {count}")
    assert (outcome.rows, outcome.cut) == (written, cut)
    assert len(screen.lines) == written + 1


def test_screen_shows_the_beginning_and_leaves_the_rest() -> None:
    run, connection, screen = executor(is_screen=True)
    outcome = run.run("rows 1000000")
    assert (outcome.rows, outcome.cut) == (SCREEN_ROWS, True)
    assert len(screen.lines) == SCREEN_ROWS + 4
    assert connection.batches < 20
    assert connection.closed == 1


def test_file_and_data_formats_get_everything() -> None:
    run, _, screen = executor()
    assert run.run("rows 1500").rows == 1500
    run, _, screen = executor(is_screen=True, format=Format.CSV)
    assert run.run("rows 1500").rows == 1500
    assert len(screen.lines) == 1501


def test_errors_come_through() -> None:
    run, connection, _ = executor()
    with pytest.raises(TableNotFound, match="no table nope"):
        run.run("from nope")
    assert connection.closed == 1


def test_first_interrupt_cancels() -> None:
    run, connection, _ = executor()
    thread = interrupt_when(connection.waiting)
    with pytest.raises(KeyboardInterrupt, match="cancelled"):
        run.run("wait")
    thread.join()
    assert connection.closed == 1
    assert run.run("rows 1").rows == 1


def test_second_interrupt_leaves_the_wait() -> None:
    run, connection, _ = executor()
    thread = interrupt_when(connection.waiting, times=2)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="not waiting"):
        run.run("deaf")
    assert time.monotonic() - started < 5
    connection.released.set()
    thread.join()


def test_interrupt_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.count == 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_output_error_stops_the_statement() -> None:
    run, connection, screen = executor(format=Format.CSV)
    screen.stream.close()
    with pytest.raises(ValueError, match="closed file"):
        run.run("rows 100000")
    assert connection.closed == 1
    assert connection.batches < 20


def test_script_items_have_their_lines() -> None:
    text = "-- first\nselect 1;\n\\d it's\nselect ';\n\\x' ; select 2;\n \\q\n"
    assert list(Script(text).items()) == [
        StatementText("-- first\nselect 1", 1, 1),
        Command("d it's", 3),
        StatementText("select ';\n\\x' ", 4, 1),
        StatementText(" select 2", 5, 6),
        Command("q", 6),
    ]


def test_script_stops_at_the_first_error_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    run, connection, _ = executor()
    script = Script("rows 1;\nrows 2; rows 3;\n-- why\nfrom\n  nope; rows 4", "report.sql")
    with pytest.raises(ScriptFailedError) as failure:
        ScriptRunner(run, verbose=False).run(script)
    assert connection.statements[:3] == ["rows 1", "rows 2", "rows 3"]
    assert "rows 4" not in connection.statements
    report_failure(failure.value)
    assert capsys.readouterr().err == (
        "report.sql:5: TableNotFound [42P01]: there is no table nope\n"
        "  line 5:   nope; rows 4\n            ^^^^\n  in query q7\n"
    )


def test_script_names_a_command_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    run, _, _ = executor()
    with pytest.raises(ScriptFailedError) as failure:
        ScriptRunner(run, verbose=False).run(Script("rows 1;\n\\nonsense\n", "a.sql"))
    report_failure(failure.value)
    assert capsys.readouterr().err == "error: a.sql:2: there is no command \\nonsense; \\? lists them\n"


def test_scripts_include_others_but_not_themselves_forever(tmp_path: Path) -> None:
    run, connection, _ = executor()
    inner, outer = tmp_path / "inner one.sql", tmp_path / "outer.sql"
    inner.write_text("rows 5;\n")
    outer.write_text(f"\\i '{inner}'\nrows 6;\n")
    ScriptRunner(run, verbose=False).run_file(outer)
    assert connection.statements == ["rows 5", "rows 6"]
    outer.write_text(f"\\i {outer}\n")
    with pytest.raises(ScriptFailedError, match="deeper than"):
        ScriptRunner(run, verbose=False).run_file(outer)


def test_script_that_is_not_text(tmp_path: Path) -> None:
    run, _, _ = executor()
    (tmp_path / "x.sql").write_bytes(b"select '\xff'")
    with pytest.raises(CommandError, match="not UTF-8"):
        ScriptRunner(run, verbose=False).run_file(tmp_path / "x.sql")
    with pytest.raises(CommandError, match="cannot read"):
        ScriptRunner(run, verbose=False).run_file(tmp_path / "missing.sql")


def test_commands_change_settings() -> None:
    run, connection, _ = executor()
    commands = ScriptRunner(run, verbose=False).commands
    for text in ("format csv", "limit 7", "timing off", "x", "d", "d orders"):
        if text.startswith("d"):
            with pytest.raises(TableNotFound):
                commands.run(text)
        else:
            commands.run(text)
    assert run.settings == Settings(Format.CSV, Expanded.ON, 7, timing=False, progress=False)
    assert connection.statements == ["SHOW TABLES", "DESCRIBE orders"]
    commands.run("x")
    commands.run("limit")
    assert (run.settings.expanded, run.settings.limit) == (Expanded.AUTO, None)
    with pytest.raises(LeaveShell):
        commands.run("q")


@pytest.mark.parametrize(
    "text", ["format xml", "limit -1", "limit x", "timing maybe", "x 3", "i", "nonsense", "e", "o /no/x"]
)
def test_commands_refuse_what_they_do_not_take(text: str) -> None:
    run, _, _ = executor()
    with pytest.raises(CommandError):
        ScriptRunner(run, verbose=False).commands.run(text)


def test_command_o_sends_results_to_a_file(tmp_path: Path) -> None:
    run, _, _ = executor(format=Format.CSV)
    commands = ScriptRunner(run, verbose=False).commands
    path = tmp_path / "out.csv"
    commands.run(f"o {path}")
    run.run("rows 2")
    assert not path.exists()
    commands.run("o")
    assert path.read_text() == "n\n0\n1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_output_file_appears_only_when_all_went_well(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o640)
    with pytest.raises(ZeroDivisionError), OutputFile(path) as file:
        file.stream.write(b"new" * (1 // len(b"")))
    assert path.read_text() == "old"
    with OutputFile(path) as file:
        file.stream.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_output_file_follows_links_and_keeps_devices(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with OutputFile(tmp_path / "link") as file:
        file.stream.write(b"x")
    assert (tmp_path / "real").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()
    with OutputFile(Path("/dev/null")) as file:
        file.stream.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_summaries() -> None:
    assert describe_outcome(Outcome(1, False, 0.0123), timing=True) == "1 row in 0.012 s"
    assert describe_outcome(Outcome(12345, False, 12.34), timing=True) == "12,345 rows in 12.3 s"
    assert describe_outcome(Outcome(0, False, 1), timing=False) == "0 rows"
    assert describe_outcome(Outcome(None, False, 1), timing=True) == "done in 1.000 s"
    assert describe_outcome(Outcome(1000, True, 1), timing=False).startswith("first 1,000 rows shown, there are more")
