"""Makes TPC-H data with tpchgen-cli, the fast generator from PyPI (the extra ``shoal[tpch]``)."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

from shoal.tpch.dataset import TABLES, Dataset, DatasetError

_GENERATOR = "tpchgen-cli"
_MARK = "tpch.json"
"""Written beside the tables when all are complete: the scale and the parts they were made with."""


def find_generator() -> str:
    """The path of tpchgen-cli: beside this Python first, then on PATH. Raises ``DatasetError`` when it is missing."""
    found = shutil.which(_GENERATOR, path=sysconfig.get_path("scripts")) or shutil.which(_GENERATOR)
    if found is None:
        raise DatasetError(f"{_GENERATOR} is not installed\n  hint: pip install 'shoal[tpch]'")
    return found


def generate(scale: float, output: Path, parts: int = 1, *, overwrite: bool = False) -> bool:
    """Write the eight tables into ``output``; with several ``parts`` as ``<table>/<table>.<i>.parquet``.

    Returns False, and writes nothing, when the same data is already complete there. Raises ``DatasetError`` when other
    data is there and ``overwrite`` is not set, and when the generator is missing or fails.
    """
    wanted = {"scale": scale, "parts": parts}
    dataset = Dataset(output)
    if not overwrite:
        present = [table for table in TABLES if dataset.files(table)]
        if not dataset.missing() and _read_mark(output) == wanted:
            return False
        if present:
            raise DatasetError(
                f"{output} already holds other or incomplete data ({', '.join(present)})\n"
                "  hint: choose another folder, or pass --overwrite"
            )
    generator = find_generator()
    _clear(output)
    command = [generator, "parquet", "--scale-factor", f"{scale:g}", "--output-dir", str(output)]
    if parts > 1:
        command += ["--parts", str(parts)]
    _run(command)
    missing = dataset.missing()
    if missing:
        raise DatasetError(f"{_GENERATOR} ended well but wrote no {', '.join(missing)} into {output}")
    (output / _MARK).write_text(json.dumps(wanted) + "\n", encoding="utf-8")
    return True


def _run(command: list[str]) -> None:
    """Run the generator; its progress goes to the standard error it inherits."""
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise DatasetError(f"{_GENERATOR} failed with exit code {error.returncode}") from error
    except OSError as error:
        raise DatasetError(f"{_GENERATOR} cannot be started: {error}") from error


def _read_mark(output: Path) -> object:
    try:
        mark: object = json.loads((output / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark


def _clear(output: Path) -> None:
    """Remove what an earlier run wrote: the tables of this benchmark and nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARK).unlink(missing_ok=True)
    for table in TABLES:
        for file in Dataset(output).files(table):
            file.unlink()
        # One layout hides the other, so both are looked for.
        for file in (output / table).glob(f"{table}.*.parquet"):
            file.unlink()
