"""Reads sqllogictest files: the records of a script, and the values as they are written there.

What is read: ``statement ok|error``, ``query TYPES [nosort|rowsort|valuesort]``, ``skipif`` and ``onlyif`` with the
name of an engine, ``hash-threshold``, ``loop``, ``foreach`` and ``endloop``, ``halt``, and comments. Rows are written
one a line, their values separated by tabs, as in DuckDB's own files; one value a line, as in SQLite's, is read, too.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SORTS = ("nosort", "rowsort", "valuesort")
_LOOP = re.compile(r"loop (?P<name>\w+) (?P<first>-?\d+) (?P<end>-?\d+)$")
_HASHED = re.compile(r"(?P<count>\d+) values hashing to (?P<hash>[0-9a-f]{32})$")

Rows = Sequence[Sequence[object]]


class ScriptError(ValueError):
    """A file that is no script; the message has its line."""


@dataclass(frozen=True)
class Record:
    """A statement or query. ``line`` is its first, from 1; ``expected`` the lines of the answer, or of the error."""

    line: int
    sql: str
    is_query: bool
    fails: bool = False
    types: str = ""
    sort: str = "nosort"
    expected: tuple[str, ...] = ()
    skipped: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    hash_threshold: int = 0

    def runs_on(self, engine: str) -> bool:
        """Whether an engine is to run it."""
        return engine not in self.skipped and (not self.only or engine in self.only)

    def compare(self, rows: Rows) -> str | None:
        """What is wrong with an answer, or None."""
        shown = self.shown(rows)
        if self.expected == shown:
            return None
        if any("\t" in line for line in shown) and _values(shown) == self.expected:
            return None
        return "\n".join(("expected", *self.expected, "but got", *shown))

    def shown(self, rows: Rows) -> tuple[str, ...]:
        """An answer as it is written in a script."""
        values = [[show(value) for value in row] for row in rows]
        if self.sort == "rowsort":
            values.sort()
        lines = ["\t".join(row) for row in values]
        if self.sort == "valuesort":
            lines = sorted(value for row in values for value in row)
        count = sum(map(len, values))
        if self.hash_threshold and count > self.hash_threshold:
            text = "".join(f"{value}\n" for row in values for value in row)
            return (f"{count} values hashing to {hashlib.md5(text.encode()).hexdigest()}",)
        return tuple(lines)


@dataclass
class _State:
    """Where reading is: the lines, and what the conditions before a record say."""

    lines: Sequence[str]
    place: int = 0
    skipped: set[str] = field(default_factory=set)
    only: set[str] = field(default_factory=set)
    hash_threshold: int = 0


def read_script(text: str) -> list[Record]:
    """The records of a script, loops unrolled; raises ``ScriptError``."""
    state = _State(text.splitlines())
    return list(_records(state, {}, inside=False))


def _records(state: _State, names: dict[str, str], *, inside: bool) -> Iterator[Record]:
    while state.place < len(state.lines):
        line = state.lines[state.place].strip()
        words = line.split()
        state.place += 1
        if not words or line.startswith("#"):
            continue
        match words[0]:
            case "statement" | "query":
                yield _record(state, words, names)
            case "skipif":
                state.skipped.add(words[1])
            case "onlyif":
                state.only.add(words[1])
            case "hash-threshold":
                state.hash_threshold = int(words[1])
            case "loop" | "foreach":
                yield from _loop(state, line, words, names)
            case "endloop" if inside:
                return
            case "halt":
                state.place = len(state.lines)
            case _:
                raise ScriptError(f"line {state.place}: {line}")


def _loop(state: _State, line: str, words: Sequence[str], names: dict[str, str]) -> Iterator[Record]:
    items: Sequence[str] = words[2:]
    if match := _LOOP.match(line):
        items = [str(number) for number in range(int(match["first"]), int(match["end"]))]
    if not items:
        raise ScriptError(f"line {state.place}: a loop over nothing")
    start = state.place
    for item in items:
        state.place = start
        yield from _records(state, {**names, words[1]: item}, inside=True)


def _record(state: _State, words: Sequence[str], names: dict[str, str]) -> Record:
    line = state.place
    is_query = words[0] == "query"
    if len(words) < 2 or (not is_query and words[1] not in ("ok", "error")):
        raise ScriptError(f"line {line}: {' '.join(words)}")
    sort = words[2] if is_query and len(words) > 2 else "nosort"
    if sort not in SORTS:
        raise ScriptError(f"line {line}: there is no sort mode {sort}")
    sql, expected, answered = _body(state)
    if is_query and not answered:
        raise ScriptError(f"line {line}: a query needs a line ---- and its answer")
    record = Record(
        line,
        _filled(sql, names),
        is_query,
        fails=not is_query and words[1] == "error",
        types=words[1] if is_query else "",
        sort=sort,
        expected=tuple(_filled(value, names) for value in expected),
        skipped=frozenset(state.skipped),
        only=frozenset(state.only),
        hash_threshold=state.hash_threshold,
    )
    state.skipped.clear()
    state.only.clear()
    return record


def _body(state: _State) -> tuple[str, list[str], bool]:
    """The text up to an empty line, and what stands below a line of dashes in it."""
    sql: list[str] = []
    expected: list[str] = []
    answered = False
    while state.place < len(state.lines) and state.lines[state.place].strip():
        line = state.lines[state.place]
        state.place += 1
        if line.strip() == "----" and not answered:
            answered = True
        else:
            (expected if answered else sql).append(line)
    return "\n".join(sql).strip().removesuffix(";"), expected, answered


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace("${" + name + "}", value)
    return text


def show(value: object) -> str:
    """A value as scripts have it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            return _show_float(value)
        case str():
            return value.replace("\n", "\\n").replace("\t", "\\t") or "(empty)"
        case bytes():
            return (
                "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02X}" for byte in value)
                or "(empty)"
            )
        case list() | tuple():
            return "[" + ", ".join(map(show, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{show(key)}: {show(item)}" for key, item in value.items()) + "}"
        case _:
            return str(value)


def _show_float(value: float) -> str:
    """Twelve digits, as sums of floats depend on their order in the last ones."""
    return "nan" if math.isnan(value) else f"{value + 0.0:.12g}"


def _values(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(value for line in lines for value in line.split("\t"))
