"""What the README shows works: its Python runs, its commands run, its links lead somewhere."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import shoal
from shoal.settings import SETTINGS
from shoal.tpch.generate import generate
from tests.project_files import ROOT

README = (ROOT / "README.md").read_text()
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
SIZES = re.compile(r"(~|expects )[\d,]+ rows?, [\d.]+ \w*B( \(\w+\))?")
PORT = "7432"
SECONDS = 60.0


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[str]:
    """The command lines of a shell block that call ``shoal``; one that goes on over several lines is joined."""
    lines: list[str] = []
    for line in block.splitlines():
        if lines and lines[-1].count('"') % 2:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return [line for line in lines if "shoal" in shlex.split(line, comments=True)]


ON_CLUSTER = next(block for block in blocks("sh") if "shoal serve" in block)
BACKGROUND = [line for line in commands(ON_CLUSTER) if shlex.split(line, comments=True)[-1] == "&"]
ALONE = [line for block in blocks("sh")[1:] if block != ON_CLUSTER for line in commands(block)]
EXPLAINED = next(line for line in ALONE if "EXPLAIN" in line)


@pytest.fixture
def folder(tpch_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the data of ``make demo`` (less of it), a script, and ``shoal`` in the path."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tpch-0.1").symlink_to(tpch_folder)
    (tmp_path / "report.sql").write_text("SELECT 1 AS one;\nSELECT 2 AS two;\n")
    program = tmp_path / "bin" / "shoal"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -W error -m shoal "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SHOAL_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> str:
    """Run a command line to its end; its standard output."""
    done = subprocess.run(
        ["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(line: str) -> Iterator["subprocess.Popen[str]"]:
    """A command line that the README runs in the background; it has to end in order when it is told to."""
    words = shlex.split(line, comments=True)[:-1]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                _, rest = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, rest


@pytest.fixture
def port(folder: Path) -> Iterator[str]:
    """The port of the README's cluster, on which both executors have joined; a free one instead of the one it names."""
    with ExitStack() as stack:
        server = stack.enter_context(running(BACKGROUND[0].replace(PORT, "0")))
        assert server.stderr is not None
        port = server.stderr.readline().rpartition(":")[2].strip()
        for line in BACKGROUND[1:]:
            stack.enter_context(running(line.replace(PORT, port)))
        with shoal.connect(f"shoal://127.0.0.1:{port}", distribute="always") as connection:
            wait_for_tasks(connection, len(BACKGROUND) - 1)
        yield port


def wait_for_tasks(connection: shoal.Connection, tasks: int) -> None:
    """Wait until a plan is spread over so many executors."""
    deadline = time.monotonic() + SECONDS
    sql = "EXPLAIN SELECT l_linestatus, count(*) FROM 'data/tpch-0.1/lineitem.parquet' GROUP BY ALL"
    while f"{tasks} tasks" not in str(connection.execute(sql).fetchall()):
        assert time.monotonic() < deadline, "the executors do not join"
        time.sleep(0.1)


@pytest.mark.usefixtures("folder")
def test_the_python_runs():
    first, *_ = blocks("python")
    names: dict[str, object] = {}
    exec(compile(first, "README.md", "exec"), names)
    assert names["table"].num_rows == 3


@pytest.mark.cluster
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", ALONE, ids=[re.sub(r"\W+", " ", line)[:40] for line in ALONE])
def test_the_commands_run(line):
    output = run(line)
    assert output or "-o" in line or line.partition("#")[0].strip() == "shoal"
    if "-o" in line:
        assert Path("report.csv").read_text() == "one\n1\ntwo\n2\n"


@pytest.mark.cluster
def test_the_plan_is_the_one_that_is_shown(folder):
    """Line by line; how long it is expected to take, and how many rows a timed sample promises, is another matter."""
    (folder / "data" / "tpch-0.1").unlink()
    generate(0.1, folder / "data" / "tpch-0.1")
    shown = next(block for block in blocks("text") if "Exchange" in block)
    plans = [SIZES.sub("", plan).split("\n\n")[1:] for plan in (run(EXPLAINED), shown)]
    assert plans[0] == plans[1]


@pytest.mark.cluster
def test_the_cluster_runs(port):
    for line in commands(ON_CLUSTER):
        if line not in BACKGROUND:
            assert run(line.replace(PORT, port))
    _, second = blocks("python")
    names: dict[str, object] = {"shoal": shoal}
    exec(compile(second.replace(PORT, port), "README.md", "exec"), names)
    assert names["rows"][0][0] > 50_000


def test_the_first_lines_show_the_two_commands():
    first = README.split("##")[0]
    assert "make demo" in first
    assert "make test" in first


def test_every_setting_is_named():
    rows = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    assert sorted(rows) == sorted(SETTINGS)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/decisions/README.md"])
def test_links_lead_somewhere(page):
    file = ROOT / page
    wrong = [target for target in LINK.findall(file.read_text()) if not (file.parent / target).exists()]
    assert wrong == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda picture: picture.name)
def test_pictures_say_what_they_show(picture):
    root = ET.parse(picture).getroot()
    assert root.get("role") == "img"
    assert [root.find(f"{{http://www.w3.org/2000/svg}}{name}").text for name in ("title", "desc")]
