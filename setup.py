"""Maps the folders at the root to import names and finds every package in them; all else is in ``pyproject.toml``.

A list of packages in ``pyproject.toml`` would have to be extended by hand with each new folder. This finds them, so
that no module can be left out of the wheel.
"""

from pathlib import Path

from setuptools import find_packages, setup

FOLDERS = {
    "shoal": "engine",
    "shoal.planner": "planner",
    "shoal.executor": "executor",
    "shoal.tpch": "tpch",
    "shoal.tpcds": "tpcds",
}
ROOT = Path(__file__).parent

packages = [
    name if not inner else f"{name}.{inner}"
    for name, folder in FOLDERS.items()
    for inner in ["", *find_packages(str(ROOT / folder))]
]

setup(package_dir=FOLDERS, packages=packages)
