"""The worker over a real gRPC stream, with pretended tasks."""

import asyncio
import signal

import pytest

from shoal.coordinator.events import (
    ExecutorDraining,
    ExecutorJoined,
    ExecutorLost,
    Heartbeat,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
)
from shoal.coordinator.executor_stream import ExecutorStream, StreamSettings
from shoal.executor import worker as worker_module
from shoal.executor.worker import Worker
from shoal.executor.worker_options import ExitCode
from shoal.planner.errors import ErrorKind, OperationalError, VersionMismatch
from shoal.planner.ids import QueryId
from tests.executor.control_pair import SECONDS, Pair, PretendedServices, task_id, task_spec, with_pair


def test_joins_with_what_it_offers() -> None:
    async def check(pair: Pair) -> None:
        assert await pair.joined() == ("e", "i")
        joined = pair.events[0]
        assert (joined.slots, joined.threads, joined.memory_bytes, joined.host) == (2, 1, 1 << 30, "this")
        assert joined.lease_seconds == 20.0

    with_pair(check)


def test_answers_each_task_once() -> None:
    async def check(pair: Pair) -> None:
        who = await pair.joined()
        for number, sql in enumerate(("ok", "fail", "break")):
            pair.transport.launch(*who, task_spec(number, sql))
        succeeded = await pair.event(TaskSucceeded)
        assert succeeded.output.task == task_id(0)
        assert succeeded.metrics.seconds == 0.1
        await pair.event(TaskFailed, 2)
        failed, broken = sorted(pair.of(TaskFailed), key=lambda event: event.task)
        assert (failed.failure.kind, failed.failure.error_class) == (ErrorKind.USER, "DataError")
        assert failed.failure.context.task == str(task_id(1))
        assert (broken.failure.kind, broken.failure.message) == (ErrorKind.INTERNAL, "ZeroDivisionError: a defect")
        assert len(pair.of(TaskStarted)) == 3

    with_pair(check)


def test_cancels_running_and_waiting_tasks() -> None:
    async def check(pair: Pair) -> None:
        who = await pair.joined()
        for number in range(3):
            pair.transport.launch(*who, task_spec(number, "wait"))
        await pair.event(TaskStarted, 2)
        pair.transport.cancel(*who, tuple(task_id(number) for number in (2, 0, 1, 7)))
        await pair.event(TaskFailed, 3)
        assert {event.task for event in pair.of(TaskFailed)} == {task_id(number) for number in range(3)}
        assert {event.failure.kind for event in pair.of(TaskFailed)} == {ErrorKind.CANCELLED}
        assert len(pair.of(TaskStarted)) == 2

    with_pair(check)


def test_drops_what_it_is_told_to_in_order() -> None:
    async def check(pair: Pair) -> None:
        who = await pair.joined()
        pair.transport.drop_outputs(*who, (task_id(1), task_id(2)))
        pair.transport.drop_query(*who, QueryId("q"))
        pair.transport.launch(*who, task_spec(3))
        await pair.event(TaskSucceeded)
        assert pair.services is not None
        assert pair.services.dropped == [task_id(1), task_id(2), "q"]

    with_pair(check)


def test_beats_and_gives_up_a_silent_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.02)

    async def check(pair: Pair) -> None:
        await pair.joined()
        await pair.event(Heartbeat, 5)
        assert pair.life is not None
        assert not pair.life.done()
        monkeypatch.setattr(ExecutorStream, "send", lambda *_: None)
        assert await pair.ended() is ExitCode.LOST_COORDINATOR
        assert (await pair.event(ExecutorLost)).incarnation == "i"

    with_pair(check, StreamSettings(heartbeat_seconds=0.05, lease_seconds=0.5))


def test_drains_until_the_coordinator_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.02)

    async def check(pair: Pair) -> None:
        who = await pair.joined()
        pair.transport.launch(*who, task_spec(0, "hang"))
        await pair.event(TaskStarted)
        pair.worker.stop(signal.SIGTERM)  # type: ignore[union-attr]
        await pair.event(ExecutorDraining)
        pair.services.release.set()  # type: ignore[union-attr]
        await pair.event(TaskSucceeded)
        pair.transport.disconnect(*who, "drained")
        assert await pair.ended() is ExitCode.DONE
        assert (await pair.event(ExecutorLost)).reason == "drained"

    with_pair(check)


