"""The package: a wheel holds every module and data file and runs from elsewhere, and so does an editable install."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from shoal.executor.protocol.version import VERSION
from tests.project_files import PACKAGES, ROOT

DATA_SUFFIXES = {".sql", ".css", ".proto", ".pyi", ".typed"}
SHIPPED = [*PACKAGES.values(), "pyproject.toml", "setup.py", "README.md", "LICENSE"]

IMPORT_ALL = """
import sys, site
site.addsitedir(sys.argv[2])
sys.path.append(sys.argv[1])
import shoal, shoal.planner.tree, shoal.executor.protocol.version, shoal.cli
from shoal.tpch.queries import query_text
from shoal.tpch.report import render_report
from shoal.tpcds.tables import TPCDS
assert "lineitem" in query_text(1)
assert "store_returns" in TPCDS.query_text(1)
print(shoal.__file__)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is shipped, so that a build leaves nothing in the project."""
    copy = tmp_path_factory.mktemp("tree")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def build(tree: Path, hook: str, output: Path) -> Path:
    """Build with a hook of setuptools' PEP 517 backend; the path of the wheel."""
    output.mkdir()
    code = f"import sys\nfrom setuptools import build_meta\nbuild_meta.{hook}(sys.argv[1])"
    command = [sys.executable, "-W", "ignore", "-c", code, str(output)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = output.glob("*.whl")
    return wheel


def expected_contents() -> set[str]:
    """Every module and data file of all folders, at its place under the import name."""
    expected = set()
    for package, folder in PACKAGES.items():
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in DATA_SUFFIXES | {".py"} or file.name == "py.typed":
                expected.add(f"{package.replace('.', '/')}/{file.relative_to(ROOT / folder)}")
    return expected


def installed_file(wheel: Path, target: Path) -> Path:
    """Unpack a wheel and import Shoal from there alone: no other path of this interpreter's leads to it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, sysconfig.get_path("purelib"), str(target)]
    done = subprocess.run(command, cwd=target, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_the_wheel_holds_every_module_and_runs(tree, tmp_path):
    wheel = build(tree, "build_wheel", tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert names == expected_contents()
    assert len(licences) == 1
    target = tmp_path / "target"
    assert installed_file(wheel, target) == target / "shoal" / "__init__.py"


def test_an_editable_install_runs_the_tree(tree, tmp_path):
    wheel = build(tree, "build_editable", tmp_path / "wheel")
    assert installed_file(wheel, tmp_path / "target") == tree / "engine" / "__init__.py"


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_the_whole_apache_licence():
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability" in text
