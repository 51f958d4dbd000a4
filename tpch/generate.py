"""Makes a benchmark's data with its generator from PyPI (the extra of its name, as ``shoal[tpch]``)."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

from shoal.tpch.dataset import Dataset, DatasetError
from shoal.tpch.suite import TPCH, Suite


def find_generator(suite: Suite = TPCH) -> str:
    """The path of the generator: beside this Python first, then on PATH. Raises ``DatasetError`` when it is missing."""
    program = suite.generator[0]
    found = shutil.which(program, path=sysconfig.get_path("scripts")) or shutil.which(program)
    if found is None:
        raise DatasetError(f"{program} is not installed\n  hint: pip install 'shoal[{suite.key}]'")
    return found


def generate(scale: float, output: Path, parts: int = 1, *, overwrite: bool = False, suite: Suite = TPCH) -> bool:
    """Write the tables of a benchmark into ``output``; with several ``parts`` as ``<table>/<table>.<i>.parquet``.

    Returns False, and writes nothing, when the same data is already complete there. Raises ``DatasetError`` when other
    data is there and ``overwrite`` is not set, and when the generator is missing or fails.
    """
    wanted = {"scale": scale, "parts": parts}
    dataset = Dataset(output, suite)
    if not overwrite:
        present = [table for table in dataset.tables if dataset.files(table)]
        if not dataset.missing() and _read_mark(_mark(dataset)) == wanted:
            return False
        if present:
            raise DatasetError(
                f"{output} already holds other or incomplete data ({', '.join(present)})\n"
                "  hint: choose another folder, or pass --overwrite"
            )
    generator = find_generator(suite)
    _clear(dataset)
    command = [generator, *suite.generator[1:], "--scale-factor", f"{scale:g}", "--output-dir", str(output)]
    if parts > 1:
        command += ["--parts", str(parts)]
    _run(command)
    missing = dataset.missing()
    if missing:
        raise DatasetError(f"{suite.generator[0]} ended well but wrote no {', '.join(missing)} into {output}")
    _mark(dataset).write_text(json.dumps(wanted) + "\n", encoding="utf-8")
    return True


def _run(command: list[str]) -> None:
    """Run the generator; its progress goes to the standard error it inherits."""
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise DatasetError(f"{command[0]} failed with exit code {error.returncode}") from error
    except OSError as error:
        raise DatasetError(f"{command[0]} cannot be started: {error}") from error


def _mark(dataset: Dataset) -> Path:
    """Written beside the tables when all are complete: the scale and the parts they were made with."""
    return dataset.folder / f"{dataset.suite.key}.json"


def _read_mark(file: Path) -> object:
    try:
        mark: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark


def _clear(dataset: Dataset) -> None:
    """Remove what an earlier run wrote: the tables of this benchmark and nothing else."""
    dataset.folder.mkdir(parents=True, exist_ok=True)
    _mark(dataset).unlink(missing_ok=True)
    for table in dataset.tables:
        for file in dataset.files(table):
            file.unlink()
        # One layout hides the other, so both are looked for.
        for file in (dataset.folder / table).glob(f"{table}.*.parquet"):
            file.unlink()
