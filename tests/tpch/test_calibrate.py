"""The calibration of the planner's price constants."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from shoal.planner.cost import model
from shoal.tpch.calibrate import MEASURES, bench_of, calibrate, exchange_constants, join_constants

UNMEASURED = {"CACHED_BUILD_BYTES", "CELL_BYTES", "OUTPUT_BYTE", "MEMORY_SHARE", "BUILD_LEFT_FACTOR"}
"""Constants that follow from others, describe the machine's caches, or are chosen."""


def constants() -> set[str]:
    tree = ast.parse(Path(str(model.__file__)).read_text("utf-8"))
    assigned = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
    return {target.id for target in assigned if isinstance(target, ast.Name)}


def test_every_constant_is_measured_under_its_name() -> None:
    result = CliRunner().invoke(calibrate, ["--rows", "20000", "--repeats", "1"])
    assert result.exit_code == 0, result.output
    found = dict(line.split(" = ") for line in result.output.splitlines())
    assert all(float(value) >= 0 for value in found.values())
    assert set(found) | {"SPILL_BYTE"} == constants() - UNMEASURED


def test_what_is_measured_is_of_the_right_size() -> None:
    with bench_of(200_000, 2) as bench:
        joins, exchanges = join_constants(bench), exchange_constants(bench)
    assert joins["BUILD_ROW"] > joins["PROBE_ROW"]
    assert 1e-10 < exchanges["SEND_BYTE"] < 1e-7


@pytest.mark.parametrize("measure", MEASURES, ids=lambda item: item.__name__)
def test_every_measure_says_what_it_measures(measure: object) -> None:
    assert measure.__doc__
