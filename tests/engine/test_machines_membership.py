"""Membership: cores that executors share, joining, leases, fencing of old incarnations, draining."""

from dataclasses import replace

from shoal.coordinator.membership import Membership
from shoal.planner.ids import ExecutorId, Incarnation
from tests.engine.coordinator_plans import joined

X = ExecutorId("x")


def life(number: int) -> Incarnation:
    return Incarnation(f"x.{number}")


def test_join_and_lose() -> None:
    membership = Membership()
    assert membership.join(joined("x"), 1.0) is not None
    assert membership.find(X, life(0)) is not None
    assert membership.find(X, life(1)) is None
    assert membership.lose(X, life(1), "an old one") is None
    assert membership.lose(X, life(0), "gone") is not None
    assert membership.lose(X, life(0), "gone again") is None
    assert membership.members() == []
    assert membership.ever_joined


def test_a_lost_incarnation_never_comes_back() -> None:
    membership = Membership()
    membership.join(joined("x"), 1.0)
    membership.lose(X, life(0), "gone")
    assert membership.join(joined("x"), 2.0) is None
    assert membership.join(joined("x", life=1), 2.0) is not None


def test_losses_are_remembered_within_bounds() -> None:
    membership = Membership(remembered=3)
    for number in range(10):
        membership.join(joined("x", life=number), float(number))
        membership.lose(X, life(number), f"loss {number}")
    assert membership.recent_losses() == ["loss 7", "loss 8", "loss 9"]
    assert membership.join(joined("x", life=9), 10.0) is None


def test_an_executor_without_slots_is_refused() -> None:
    assert Membership().join(joined("x", slots=0), 0.0) is None


def test_a_lease_is_renewed_by_any_sign_of_life() -> None:
    membership = Membership()
    member = membership.join(joined("x", lease=5.0), 1.0)
    assert member is not None
    assert membership.silent_until(member) == 6.0
    membership.seen(X, life(0), 3.0)
    assert membership.silent_until(member) == 8.0
    assert membership.seen(X, life(1), 4.0) is None
    assert membership.silent_until(member) == 8.0


def test_a_draining_executor_takes_nothing_and_does_not_count() -> None:
    membership = Membership()
    membership.join(joined("x", slots=4, memory=100), 0.0)
    membership.join(joined("y", slots=2, memory=200), 0.0)
    assert [member.executor for member in membership.with_free_slots()] == ["x", "y"]
    assert membership.shape().memory_bytes == 100
    membership.drain(X, life(0))
    assert [member.executor for member in membership.with_free_slots()] == ["y"]
    assert (membership.shape().executors, membership.shape().threads, membership.shape().memory_bytes) == (1, 2, 200)
    assert [member.executor for member in membership.drained()] == ["x"]


def test_executors_that_share_cores_count_as_many_cores_as_there_are() -> None:
    membership = Membership()
    assert membership.shape().cores == 0
    for name in "abc":
        membership.join(replace(joined(name, slots=2), core_pool="one machine", cores=4), 0.0)
    assert membership.shape().cores == 4
    membership.join(replace(joined("d", slots=2), core_pool="another", cores=16), 0.0)
    membership.join(joined("e", slots=3), 0.0)
    assert membership.shape().cores == 4 + 2 + 3


def test_unreadable_outputs_are_counted_for_each_query() -> None:
    membership = Membership()
    member = membership.join(joined("x"), 0.0)
    assert member is not None
    for query, count in (("a", 1), ("a", 2), ("b", 1), ("a", 1)):
        member.cannot_read(query)  # type: ignore[arg-type]
        assert member.unreadable == count
