"""The ceilings of the house style, and what no file of the project may hold."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project_files import ROOT, files_of_tests, source_files

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES, CLASS_LINES = 400, 600, 60, 250
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home)/\w|(?<![\w.])/tmp/(?:tpch|venv|py\b|mypy)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".sql", ".css", ".proto", ".cfg", ".ini", ".sh", ".txt"}


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def long_definitions(text: str) -> Iterator[str]:
    """The functions and classes of a text that pass their ceiling."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            ceiling = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > ceiling:
                yield f"{node.name}: {lines} lines"


def text_files() -> Iterator[Path]:
    """The texts that are the project's own."""
    for folder in ("engine", "planner", "executor", "tpch", "tpcds", "tests", "docs", "docker", ".ci"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and (file.suffix in TEXT_SUFFIXES or folder in {"docker", ".ci"}):
                yield file
    yield from (file for file in sorted(ROOT.glob("*")) if file.is_file() and file.suffix in {".md", ".toml", ".py"})
    yield ROOT / "Makefile"


@pytest.mark.parametrize("file", source_files(), ids=name_of)
def test_source_files_keep_the_ceilings(file: Path):
    text = file.read_text()
    assert text.count("\n") <= FILE_LINES
    assert list(long_definitions(text)) == []
    assert file.stem not in VAGUE_NAMES
    assert ast.get_docstring(ast.parse(text)) is not None or not text


@pytest.mark.parametrize("file", files_of_tests(), ids=name_of)
def test_test_files_keep_their_ceiling(file: Path):
    assert file.read_text().count("\n") <= TEST_FILE_LINES


def test_nothing_is_left_unfinished():
    found = [name_of(file) for file in source_files() if UNFINISHED.search(file.read_text())]
    assert found == []


def test_no_path_of_one_machine():
    found = [name_of(file) for file in text_files() if MACHINE_PATH.search(file.read_text())]
    assert [name for name in found if name != name_of(Path(__file__))] == []


def test_the_rules_themselves():
    assert list(long_definitions("def f():\n" + "    x = 1\n" * FUNCTION_LINES)) == ["f: 61 lines"]
    assert list(long_definitions("def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1))) == []
    assert MACHINE_PATH.search("open('/work/main/x')")
    assert not MACHINE_PATH.search("tpch/work/main")
