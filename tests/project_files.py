"""The files of the project, for the tests that look at the project itself."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "shoal": "engine",
    "shoal.planner": "planner",
    "shoal.executor": "executor",
    "shoal.tpch": "tpch",
    "shoal.tpcds": "tpcds",
}
"""Import names and their folders, as ``setup.py`` maps them."""


def source_files() -> list[Path]:
    """Every Python file that is shipped, without those that a generator wrote."""
    files = [file for folder in PACKAGES.values() for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in files if not is_generated(file)]


def files_of_tests() -> list[Path]:
    """Every Python file of the tests."""
    return sorted((ROOT / "tests").rglob("*.py"))


def is_generated(file: Path) -> bool:
    """Whether a generator wrote the file, so that no rule of style is for it."""
    return file.stem.endswith(("_pb2", "_pb2_grpc"))


def module_name(file: Path) -> str:
    """The import name of a source file."""
    folder, *inner = file.relative_to(ROOT).with_suffix("").parts
    package = next(name for name, place in PACKAGES.items() if place == folder)
    return ".".join([package, *inner]).removesuffix(".__init__")