def test_a_drain_has_a_deadline_and_a_second_signal_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.02)

    async def late(pair: Pair) -> None:
        who = await pair.joined()
        pair.transport.drain(*who)
        await pair.event(ExecutorDraining)
        assert await pair.ended() is ExitCode.DONE

    async def twice(pair: Pair) -> None:
        await pair.joined()
        pair.worker.stop(signal.SIGINT)  # type: ignore[union-attr]
        pair.worker.stop(signal.SIGINT)  # type: ignore[union-attr]
        assert await pair.ended() is ExitCode.INTERRUPTED
        assert (await pair.event(ExecutorLost)).reason == "got SIGINT"

    with_pair(late, drain_seconds=0.1)
    with_pair(twice)


def test_disconnected_cancels_what_runs() -> None:
    async def check(pair: Pair) -> None:
        who = await pair.joined()
        pair.transport.launch(*who, task_spec(0, "wait"))
        await pair.event(TaskStarted)
        pair.transport.disconnect(*who, "fenced")
        assert await pair.ended() is ExitCode.LOST_COORDINATOR
        assert (await pair.event(ExecutorLost)).reason == "fenced"

    with_pair(check)


def test_a_closed_stream_is_a_lost_executor_at_once() -> None:
    async def check(pair: Pair) -> None:
        await pair.joined()
        assert pair.life is not None
        pair.life.cancel()
        lost = await pair.event(ExecutorLost)
        assert "stream" in lost.reason
        await asyncio.wait((pair.life,))

    with_pair(check)


def test_a_task_that_ignores_its_cancel_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(worker_module, "STUCK_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "END_SECONDS", 0.2)

    async def check(pair: Pair) -> None:
        who = await pair.joined()
        pair.transport.launch(*who, task_spec(0, "hang"))
        await pair.event(TaskStarted)
        pair.transport.cancel(*who, (task_id(0),))
        assert f"task {task_id(0)} was cancelled" in (await pair.event(ExecutorLost)).reason
        assert await pair.ended() is ExitCode.STUCK
        pair.services.release.set()  # type: ignore[union-attr]
        pair.services.close()  # type: ignore[union-attr]

    with_pair(check)


def test_tasks_fail_when_the_process_grows_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    used = 0
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(worker_module, "OUT_OF_MEMORY_SECONDS", 0.3)
    monkeypatch.setattr(worker_module, "private_bytes", lambda _: used)

    async def check(pair: Pair) -> None:
        nonlocal used
        who = await pair.joined()
        pair.transport.launch(*who, task_spec(0, "wait"))
        await pair.event(TaskStarted)
        used = 1 << 40
        failure = (await pair.event(TaskFailed)).failure
        assert failure.kind is ErrorKind.OUT_OF_MEMORY
        assert failure.message == "executor e uses 1048576 MiB, its limit is 2048 MiB"
        assert await pair.ended() is ExitCode.OUT_OF_MEMORY
        assert (await pair.event(ExecutorLost)).reason.startswith("out of memory")

    with_pair(check)


def test_another_version_is_refused() -> None:
    async def check(pair: Pair) -> None:
        with pytest.raises(VersionMismatch, match=r"the coordinator runs Shoal 9\.9\.9, this executor 0\."):
            await pair.ended()
        assert pair.events == []

    with_pair(check, StreamSettings(version="9.9.9"))


def test_the_same_incarnation_cannot_attach_twice() -> None:
    async def check(pair: Pair) -> None:
        await pair.joined()
        assert pair.services is not None
        twin = Worker(pair.services.options, PretendedServices)
        with pytest.raises(OperationalError, match="attached already as incarnation i"):
            await asyncio.wait_for(twin.run(), SECONDS)
        assert len(pair.of(ExecutorJoined)) == 1

    with_pair(check)
