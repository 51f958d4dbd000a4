"""The engines that Shoal can be compared with: which there are, which are installed, and how each is opened.

Each is one class in a file of its own, behind ``shoal.tpch.contenders.Contender``; what it needs is imported when it
is opened. They get the texts of the queries as they are. A new one is a file here and an entry in ``RIVALS``.
"""

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shoal.tpch.contenders import Contender, Duckdb
from shoal.tpch.dataset import Dataset

Opener = Callable[[Dataset, int], Contender]
"""Opens an engine over a data set with a number of threads."""


@dataclass(frozen=True, slots=True)
class Rival:
    """An engine to compare with. ``packages`` are the import names it needs, ``programs`` what has to be on PATH."""

    title: str
    open: Opener
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """The distribution whose version identifies the engine; empty when a benchmark names it anyway."""
        return self.packages[0] if self.packages else ""

    def missing(self) -> str | None:
        """What of it is not installed, in words; None when it can run."""
        packages = [name for name in self.packages if importlib.util.find_spec(name) is None]
        programs = [name for name in self.programs if shutil.which(name) is None]
        lacking = [f"the package {name}" for name in packages] + [f"the program {name}" for name in programs]
        return " and ".join(lacking) or None


def _polars(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.polars import Polars

    return Polars(dataset, threads)


def _datafusion(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.datafusion import Datafusion

    return Datafusion(dataset, threads)


def _sail(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.sail import Sail

    return Sail(dataset, threads, workers=0)


def _sail_cluster(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.sail import Sail

    return Sail(dataset, threads, workers=threads)


def _spark(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.spark import Spark

    return Spark(dataset, threads)


def _daft(dataset: Dataset, threads: int) -> Contender:
    from shoal.tpch.rivals.daft import Daft

    return Daft(dataset, threads)


RIVALS: Mapping[str, Rival] = MappingProxyType(
    {
        "duckdb": Rival("DuckDB", Duckdb),
        "polars": Rival("Polars", _polars, ("polars",)),
        "datafusion": Rival("DataFusion", _datafusion, ("datafusion",)),
        "sail": Rival("Sail", _sail, ("pysail", "pyspark")),
        "sail-cluster": Rival("Sail cluster", _sail_cluster, ("pysail", "pyspark")),
        "spark": Rival("Spark", _spark, ("pyspark",), ("java",)),
        "daft": Rival("Daft", _daft, ("daft",)),
    }
)
"""Every rival by the name that ``--compare`` takes."""


def find_installed(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of the rivals asked for, the keys of those that are installed; and of the others, what each lacks."""
    lacking = {key: RIVALS[key].missing() for key in dict.fromkeys(keys)}
    missing = tuple(f"{RIVALS[key].title}: {what} is not installed" for key, what in lacking.items() if what)
    return tuple(key for key, what in lacking.items() if not what), missing
