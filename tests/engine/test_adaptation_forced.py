"""Statements of the corpus with every variant that could be chosen chosen, and partitions split without need.

Each strategy has half of the statements, unless ``SHOAL_EVERY_CONFIGURATION`` is set.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import shoal
from shoal.coordinator import stage_choices
from shoal.executor.shuffle import heavy_keys
from shoal.planner import adapt, broadcast_variants, filter_variants, stage_variants, turned_builds
from shoal.planner.options import JoinStrategy
from tests.engine.answer_corpus_joins import JOINS, SUBQUERIES
from tests.engine.answer_corpus_shared import SHARED
from tests.engine.answer_oracle import Oracle, connect, difference, run, statements
from tests.engine.answer_tables import write_tables

STATEMENTS = [one for text in (JOINS, SUBQUERIES, SHARED) for one in statements(text)[::7]]
SETTINGS = {
    "partitions": "3",
    "disabled_rules": "use_clustering,coalesce_partitions,push_aggregates,reduce_semi_joins,observed_rows",
    "task_bytes": "1",
}


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Oracle, Path]]:
    folder = tmp_path_factory.mktemp("forced")
    write_tables(folder)
    oracle = Oracle(folder)
    yield oracle, folder
    oracle.close()


@pytest.mark.parametrize("strategy", ["auto", "partitioned"])
@pytest.mark.parametrize("kind", ["broadcasts", "filters", "splits", "heavy keys", "turned"])
def test_whatever_may_be_chosen_gives_the_same_answer(
    oracle: tuple[Oracle, Path], monkeypatch: pytest.MonkeyPatch, kind: str, strategy: str
) -> None:
    never, always = (lambda *_: -1.0), (lambda *_: 1e12)
    monkeypatch.setattr(broadcast_variants, "_break_even", always if kind == "broadcasts" else never)
    monkeypatch.setattr(broadcast_variants, "MEMORY_SHARE", 1e6)
    monkeypatch.setattr(stage_variants, "JoinStrategy", SimpleNamespace(AUTO=JoinStrategy(strategy)))
    monkeypatch.setattr(filter_variants, "_most_rows", always if kind == "filters" else never)
    if kind in ("splits", "heavy keys"):
        monkeypatch.setattr(adapt, "SKEWED", 0.1)
        monkeypatch.setattr(adapt, "WORTH_SPLITTING", 10.0)
    if kind == "heavy keys":
        for name in ("LEAST_ROWS", "SKEWED", "HEAVY"):
            monkeypatch.setattr(heavy_keys, name, 0.0)
    if kind == "turned":
        monkeypatch.setattr(turned_builds, "LEAST_ROWS", 0.0)
        monkeypatch.setattr(turned_builds, "_is_known", lambda _: False)
        monkeypatch.setattr(stage_choices, "turn_note", lambda *_: "turned")
    duck, folder = oracle
    several = STATEMENTS if "SHOAL_EVERY_CONFIGURATION" in os.environ else STATEMENTS[strategy == "auto" :: 2]
    with connect(folder, {**SETTINGS, "join_strategy": strategy}) as connection:
        wrong = [found for one in several if (found := _difference(duck, connection, one.sql, one.in_order))]
    assert not wrong


def _difference(duck: Oracle, connection: shoal.Connection, sql: str, in_order: bool) -> str | None:
    found = difference(run(connection, sql), duck.answer(sql), sql, in_order=in_order)
    return None if found is None else f"{sql}\n{found}"
