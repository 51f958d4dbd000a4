"""The ways to run that bad input is tried in, what a good error looks like, and what a process holds."""

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import shoal
from shoal.executor.resources import parse_size
from tests.engine.remote_cluster import coordinator, executors, url_of

MODES = (
    pytest.param("embedded", id="embedded"),
    pytest.param("stages", id="stages"),
    pytest.param("cluster", id="cluster", marks=pytest.mark.cluster),
    pytest.param("remote", id="remote", marks=pytest.mark.cluster),
)
"""In this process; in it but through coordinator and exchanges; on executors; as a client of a coordinator."""

ENDLESS = "SELECT count(*) FROM range(100000000000) AS a, range(1000000) AS b"
SOON = 10.0
"""Seconds in which any error must have come; generous, as machines that run tests are busy."""

STOPS = 5.0
"""Seconds in which a cancelled query must have ended: two, and what a busy machine adds."""

_MEMORY = Path("/dev/shm")
_NOT_FOR_USERS = re.compile(
    r"Traceback|Exception|Stack Trace|\b0x[0-9a-f]{6}|Invalid Input Error|Binder Error|Catalog Error|IO Error|"
    r"_duckdb|std::|pyarrow|incompatible function arguments|<class|Possible solutions|\bSET \w*(error|depth|threads)"
)


def connect(mode: str, **options: object) -> shoal.Connection:
    """A connection of a mode; a cluster has two executors, and everything is distributed that can be."""
    if mode == "embedded":
        return shoal.connect(**{"threads": 2, **options})  # type: ignore[arg-type]
    if mode == "remote":
        return _connect_remote(dict(options))
    options = {"distribute": "always", "partitions": 3, "threads": 1, **options}
    return shoal.connect(**({"executors": 2} if mode == "cluster" else {}), **options)  # type: ignore[arg-type]


def _connect_remote(options: dict[str, object]) -> shoal.Connection:
    """A client whose coordinator and executors end with it."""
    memory = parse_size(str(options.pop("memory", "256MB")))
    folder = Path(tempfile.mkdtemp(prefix="shoal_test_"))
    with ExitStack() as stack:
        stack.callback(folder.rmdir)
        server = stack.enter_context(coordinator())
        stack.enter_context(executors(server.port, 2, folder, memory))
        server.runner.wait_for_executors(2, 3 * SOON)
        connection = shoal.connect(url_of(server), **{"distribute": "always", "partitions": 3, **options})  # type: ignore[arg-type]
        everything = stack.pop_all()
    close = connection.close

    def close_all() -> None:
        close()
        everything.close()

    connection.close = close_all  # type: ignore[method-assign]
    return connection


def fails(
    connection: shoal.Connection, sql: str, kind: type[shoal.Error], parameters: tuple[object, ...] = ()
) -> shoal.Error:
    """Run a statement that must fail, soon, in exactly this class, with a message for users; the next one works."""
    cursor = connection.cursor()
    started = time.monotonic()
    with pytest.raises(shoal.Error) as caught:
        cursor.execute(sql, parameters).fetchall()
    assert time.monotonic() - started < SOON
    error = caught.value
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert error.query_id == cursor.query_id
    check_text(error)
    cursor.close()
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
    return error


def check_text(error: shoal.Error) -> None:
    """One sentence, in words for users, said once."""
    text = str(error)
    assert not _NOT_FOR_USERS.search(text), text
    assert error.message.strip() == error.message
    assert "\n" not in error.message
    quoted = (*error.context.story, "  line ")
    told = "\n".join(line for line in text.splitlines() if not any(each in line for each in quoted))
    assert told.count(error.message) == 1, text
    place, sql = error.context.place, error.context.sql
    if place is not None and sql is not None:
        line = sql.splitlines()[place.line - 1]
        assert place.column + place.length - 1 <= len(line) + 1


@dataclass(frozen=True, slots=True)
class Held:
    """What this process has, or has left somewhere."""

    children: frozenset[int]
    threads: frozenset[int]
    descriptors: int
    files: frozenset[str]


def held() -> Held:
    """What there is now. Directories of other processes, alive at the same time, are not ours."""
    me = psutil.Process()
    ours = f"shoal-{os.getpid()}-"
    bases = (Path(tempfile.gettempdir()), _MEMORY)
    children = frozenset(child.pid for child in me.children(recursive=True))
    mine = (ours, *(f"shoal-{pid}-" for pid in children))
    found = [path for base in bases if base.is_dir() for path in base.iterdir()]
    files = frozenset(str(path) for path in found if path.name.startswith(mine))
    # gRPC's own poller starts when it is first needed and stays.
    threads = frozenset(each.ident or 0 for each in threading.enumerate() if "_poll_wrapper" not in each.name)
    return Held(children, threads, me.num_fds(), files)


@contextmanager
def leaves_nothing() -> Iterator[None]:
    """Whatever the block starts or writes is gone, or goes, after it."""
    before = held()
    seen: set[int] = set()
    watching = threading.Event()

    def watch() -> None:
        while not watching.wait(0.05):
            seen.update(child.pid for child in psutil.Process().children(recursive=True))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        watching.set()
        watcher.join()
    eventually(lambda: held().children <= before.children, lambda: held().children - before.children)
    eventually(lambda: held().threads <= before.threads, lambda: [each.name for each in threading.enumerate()])
    eventually(lambda: held().files <= before.files, lambda: held().files - before.files)
    eventually(lambda: held().descriptors <= before.descriptors + 2, lambda: (before.descriptors, held().descriptors))
    directories = tuple(f"shoal-{pid}-" for pid in seen - before.children)
    left = [path for path in _MEMORY.glob("shoal-*") if directories and path.name.startswith(directories)]
    assert not left


def eventually(condition: Callable[[], bool], show: Callable[[], object] = lambda: "") -> None:
    """Wait for a condition; fails with what ``show`` gives."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, show()
        time.sleep(0.02)


def cancel_soon(cancel: Callable[[], object], seconds: float = 0.4) -> threading.Timer:
    """Call something from another thread, a little later."""
    timer = threading.Timer(seconds, cancel)
    timer.start()
    return timer
