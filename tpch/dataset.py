"""The tables of a benchmark as Parquet files in a folder: where they are, and at what scale."""

from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from shoal.tpch.suite import TPCH, Suite

TABLES = TPCH.tables


class DatasetError(Exception):
    """The folder does not hold all of the tables, or they could not be generated."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder with each table of a benchmark as ``<table>.parquet`` or as ``<table>/*.parquet``."""

    folder: Path
    suite: Suite = TPCH

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the benchmark's tables."""
        return self.suite.tables

    def pattern(self, table: str) -> str:
        """The absolute path of a table's one file, or the glob of its files."""
        single = self.folder.absolute() / f"{table}.parquet"
        return str(single) if single.is_file() else str(self.folder.absolute() / table / "*.parquet")

    def files(self, table: str) -> tuple[Path, ...]:
        """The table's files in order of their names; empty when the table is not there."""
        single = self.folder / f"{table}.parquet"
        return (single,) if single.is_file() else tuple(sorted((self.folder / table).glob("*.parquet")))

    def missing(self) -> tuple[str, ...]:
        """The tables that have no file."""
        return tuple(table for table in self.tables if not self.files(table))

    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.stat().st_size for table in self.tables for file in self.files(table))

    def scale(self) -> float:
        """The scale factor to three digits, from rows of tables; raises ``DatasetError`` when a file is not Parquet."""
        share = 1.0
        for table, rows in self.suite.sizes:
            share = max(self._rows(table), 1) / rows
            if share < 1:
                break
        return float(f"{share:.3g}")

    def _rows(self, table: str) -> int:
        try:
            return sum(parquet.read_metadata(file).num_rows for file in self.files(table))
        except (OSError, ValueError) as error:
            raise DatasetError(f"a {table} file in {self.folder} cannot be read: {error}") from error


def open_dataset(folder: Path, suite: Suite = TPCH) -> Dataset:
    """The data set of a benchmark in a folder; raises ``DatasetError`` unless all of its tables are there."""
    dataset = Dataset(folder, suite)
    missing = dataset.missing()
    if missing:
        raise DatasetError(
            f"{folder} lacks the Parquet files of {', '.join(missing)}\n"
            f"  hint: shoal {suite.key} generate --scale 1 --output {folder}"
        )
    return dataset
