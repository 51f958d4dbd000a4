"""Cuts a physical plan at its exchanges into stages, and gives every task its splits. It decides nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.deciding_inputs import deciding_inputs
from shoal.planner.heavy_inputs import heavy_inputs
from shoal.planner.ids import ColumnId, StageId
from shoal.planner.live_row_groups import live_row_groups
from shoal.planner.logical import Schema
from shoal.planner.lower import PARTITION_COLUMN, Lowering, finished, partition_expression, quoted, turn_expression
from shoal.planner.physical import ExchangeKind, PhysicalNode
from shoal.planner.protocols import Statistics
from shoal.planner.repeated_parts import Part, repeated_parts
from shoal.planner.share_exchanges import share_exchanges
from shoal.planner.source import Field
from shoal.planner.split_inputs import split_inputs
from shoal.planner.splits import make_splits
from shoal.planner.stage import (
    ExchangeInput,
    HeavyStatement,
    OutputPartitioning,
    ReadMode,
    ScanInput,
    Split,
    Stage,
)
from shoal.planner.stage_nodes import stage_nodes

_PARTED = (ExchangeKind.HASH, ExchangeKind.RANGE, ExchangeKind.ROUND_ROBIN)
"""Exchanges of which each task reads its own partition."""


@dataclass(slots=True)
class Fragmenter:
    """Cuts one plan; ``partitions`` is the number of tasks of every stage that is spread.

    With ``shares``, exchanges of the same rows are made by one stage. With ``balances``, the row groups that filters
    leave are parted evenly among the tasks, otherwise all of them. With ``watches``, tasks look for heavy keys where
    these can be joined by tasks of their own.
    """

    statistics: Statistics
    partitions: int
    shares: bool = True
    balances: bool = True
    watches: bool = True
    repeats: bool = True
    stages: list[Stage] = field(default_factory=list)
    roots: list[PhysicalNode] = field(default_factory=list)
    repeated: dict[int, int] = field(default_factory=dict)
    """The nodes, by identity, of parts that a stage computes once, each with the number of its part."""
    _kept: list[Part] = field(default_factory=list)
    """The nodes themselves, so that no other node gets their identity."""
    _last: tuple[PhysicalNode, tuple[Part, ...]] | None = None
    _shared: dict[int, p.Exchange] = field(default_factory=dict)
    _made: dict[int, StageId] = field(default_factory=dict)
    _made_for: dict[StageId, p.Exchange] = field(default_factory=dict)
    _watched: set[int] = field(default_factory=set)
    _result: tuple[tuple[ColumnId, ...], tuple[Field, ...]] = ((), ())

    def cut(self, plan: PhysicalNode, outputs: tuple[ColumnId, ...], fields: tuple[Field, ...]) -> None:
        """Make the stages of a plan whose root delivers ``outputs`` under the names and types of ``fields``."""
        self._shared = share_exchanges(plan, alike=self.shares)
        self._result = (outputs, fields)
        self._cut_result(plan)

    def stage_of(self, exchange: p.Exchange) -> StageId:
        """The stage that makes the rows of an exchange."""
        return self._source(exchange)[0]

    def is_made_for(self, exchange: p.Exchange) -> bool:
        """Whether the stage that makes the rows of an exchange was cut for it, not for another one of the same rows."""
        return self._source(exchange)[1] is exchange

    def readers_of(self, stage: StageId) -> list[StageId]:
        """The stages that read a stage, one for each place in their plans, even if a statement names it only once."""
        return [
            self.stages[number].id
            for number, root in enumerate(self.roots)
            for node in stage_nodes(root)
            if isinstance(node, p.Exchange) and self.stage_of(node) == stage
        ]

    def read_like(self, exchange: p.Exchange, known: p.Exchange) -> None:
        """Let an exchange that is not in the plan read what the stage of a ``known`` one makes."""
        self._shared[id(exchange)] = self._shared.get(id(known), known)

    def again(self, id: StageId, root: PhysicalNode) -> Stage:
        """What a stage would be with another plan that reads the stages there are; the plan that is cut stays."""
        exchange = self._made_for.get(id)
        if exchange is None:
            self._cut_result(root)
        else:
            self._stage(replace(exchange, input=root))
        self.roots.pop()
        return replace(self.stages.pop(), id=id)

    def _cut_result(self, plan: PhysicalNode) -> None:
        fragment = self._fragment(plan)
        heavy = fragment.heavy_statements(self._result_body)
        self._finish(plan, fragment, self._result_body(fragment, plan), self._result[1], OutputPartitioning(), heavy)

    def _result_body(self, fragment: "_Fragment", plan: PhysicalNode) -> str:
        outputs, fields = self._result
        text = fragment.lowering.statement(plan, self._parts(plan))
        body = text.text()
        delivered = list(text.columns)
        names = [one.name for one in fields]
        if delivered != list(outputs) or names != [str(id) for id in outputs]:
            items = ", ".join(f"{quoted(id)} AS {quoted(name)}" for id, name in zip(outputs, names, strict=True))
            # The kernel keeps the order of rows through a projection (its insertion order), so names go on last.
            body = f"SELECT {items}\nFROM (\n{body}\n) AS rows"
        return body

    def _is_read(self, name: str, body: str, heavy: tuple[HeavyStatement, ...]) -> bool:
        """Whether a statement reads an input: of parts that are computed once, only the first place reads its own."""
        text = quoted(name)
        return not self.repeated or text in body or any(text in one.sql for one in heavy)

    def _parts(self, plan: PhysicalNode) -> tuple[Part, ...]:
        if not self.repeats:
            return ()
        if self._last is None or self._last[0] is not plan:
            self._last = plan, repeated_parts(plan, self._shared)
        return self._last[1]

    def _source(self, exchange: p.Exchange) -> tuple[StageId, p.Exchange]:
        """The stage that makes the rows of an exchange, and the exchange that it was made for."""
        leader = self._shared.get(id(exchange), exchange)
        if id(leader) not in self._made:
            made = self._made[id(leader)] = self._stage(leader)
            self._made_for[made] = leader
        return self._made[id(leader)], leader

    def _stage(self, exchange: p.Exchange) -> StageId:
        fragment = self._fragment(exchange.input)
        columns = p.schema(exchange.input)
        output = OutputPartitioning()
        if exchange.kind in _PARTED and self.partitions > 1:
            places = [column.id for column in columns]
            keys = tuple(places.index(key) for key in exchange.keys) if id(exchange) in self._watched else ()
            output = OutputPartitioning(self.partitions, PARTITION_COLUMN, keys=keys)
            if exchange.kind is ExchangeKind.ROUND_ROBIN:
                fragment.deterministic = False
        fields = tuple(Field(str(column.id), column.type) for column in columns) or (Field("shoal_row", "INTEGER"),)
        body = partial(self._exchange_body, exchange)
        heavy = fragment.heavy_statements(body)
        return self._finish(exchange.input, fragment, body(fragment, exchange.input), fields, output, heavy)

    def _exchange_body(self, exchange: p.Exchange, fragment: "_Fragment", plan: PhysicalNode) -> str:
        block = fragment.lowering.statement(plan, self._parts(plan))
        columns = [column.id for column in p.schema(plan)]
        ids = ", ".join(quoted(column) for column in columns) or "shoal_row"
        body = block.text()
        if exchange.kind in _PARTED and self.partitions > 1:
            turns = exchange.kind is ExchangeKind.ROUND_ROBIN
            number = turn_expression(self.partitions) if turns else partition_expression(exchange, self.partitions)
            return f"SELECT {ids}, {number} AS {PARTITION_COLUMN}\nFROM (\n{body}\n) AS rows"
        return body if list(block.columns) == columns else f"SELECT {ids}\nFROM (\n{body}\n) AS rows"

    def _finish(
        self,
        root: PhysicalNode,
        fragment: "_Fragment",
        body: str,
        fields: tuple[Field, ...],
        output: OutputPartitioning,
        heavy: tuple[HeavyStatement, ...] = (),
    ) -> StageId:
        id = StageId(len(self.stages))
        tasks = self.partitions if fragment.spread else 1
        scans = [(name, scan) for name, scan in fragment.scans if self._is_read(name, body, heavy)]
        stage = Stage(
            id,
            finished(body),
            fields,
            scans=tuple(self._scan(name, scan, tasks, fragment.filters) for name, scan in scans)
            + tuple(fragment.block_scans),
            exchanges=tuple(item for item in fragment.exchanges if self._is_read(item.name, body, heavy)),
            setup=tuple(fragment.setup),
            tasks=tasks,
            output=output,
            kernel_join_order=fragment.blocks and not fragment.joins,
            deterministic=fragment.deterministic,
            estimate=root.estimate,
            heavy=heavy,
        )
        self.stages.append(stage)
        self.roots.append(root)
        return id

    def _scan(self, name: str, scan: p.TableScan, tasks: int, filters: dict[int, exp.Expression]) -> ScanInput:
        columns = scan.scan.names
        if not scan.split or tasks == 1:
            return ScanInput(name, scan.scan.source, columns, (Split(whole=True),))
        if scan.splits:
            return ScanInput(name, scan.scan.source, columns, scan.splits)
        statistics = self.statistics.table(scan.scan.source, frozenset())
        predicate = filters.get(id(scan)) if self.balances else None
        live = live_row_groups(scan.scan, predicate, self.statistics)
        return ScanInput(name, scan.scan.source, columns, make_splits(scan.scan.source, statistics, tasks, live))

    def _fragment(self, root: PhysicalNode) -> "_Fragment":
        parts = self._parts(root)
        self._kept += parts
        self.repeated |= {id(place): number for number, places in enumerate(parts, 1) for place in places}
        inside = frozenset(id(node) for places in parts for place in places for node in stage_nodes(place))
        fragment = _Fragment(splittable=split_inputs(root) - inside, deciding=deciding_inputs(root))
        fragment.heavy = tuple(item for item in heavy_inputs(root) if id(item[0]) not in inside) if self.watches else ()
        self._watched |= {id(exchange) for exchange, _ in fragment.heavy}
        self._collect(root, fragment)
        fragment.lowering = Lowering(fragment.names, fragment.renamed)
        return fragment

    def _collect(self, node: PhysicalNode, fragment: "_Fragment") -> None:
        match node:
            case p.Exchange():
                stage, leader = self._source(node)
                hashed = node.kind in _PARTED
                name = fragment.fresh_exchange(stage)
                fragment.names[id(node)] = name
                fragment.renamed[id(node)] = p.schema(leader)
                mode = ReadMode.ALIGNED if hashed else ReadMode.ALL
                item = ExchangeInput(name, stage, mode, id(node) in fragment.splittable, id(node) in fragment.deciding)
                fragment.exchanges.append(item)
                fragment.spread = fragment.spread or hashed
                return
            case p.TableScan():
                name = fragment.fresh(node.scan.alias)
                fragment.names[id(node)] = name
                fragment.scans.append((name, node))
                fragment.spread = fragment.spread or node.split
            case p.KernelQuery():
                for table, source in node.block.tables:
                    columns = tuple(one.name for one in source.columns)
                    fragment.add_block_scan(ScanInput(table, source, columns, (Split(whole=True),)))
                fragment.setup += [view for view in node.block.views if view not in fragment.setup]
                fragment.blocks, fragment.deterministic = True, False
            case p.LimitRows() | p.WindowCompute():
                fragment.deterministic = False
            case p.HashJoin():
                fragment.joins = True
            case p.Filter():
                fragment.filters[id(node.input)] = node.predicate
            case _:
                pass
        for child in p.children(node):
            self._collect(child, fragment)


@dataclass(slots=True)
class _Fragment:
    names: dict[int, str] = field(default_factory=dict)
    filters: dict[int, exp.Expression] = field(default_factory=dict)
    scans: list[tuple[str, p.TableScan]] = field(default_factory=list)
    block_scans: list[ScanInput] = field(default_factory=list)
    exchanges: list[ExchangeInput] = field(default_factory=list)
    setup: list[tuple[str, str]] = field(default_factory=list)
    spread: bool = False
    splittable: frozenset[int] = frozenset()
    deciding: frozenset[int] = frozenset()
    deterministic: bool = True
    blocks: bool = False
    joins: bool = False
    renamed: dict[int, Schema] = field(default_factory=dict)
    heavy: tuple[tuple[p.Exchange, PhysicalNode], ...] = ()
    lowering: Lowering = field(default_factory=lambda: Lowering({}))

    def heavy_statements(self, body: "Callable[[_Fragment, PhysicalNode], str]") -> tuple[HeavyStatement, ...]:
        """What tasks run that have only rows of heavy keys of an input."""
        return tuple(HeavyStatement(self.names[id(one)], finished(body(self, plan))) for one, plan in self.heavy)

    def add_block_scan(self, scan: ScanInput) -> None:
        """A table under its own name, as the texts of all blocks know it."""
        if all(known.name.lower() != scan.name.lower() for known in self.block_scans):
            self.block_scans.append(scan)

    def fresh_exchange(self, stage: StageId) -> str:
        """An input name for one more reading of a stage's output."""
        times = sum(1 for known in self.exchanges if known.stage == stage)
        return f"exchange_{stage}" if not times else f"exchange_{stage}_{times + 1}"

    def fresh(self, alias: str) -> str:
        """An input name that no other input of the fragment has."""
        stem = "".join(letter if letter.isalnum() else "_" for letter in alias.rsplit("/", 1)[-1]).lower() or "scan"
        taken = {name for name, _ in self.scans} | {item.name.lower() for item in self.block_scans}
        name, number = f"scan_{stem}", 2
        while name in taken:
            name, number = f"scan_{stem}_{number}", number + 1
        return name
