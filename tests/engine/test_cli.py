"""The command line: what goes to standard output, what to standard error, and how the process ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from shoal.cli import cli
from shoal.version import __version__

SHOAL = (sys.executable, "-W", "error", "-m", "shoal")
ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(1000) b"


def environment() -> dict[str, str]:
    """The environment without anything that is meant for Shoal, or that hides what is left in buffers."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SHOAL", "PYTHONUNBUFFERED"))}


def shoal(*arguments: str, stdin: str = "", extra: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the command line in this process; exit code, standard output, standard error."""
    cleared = {name: None for name in os.environ if name.startswith("SHOAL")}
    result = CliRunner(env=cleared | dict(extra or {})).invoke(cli, arguments, input=stdin, prog_name="shoal")
    return result.exit_code, result.stdout, result.stderr


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command line that still runs; it is killed if the test ends before it."""
    command = (*SHOAL, *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        try:
            yield process
        finally:
            process.kill()


def usage(*arguments: str) -> str:
    """The message of a command line that is refused before anything is started."""
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def test_as_a_process() -> None:
    command = (*SHOAL, "--format", "csv", "-c", "SELECT 1 AS a; SELECT nothing")
    done = subprocess.run(command, capture_output=True, timeout=60, env=environment(), check=False)
    assert (done.returncode, done.stdout) == (1, b"a\n1\n")
    assert done.stderr.startswith(b"ColumnNotFound [42703]: ")


def test_statements_in_order() -> None:
    code, out, err = shoal("--format", "csv", "-c", "SELECT 1 AS a; SELECT 2 AS b", "-c", "SELECT 'é日' AS c")
    assert (code, out, err) == (0, "a\n1\nb\n2\nc\né日\n", "")


def test_table_is_the_default() -> None:
    code, out, err = shoal("-c", "SELECT 42 AS answer")
    assert (code, err) == (0, "")
    assert out == "┌────────┐\n│ answer │\n├────────┤\n│     42 │\n└────────┘\n"


def test_standard_input() -> None:
    assert shoal("--format", "jsonl", stdin="SELECT 1 AS a;\nSELECT 2 AS a") == (0, '{"a":1}\n{"a":2}\n', "")
    assert shoal(stdin="") == (0, "", "")
    assert shoal("--format", "csv", "-f", "-", stdin="SELECT 3 AS a") == (0, "a\n3\n", "")


def test_first_error_ends_a_file_with_its_place(tmp_path: Path) -> None:
    script = tmp_path / "report.sql"
    script.write_text("SELECT 1 AS a;\n\n-- comment\nSELECT *\n  FROM nowhere;\nSELECT 3 AS c")
    code, out, err = shoal("--format", "csv", "-f", str(script))
    assert (code, out) == (1, "a\n1\n")
    assert err.startswith(f"{script}:5: TableNotFound [42P01]: ")
    assert "\n  line 5:   FROM nowhere;\n                 ^^^^^^^\n" in err
    assert "\x1b" not in err


def test_data_and_errors_do_not_mix() -> None:
    code, out, err = shoal("-c", "SELECT 1 AS a", "-c", "SELECT nothing", "-c", "SELECT 2")
    assert code == 1
    assert "│ 1 │" in out
    assert "nothing" not in out
    assert err.startswith("ColumnNotFound [42703]: ")


def test_syntax_error() -> None:
    code, out, err = shoal("-c", "SELEC 1")
    assert (code, out) == (1, "")
    assert err.startswith("SyntaxError [42601]: ")
    assert "^" in err


def test_output_file(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert shoal("-o", str(path), "--format", "json", "-c", "SELECT 1 AS a") == (0, "", "")
    assert json.loads(path.read_text()) == [{"a": 1}]
    code, _, _ = shoal("-o", str(path), "--format", "csv", "-c", "SELECT 2 AS a; SELECT nothing")
    assert code == 1
    assert json.loads(path.read_text()) == [{"a": 1}]
    assert list(tmp_path.iterdir()) == [path]


def test_output_file_that_cannot_be_written(tmp_path: Path) -> None:
    code, _, err = shoal("-o", str(tmp_path / "no" / "out.csv"), "-c", "SELECT 1")
    assert code == 1
    assert err.startswith("error: cannot write")
    assert "Traceback" not in err


def test_limit() -> None:
    code, out, err = shoal("--format", "csv", "--limit", "2", "-c", "SELECT * FROM range(5) t(n)")
    assert (code, out) == (0, "n\n0\n1\n")
    assert "there are more" in err


def test_whole_result_when_nobody_looks() -> None:
    _, out, err = shoal("-c", "SELECT * FROM range(3000) t(n)")
    assert len(out.splitlines()) == 3004
    assert err == ""


def test_tables_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n2,Grace\n")
    (tmp_path / "parts").mkdir()
    for number in (1, 2):
        (tmp_path / "parts" / f"{number}.csv").write_text(f"part\n{number}\n")
    sql = "SELECT name FROM people ORDER BY id; SELECT sum(part) AS parts FROM parts"
    assert shoal("--data", str(tmp_path), "--format", "csv", "-c", sql) == (0, "name\nAda\nGrace\nparts\n3\n", "")
    (tmp_path / "empty").mkdir()
    code, _, err = shoal("--data", str(tmp_path / "empty"), "-c", "SELECT 1")
    assert (code, err.split(":")[0]) == (1, "SourceNotFound [58P01]")


def test_commands_and_explain() -> None:
    code, out, _ = shoal("-c", "\\format csv", "-c", "CREATE VIEW v AS SELECT 1 AS n", "-c", "\\d v", "-c", "\\d")
    assert code == 0
    assert "n,INTEGER" in out
    assert "v" in out.splitlines()
    code, out, _ = shoal("-c", "EXPLAIN SELECT 1 AS n")
    assert code == 0
    assert "│ plan" not in out


def test_nobody_listens_there() -> None:
    code, out, err = shoal("--url", "shoal://127.0.0.1:1", "-c", "SELECT 1")
    assert (code, out) == (3, "")
    assert err.startswith("ConnectionFailed [08001]: ")
    code, _, _ = shoal("-c", "SELECT 1", extra={"SHOAL_URL": "shoal://127.0.0.1:1"})
    assert code == 3


def test_interrupt_ends_a_script() -> None:
    with started("-c", ENDLESS) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


def test_termination_removes_the_part_file(tmp_path: Path) -> None:
    with started("-o", str(tmp_path / "out.csv"), "-c", ENDLESS) as process:
        deadline = time.monotonic() + 20
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_reader_that_has_had_enough() -> None:
    with started("--format", "csv", "-c", "SELECT * FROM range(20000000) t(n)") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"n\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (*SHOAL, "-c", "SELECT 1"), stdout=full, stderr=subprocess.PIPE, timeout=60, env=environment(), check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: cannot write")


def test_closed_standard_output() -> None:
    done = subprocess.run(
        ("sh", "-c", 'exec "$@" >&-', "sh", *SHOAL, "-c", "SELECT 1"),
        stderr=subprocess.PIPE,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bogus"], "No such option"),
        (["nonsense"], "No such command"),
        (["--format", "xml", "-c", "SELECT 1"], "xml"),
        (["--limit", "-1", "-c", "SELECT 1"], "limit"),
        (["--memory", "lots", "-c", "SELECT 1"], "not a size"),
        (["-f", "/no/such/file.sql"], "does not exist"),
        (["--data", "/no/such/directory"], "does not exist"),
        (
            ["--url", "shoal://host:1", "--executors", "2", "-c", "SELECT 1"],
            "--executors is for a session in this process",
        ),
        (["executor"], "--join"),
        (["executor", "--join", "nowhere"], "not an address"),
        (["serve", "--port", "70000"], "70000"),
    ],
)
def test_wrong_usage(arguments: Sequence[str], message: str) -> None:
    assert message in usage(*arguments)


def test_help_and_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"shoal {__version__}\n")
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for word in ("executor", "serve", "tpch", "--executors", "--format", "SHOAL_URL"):
        assert word in result.stdout


