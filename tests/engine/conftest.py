"""What several tests of adaptation use: tables with skewed, missing and NULL keys, and plain DuckDB over them."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.engine.adaptation_tables import oracle, write_tables


@pytest.fixture(scope="session")
def skewed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each table of ``adaptation_tables``."""
    made = tmp_path_factory.mktemp("adaptation")
    write_tables(made)
    return made


@pytest.fixture(scope="session")
def skewed_truth(skewed_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Plain DuckDB over these tables."""
    with oracle(skewed_folder) as connection:
        yield connection
