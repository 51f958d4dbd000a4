"""Who gets the free slots: queries in turn, each task where placement puts it."""

from collections import deque
from collections.abc import Mapping

from shoal.coordinator.instructions import LaunchTask
from shoal.coordinator.membership import Member, Membership, MemberState
from shoal.coordinator.placement import Candidate, InputBytes, choose_alone, choose_executor, locate_input
from shoal.coordinator.query_machine import QueryMachine
from shoal.coordinator.stage_machine import Partition, StageMachine
from shoal.coordinator.turn import Turn
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId
from shoal.planner.stage import TaskSpec

AloneKey = tuple[QueryId, StageId, int]
_NOWHERE = InputBytes({}, {}, 0)


class Dispatcher:
    """Launches what is ready while slots are free.

    Queries take turns, a task each, so that a long one cannot starve a short one. A task that is to run alone gets
    an executor kept free for it: nothing new is placed there, and it starts when the last other task has ended.
    """

    def __init__(self, membership: Membership, queries: Mapping[QueryId, QueryMachine]) -> None:
        self._membership = membership
        self._queries = queries
        self._waiting: deque[QueryId] = deque()
        self._is_waiting: set[QueryId] = set()
        self._alone: dict[AloneKey, tuple[ExecutorId, Incarnation] | None] = {}

    def notice(self, query: QueryMachine) -> None:
        """Give a query its turn, if it has something ready."""
        if query.graph.has_ready and query.id not in self._is_waiting:
            self._is_waiting.add(query.id)
            self._waiting.append(query.id)

    def run(self, turn: Turn) -> None:
        """Launch all that can be launched now."""
        self._keep_for_alone(turn)
        if not self._waiting:
            return
        free = {member.executor: member.candidate for member in self._membership.with_free_slots()}
        while free and self._waiting:
            query = self._queries.get(self._waiting[0])
            found = query.graph.take_ready() if query is not None else None
            if query is None or found is None:
                self._is_waiting.discard(self._waiting.popleft())
                continue
            machine, partition = found
            if partition.alone:
                self._alone.setdefault((query.id, machine.stage.id, partition.number), None)
                self._keep_for_alone(turn)
                free = {member.executor: member.candidate for member in self._membership.with_free_slots()}
                continue
            self._place(query, machine, partition, free, turn)
            self._waiting.rotate(-1)

    def _place(
        self,
        query: QueryMachine,
        machine: StageMachine,
        partition: Partition,
        free: dict[ExecutorId, Candidate],
        turn: Turn,
    ) -> None:
        spec = query.next_task(machine, partition)
        local = locate_input(spec) if len(free) > 1 else _NOWHERE
        executor = choose_executor(free.values(), local, partition.avoid)
        member = self._membership.get(executor or next(iter(free)))
        self._launch(query, spec, member, False, turn)
        if member.free:
            free[member.executor] = member.candidate
        else:
            del free[member.executor]
        for waiting in self._membership.without_core(member):
            free.pop(waiting, None)

    def _launch(self, query: QueryMachine, spec: TaskSpec, member: Member, alone: bool, turn: Turn) -> None:
        life = (member.executor, member.incarnation)
        member.launched += 1
        member.running[spec.id] = query.launched(spec.id, life, alone, turn.now)
        turn.instruct(LaunchTask(*life, spec))

    def _keep_for_alone(self, turn: Turn) -> None:
        """Find each task that is to run alone its executor, and launch it when nothing else runs there."""
        for key, life in list(self._alone.items()):
            member = self._membership.find(*life) if life is not None else None
            query = self._queries.get(key[0])
            found = query.graph.queued(key[1], key[2]) if query is not None else None
            if query is None or found is None:
                del self._alone[key]
                if member is not None:
                    member.alone_for = None
                continue
            if member is None or member.state is not MemberState.ACTIVE:
                member = self._keep(key)
            if member is not None and not member.running:
                del self._alone[key]
                self._launch(query, query.next_task(*found), member, True, turn)

    def _keep(self, key: AloneKey) -> Member | None:
        unkept = [member.candidate for member in self._membership.active() if member.alone_for is None]
        executor = choose_alone(unkept)
        self._alone[key] = None
        if executor is None:
            return None
        member = self._membership.get(executor)
        member.alone_for = key
        self._alone[key] = (member.executor, member.incarnation)
        return member