def test_help_loads_no_engine() -> None:
    heavy = "{'duckdb', 'pyarrow', 'rich', 'prompt_toolkit'}"
    check = f"import sys; import shoal.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run((sys.executable, "-c", check), timeout=60, check=False).returncode == 0


def test_scripts_do_not_load_the_line_editor() -> None:
    check = (
        "import sys; from shoal.cli import cli\n"
        "try: cli(['-c', 'SELECT 1'])\n"
        "except SystemExit as end: code = end.code\n"
        "sys.exit(code or bool({'rich', 'prompt_toolkit', 'shoal.tpch'} & set(sys.modules)))"
    )
    done = subprocess.run((sys.executable, "-c", check), timeout=60, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.cluster
def test_local_cluster(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("n\n" + "\n".join(map(str, range(100))))
    sql = "SET distribute = 'always'; SELECT n % 2 AS odd, count(*) AS c FROM n GROUP BY 1 ORDER BY 1"
    code, out, err = shoal("--executors", "2", "--data", str(tmp_path), "--format", "csv", "-c", sql)
    assert (code, out, err) == (0, "odd,c\n0,50\n1,50\n", "")


@pytest.mark.cluster
def test_executor_joins_a_coordinator() -> None:
    with started("serve", "--port", "0") as coordinator:
        assert coordinator.stderr is not None
        address = coordinator.stderr.readline().decode().split()[-1]
        with started("executor", "--join", address, "--threads", "1", "--memory", "500MB") as executor:
            time.sleep(1.5)
            assert executor.poll() is None
            executor.send_signal(signal.SIGTERM)
            executor.communicate(timeout=20)
            # A worker that has not yet begun to listen for signals is ended by this one, and its code is passed on.
            assert executor.returncode in (0, 128 + signal.SIGTERM)
        coordinator.send_signal(signal.SIGINT)
        coordinator.communicate(timeout=20)
        assert coordinator.returncode == 0
