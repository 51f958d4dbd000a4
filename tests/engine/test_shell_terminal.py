"""The interactive shell on a terminal: keys go in, the screen is read back as a person would see it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

COLUMNS, LINES = 100, 40
ENDLESS = "SELECT count(*) FROM range(100000000000) a, range(1000) b;"
TAB, ENTER, CTRL_C, CTRL_D, UP, RIGHT, ALT_ENTER = "\t", "\r", "\x03", "\x04", "\x1b[A", "\x1b[C", "\x1b\r"
# The child makes the terminal its controlling one, so that Ctrl-C becomes a signal as it does for a user.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A shell process on a pseudo terminal, and its screen."""

    def __init__(self, *arguments: str, state: Path) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        # A terminal answers when it is asked where the cursor is.
        self._screen.write_process_input = self.type
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("SHOAL") and name != "NO_COLOR"
        }
        self._process = subprocess.Popen(
            (sys.executable, "-c", _TAKE_TERMINAL, sys.executable, "-m", "shoal", *arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=kept | {"XDG_STATE_HOME": str(state), "TERM": "xterm-256color", "PYTHONUTF8": "1"},
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def colour_of(self, word: str) -> str:
        """The colour of the last place on the screen where a word stands."""
        for line in range(LINES - 1, -1, -1):
            column = self._screen.display[line].rfind(word)
            if column >= 0:
                return str(self._screen.buffer[line][column].fg)
        raise AssertionError(f"{word!r} is not on the screen:\n{self.text}")

    def wait_for(self, *words: str, timeout: float = 20.0) -> str:
        """Read until every word is on the screen."""
        deadline = time.monotonic() + timeout
        while not all(word in self.text for word in words):
            if time.monotonic() > deadline:
                raise AssertionError(f"no {words} on the screen within {timeout} s:\n{self.text}")
            self._read()
        return self.text

    def wait_for_prompt(self, timeout: float = 20.0) -> None:
        """Read until the cursor stands behind an empty prompt: what is typed before that may be lost."""
        deadline = time.monotonic() + timeout
        while self._screen.display[self._screen.cursor.y].rstrip() != "shoal>":
            if time.monotonic() > deadline:
                raise AssertionError(f"no empty prompt within {timeout} s:\n{self.text}")
            self._read()

    def wait_gone(self, word: str, timeout: float = 20.0) -> str:
        """Read until a word is no longer on the screen."""
        deadline = time.monotonic() + timeout
        while word in self.text:
            if time.monotonic() > deadline:
                raise AssertionError(f"{word!r} is still on the screen after {timeout} s:\n{self.text}")
            self._read()
        return self.text

    def wait_end(self) -> int:
        """Read until the process ends; its exit code."""
        deadline = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read()
        self._read()
        return self._process.wait(timeout=1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self) -> None:
        ready, _, _ = select.select([self._master], [], [], 0.05)
        if ready:
            try:
                self._stream.feed(os.read(self._master, 65536))
            except OSError:
                time.sleep(0.01)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(state=tmp_path / "state")
    try:
        terminal.wait_for("shoal>", "embedded")
        yield terminal
    finally:
        terminal.close()


def test_statement_over_several_lines(shell: Terminal) -> None:
    shell.type("SELECT 40 +" + ENTER)
    shell.wait_for("    ->")
    shell.type("2 AS answer;" + ENTER)
    shell.wait_for("│ answer │", "│     42 │", "1 row in ")
    shell.type("SELECT 7 AS seven" + ALT_ENTER)
    shell.wait_for("│ seven │")
    shell.wait_for_prompt()
    shell.type(CTRL_D)
    assert shell.wait_end() == 0


def test_highlighting(shell: Terminal) -> None:
    shell.type("SELECT 'text', 42, sum(x) -- note")
    shell.wait_for("-- note")
    colours = [shell.colour_of(word) for word in ("SELECT", "text", "42", "sum", "-- note", "x) ")]
    assert len(set(colours)) == 6
    assert colours[-1] == "default"


def test_completion_of_tables_and_columns(shell: Terminal) -> None:
    shell.type("CREATE VIEW animals AS SELECT 'otter' AS species, 4 AS legs;" + ENTER)
    shell.wait_for("done in")
    shell.type("SELECT * FROM ani")
    shell.wait_for("animals  table")
    shell.type(TAB)
    shell.wait_for("shoal> SELECT * FROM animals")
    shell.type(" a WHERE a.sp")
    shell.wait_for("column")
    shell.type(TAB)
    shell.wait_for("a.species")
    shell.type(" = 'otter';" + ENTER)
    shell.wait_for("│ otter   │    4 │")


def test_error_is_shown_and_the_shell_goes_on(shell: Terminal) -> None:
    shell.type("SELECT 1 FROM nowhere;" + ENTER)
    text = shell.wait_for("TableNotFound [42P01]", "^^^^^^^")
    assert shell.colour_of("TableNotFound") == "red"
    assert "Traceback" not in text
    shell.type("SELECT 'still ' || 'here' AS x;" + ENTER)
    shell.wait_for("still here")


def test_ctrl_c_cancels_the_query_and_keeps_the_shell(shell: Terminal) -> None:
    shell.type(ENDLESS + ENTER)
    shell.wait_for("Ctrl-C cancels")
    shell.type(CTRL_C)
    shell.wait_for("error: cancelled")
    shell.wait_gone("Ctrl-C cancels")
    shell.type("SELECT 'still ' || 'here' AS x;" + ENTER)
    shell.wait_for("still here")


def test_ctrl_c_clears_the_line(shell: Terminal) -> None:
    shell.type("SELECT half a statement" + ENTER + "and more")
    shell.wait_for("and more")
    shell.type(CTRL_C)
    shell.type("SELECT 'fresh ' || 'start' AS x;" + ENTER)
    text = shell.wait_for("fresh start")
    assert "error" not in text.lower()


def test_history_is_suggested_in_the_next_session(shell: Terminal, tmp_path: Path) -> None:
    shell.type("SELECT 'a memorable ' || 'text' AS x;" + ENTER)
    shell.wait_for("a memorable text")
    shell.type("exit" + ENTER)
    assert shell.wait_end() == 0
    second = Terminal(state=tmp_path / "state")
    try:
        second.wait_for("shoal>", "embedded")
        second.type("SELECT 'a mem")
        second.wait_for("SELECT 'a memorable ' || 'text' AS x;")
        second.type(RIGHT)
        second.type(ENTER)
        second.wait_for("a memorable text")
        second.type(UP)
        second.wait_for("shoal> SELECT 'a memorable ' || 'text' AS x;")
    finally:
        second.close()


def test_commands(shell: Terminal) -> None:
    shell.type("CREATE VIEW v AS SELECT 1 AS first, 'x' AS second;" + ENTER)
    shell.wait_for("done in")
    shell.type("\\d v" + ENTER)
    shell.wait_for("│ first ", "│ second ")
    shell.type("\\x" + ENTER)
    shell.wait_for("one line a value: on")
    shell.type("FROM v;" + ENTER)
    shell.wait_for(" first │ 1", "second │ x")
    shell.type("\\timing off" + ENTER + "\\format csv" + ENTER + "FROM v;" + ENTER)
    shell.wait_for("first,second")
    shell.type("help" + ENTER)
    shell.wait_for("\\timing [on|off]", "Ctrl-D leaves")
    shell.type("\\q" + ENTER)
    assert shell.wait_end() == 0


def test_wide_result_turns_vertical(shell: Terminal) -> None:
    columns = ", ".join(f"1234567890 AS column_number_{number}" for number in range(12))
    shell.type(f"SELECT {columns};" + ENTER)
    shell.wait_for("─[ row 1 ]", "column_number_11 │ 1234567890")


def test_long_result_is_cut(shell: Terminal) -> None:
    shell.type("\\limit 5" + ENTER + "SELECT n FROM range(1000000000) t(n);" + ENTER)
    shell.wait_for("first 5 rows shown, there are more")
