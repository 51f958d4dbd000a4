"""Bad input on the command line: the exit code, the message on standard error alone, and no process left."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.engine.bad_input_modes import ENDLESS, SOON, STOPS

SHOAL = (sys.executable, "-W", "error", "-m", "shoal")
CLUSTER = ("--executors", "2", "--threads", "1")
FORMS = [pytest.param((), id="embedded"), pytest.param(CLUSTER, id="cluster", marks=pytest.mark.cluster)]


def shoal(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run((*SHOAL, *arguments), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("form", FORMS)
def test_the_first_error_ends_it(form: Sequence[str]) -> None:
    code, out, err = shoal(*form, "--format", "csv", "-c", "SELECT 1 AS a", "-c", "SELECT nme FROM range(3) AS t(name)")
    assert (code, out) == (1, "a\n1\n")
    assert err.splitlines()[:4] == [
        'ColumnNotFound [42703]: Referenced column "nme" not found in FROM clause!',
        "  line 1: SELECT nme FROM range(3) AS t(name)",
        "                 ^^^",
        "  hint: did you mean name?",
    ]
    assert len(err.splitlines()) == 5


@pytest.mark.parametrize(
    ("sql", "title"),
    [
        ("selec 1", "SyntaxError [42601]"),
        ("SELECT ?", "ParameterError [07001]"),
        ("SELECT 1 % 0", "DataError [22012]"),
        ("FROM 'nowhere.parquet'", "SourceNotFound [58P01]"),
        ("SELECT " + "(" * 10_000, "StatementTooLarge [54001]"),
        ("INSTALL httpfs", "NotSupportedError [0A000]"),
        ("SET timeot = 1", "SettingError [22023]"),
        ("SET timeout = '300ms'; " + ENDLESS, "QueryTimeout [57014]"),
    ],
    ids=lambda value: value[:20],
)
def test_titles(sql: str, title: str) -> None:
    code, out, err = shoal("-c", sql)
    assert (code, out) == (1, "")
    assert err.startswith(f"{title}: ")
    assert "Traceback" not in err


def test_a_corrupt_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing more")
    code, out, err = shoal("-c", f"FROM '{tmp_path}/bad.parquet'")
    assert (code, out) == (1, "")
    assert err.startswith(f"SourceCorrupt [58030]: {tmp_path}/bad.parquet cannot be read as parquet: ")


def test_a_megabyte_of_sql(tmp_path: Path) -> None:
    path = tmp_path / "long.sql"
    path.write_text("SELECT '" + "x" * (1 << 20) + "'")
    code, out, err = shoal("-f", str(path))
    assert (code, out) == (1, "")
    assert "the statement has 1,048,585 characters" in err
    assert len(err) < 1000


@pytest.mark.parametrize("form", FORMS)
def test_ctrl_c(form: Sequence[str]) -> None:
    command = (*SHOAL, *form, "-c", "SELECT 1", "-c", ENDLESS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.7)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SOON)
        assert time.monotonic() - started < STOPS
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not [child for child in children if child.is_running()]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_coordinator_that_is_not_there() -> None:
    started = time.monotonic()
    port = free_port()
    code, out, err = shoal("--url", f"shoal://127.0.0.1:{port}", "-c", "SELECT 1")
    assert (code, out) == (3, "")
    assert err.startswith("ConnectionFailed [08001]: ")
    assert str(port) in err
    assert "Traceback" not in err
    assert time.monotonic() - started < 2 * SOON


def test_something_else_listens_there() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        started = time.monotonic()
        code, out, err = shoal("--url", f"shoal://127.0.0.1:{other.getsockname()[1]}", "-c", "SELECT 1")
    assert (code, out) == (3, "")
    assert err.startswith("ConnectionFailed [08001]: ")
    assert time.monotonic() - started < 3 * SOON


@pytest.mark.parametrize(
    "arguments",
    [("--executors", "many"), ("--memory", "much", "-c", "SELECT 1"), ("--frmat", "csv"), ("--url", "http://x"),
     ("executor", "--join", "nowhere"), ("serve", "--port", "99999"), ("-f", "no_such_file.sql")],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(arguments: Sequence[str]) -> None:
    code, out, err = shoal(*arguments)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err
