"""The eight tables of TPC-H as Parquet files in a folder: where they are, and at what scale."""

from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")

_SUPPLIERS_AT_SCALE_1 = 10_000


class DatasetError(Exception):
    """The folder does not hold the eight tables, or they could not be generated."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder with each table as ``<table>.parquet`` or as ``<table>/*.parquet``."""

    folder: Path

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
        return tuple(table for table in TABLES if not self.files(table))

    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.stat().st_size for table in TABLES for file in self.files(table))

    def scale(self) -> float:
        """The scale factor, from the number of suppliers; raises ``DatasetError`` when a file is not Parquet."""
        try:
            suppliers: int = sum(parquet.read_metadata(file).num_rows for file in self.files("supplier"))
        except (OSError, ValueError) as error:
            raise DatasetError(f"a supplier file in {self.folder} cannot be read: {error}") from error
        return max(suppliers, 1) / _SUPPLIERS_AT_SCALE_1


def open_dataset(folder: Path) -> Dataset:
    """The data set in a folder; raises ``DatasetError`` unless all eight tables are there."""
    dataset = Dataset(folder)
    missing = dataset.missing()
    if missing:
        raise DatasetError(
            f"{folder} lacks the Parquet files of {', '.join(missing)}\n"
            f"  hint: shoal tpch generate --scale 1 --output {folder}"
        )
    return dataset
