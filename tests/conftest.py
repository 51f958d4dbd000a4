"""What every test may use: data of TPC-H and TPC-DS, made once a run by the generators that users have."""

from pathlib import Path

import pytest

from shoal.tpcds.tables import TPCDS
from shoal.tpch.generate import generate

SCALE = 0.01


@pytest.fixture(scope="session")
def tpch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The eight tables at scale 0.01, one Parquet file each (``lineitem.parquet``)."""
    folder = tmp_path_factory.mktemp("tpch")
    generate(SCALE, folder)
    return folder


@pytest.fixture(scope="session")
def tpch_parts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables in seven files each, where they are large enough (``lineitem/lineitem.3.parquet``)."""
    folder = tmp_path_factory.mktemp("tpch_parts")
    generate(SCALE, folder, parts=7)
    return folder


@pytest.fixture(scope="session")
def tpcds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 24 tables of TPC-DS at scale 0.01, one Parquet file each (``store_sales.parquet``)."""
    folder = tmp_path_factory.mktemp("tpcds")
    generate(SCALE, folder, suite=TPCDS)
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--golden`` writes the golden files anew instead of only comparing with them."""
    parser.addoption("--golden", action="store_true", help="write the golden files anew")
