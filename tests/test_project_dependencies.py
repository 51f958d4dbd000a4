"""What is imported from others is declared: the core dependencies anywhere, the extras only inside functions."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.project_files import ROOT, module_name, source_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORT_NAMES = {"grpcio": "grpc", "protobuf": "google", "prompt-toolkit": "prompt_toolkit"}


def declared(requirements: Iterable[str]) -> set[str]:
    """The import names of requirements."""
    names = {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in requirements}
    return {IMPORT_NAMES.get(name, name) for name in names}


CORE = declared(PROJECT["dependencies"])
EXTRA = declared(name for extra in ("dataframes", "rivals") for name in PROJECT["optional-dependencies"][extra])


def packages(nodes: Iterable[ast.AST]) -> set[str]:
    """The packages of others that import statements among the nodes name; ``_typeshed`` is the type checker's alone."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"shoal", "_typeshed"}


@pytest.mark.parametrize("file", source_files(), ids=module_name)
def test_imports_are_declared(file: Path):
    tree = ast.parse(file.read_text())
    assert packages(tree.body) <= CORE
    assert packages(ast.walk(tree)) <= CORE | EXTRA


def test_the_names_themselves():
    declared = {"sqlglot", "pyarrow", "duckdb", "grpc", "google", "prompt_toolkit", "rich", "click", "wcwidth", "pytz"}
    assert declared == CORE
    assert {"pandas", "polars", "datafusion", "pysail", "pyspark"} == EXTRA
    assert packages(ast.walk(ast.parse("def f():\n    import numpy.linalg, os\n"))) == {"numpy"}
