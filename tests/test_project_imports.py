"""Who may import whom: planner nothing of ours, executor the planner's data types, the benchmarks the public API."""

import ast
from pathlib import Path

import pytest

from tests.project_files import module_name, source_files

PLANNER_DATA = {f"shoal.planner.{name}" for name in ("codec", "errors", "ids", "names", "source", "stage")}
MODULES = {module_name(file) for file in source_files()}
MOUNTS_BENCHMARKS = "shoal.cli"
"""The one module of the engine that may import the benchmarks: it mounts their subcommands."""


def imported_modules(text: str) -> set[str]:
    """The modules of Shoal that a source text imports, wherever the import stands; ``.`` for a relative one."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {"."} if node.level else {name if name in MODULES else node.module or "" for name in names}
    return {
        name for name in found if name == "." or name.split(".")[0] in {"shoal", "engine", "planner", "tpch", "tpcds"}
    }


def may_import(importer: str, imported: str) -> bool:
    """Whether the direction of an import is right."""

    def inside(package: str) -> bool:
        return imported == package or imported.startswith(package + ".")

    if imported.split(".", maxsplit=1)[0] != "shoal":
        return False
    if importer.startswith("shoal.planner"):
        return inside("shoal.planner")
    if importer.startswith("shoal.executor"):
        return inside("shoal.executor") or imported in PLANNER_DATA
    if importer.startswith("shoal.tpch"):
        return inside("shoal.tpch") or imported == "shoal"
    if importer.startswith("shoal.tpcds"):
        return inside("shoal.tpcds") or inside("shoal.tpch") or imported == "shoal"
    return not (inside("shoal.tpch") or inside("shoal.tpcds")) or importer == MOUNTS_BENCHMARKS


@pytest.mark.parametrize("file", source_files(), ids=module_name)
def test_imports_go_the_right_way(file: Path):
    wrong = {name for name in imported_modules(file.read_text()) if not may_import(module_name(file), name)}
    assert wrong == set()


@pytest.mark.parametrize(
    ("importer", "imported", "right"),
    [
        ("shoal.planner.bind", "shoal.planner.errors", True),
        ("shoal.planner.bind", "shoal.executor.task", False),
        ("shoal.planner.bind", "shoal", False),
        ("shoal.executor.task", "shoal.planner.stage", True),
        ("shoal.executor.task", "shoal.planner.bind", False),
        ("shoal.executor.task", "shoal.runner", False),
        ("shoal.session", "shoal.executor.task", True),
        ("shoal.session", "shoal.tpch.queries", False),
        ("shoal.cli", "shoal.tpch.cli", True),
        ("shoal.tpch.measure", "shoal", True),
        ("shoal.tpch.measure", "shoal.planner.errors", False),
        ("shoal.tpch.measure", ".", False),
        ("shoal.tpch.measure", "shoal.tpcds.tables", False),
        ("shoal.tpcds.cli", "shoal.tpch.cli", True),
        ("shoal.tpcds.cli", "shoal", True),
        ("shoal.tpcds.cli", "shoal.planner.errors", False),
        ("shoal.session", "shoal.tpcds.tables", False),
        ("shoal.cli", "shoal.tpcds.cli", True),
        ("shoal.session", "planner.bind", False),
    ],
)
def test_the_rule_itself(importer, imported, right):
    assert may_import(importer, imported) is right


def test_imports_inside_functions_count():
    assert imported_modules("def f():\n    from shoal.executor import task\n") == {"shoal.executor.task"}
    assert imported_modules("from shoal import connect\nfrom shoal.planner import codec, x") == {
        "shoal",
        "shoal.planner",
        "shoal.planner.codec",
    }
    assert imported_modules("from . import task\nfrom engine import x\nimport os") == {".", "engine"}
