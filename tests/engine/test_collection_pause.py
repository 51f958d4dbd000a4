"""Garbage collection rests while plans are made, and only then."""

import gc
from threading import Barrier, Thread

import pytest

import shoal
from shoal import session_planner
from shoal.collection_pause import pause_collection


def test_it_is_on_again_when_the_last_is_done() -> None:
    assert gc.isenabled()
    with pause_collection():
        assert not gc.isenabled()
        with pytest.raises(ValueError, match="inside"), pause_collection():
            raise ValueError("inside")
        assert not gc.isenabled()
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with pause_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_threads_share_the_pause() -> None:
    inside, outside = Barrier(5), Barrier(5)
    seen: list[bool] = []

    def plan() -> None:
        with pause_collection():
            inside.wait(10)
            seen.append(gc.isenabled())
            outside.wait(10)

    threads = [Thread(target=plan) for _ in range(4)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    outside.wait(10)
    for thread in threads:
        thread.join(10)
    assert seen == [False] * 4
    assert gc.isenabled()


def test_plans_are_made_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    made = session_planner.BoundCatalog.describe

    def describe(self: object, *arguments: object) -> object:
        seen.append(gc.isenabled())
        return made(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(session_planner.BoundCatalog, "describe", describe)
    with shoal.connect() as connection:
        connection.execute("SET distribute = 'always'")
        assert connection.execute("SELECT count(*) FROM range(10) AS r(i) WHERE i > 3").fetchall() == [(6,)]
        with pytest.raises(shoal.Error):
            connection.execute("SELECT nothing")
    assert seen
    assert not any(seen)
    assert gc.isenabled()
