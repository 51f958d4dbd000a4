"""How a stage is laid out over tasks once the outputs that it reads are there: a pure function of exact sizes.

A stage is planned as one task for each partition of its inputs. When the inputs are finished, small partitions are put
together, and one that is far larger than the others is shared out. Nothing here changes what a stage delivers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shoal.planner.ids import StageId
from shoal.planner.stage import (
    Adaptation,
    ExchangeInput,
    OutputFile,
    ReadMode,
    RowSlice,
    Stage,
    StageVariant,
    TurnedStage,
)

SKEWED = 1.5
"""A partition is skewed when it has so many times the bytes of an average one: its task takes that much longer."""

WORTH_SPLITTING = 0.75
"""Every task of a split partition reads all of its other inputs; what is left to read must shrink to this share."""

UNEVEN = 1.3
"""Files are cut within a partition when the largest share of whole files has so many times the average share."""

GROWS = 8
"""A stage that is expected to deliver so many times the bytes it reads keeps its tasks: its work is not its input."""

WORTH_TURNING = 5_000
"""Building on fewer rows is not worth a change."""

CELL_BYTES = 8.0
"""Bytes of an average value of a table."""

Outputs = Mapping[StageId, Sequence[OutputFile]]


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A file of an exchanged stage, by the number of the task that made it; of its partition perhaps only ``rows``."""

    file: int
    rows: RowSlice | None = None


@dataclass(frozen=True, slots=True)
class TaskShare:
    """What one task reads: ``partitions`` of all aligned inputs, but of the one called ``name`` only ``pieces``.

    ``heavy``: these are of keys of which another task has a row, too; the stage has a statement for that.
    """

    partitions: tuple[int, ...]
    name: str = ""
    pieces: tuple[FilePiece, ...] = ()
    heavy: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The tasks of a stage, and in words what is not as planned."""

    shares: tuple[TaskShare, ...]
    notes: tuple[str, ...] = ()

    def cuts(self, name: str) -> bool:
        """Whether a task reads only some rows of a file of this input, so that their order in the file matters."""
        return any(share.name == name and any(piece.rows for piece in share.pieces) for share in self.shares)


def planned_layout(stage: Stage) -> Layout:
    """A task for each partition, as planned."""
    return Layout(tuple(TaskShare((number,)) for number in range(stage.tasks)))


def lay_out(stage: Stage, outputs: Outputs, adaptation: Adaptation) -> Layout:
    """Choose the tasks of a stage whose inputs are complete; ``outputs`` has the files of each, by task.

    Where a stage scans a table in splits, each split belongs to one partition: tasks that share the partition all
    read it, and partitions are not put together.
    """
    aligned = [item for item in stage.exchanges if item.mode is ReadMode.ALIGNED]
    if not aligned or stage.tasks == 1:
        return planned_layout(stage)
    sizes = {item.name: _partition_bytes(outputs[item.stage], stage.tasks) for item in aligned}
    found: Layout | None = None
    if "split_skew" not in adaptation.disabled:
        found = _split_skew(stage, aligned, outputs, sizes, adaptation.split_bytes)
    scanned = any(len(scan.splits) > 1 for scan in stage.scans)
    if found is None and not scanned and "coalesce_partitions" not in adaptation.disabled:
        found = _coalesce_partitions(stage, sizes, adaptation.task_bytes)
    return found or planned_layout(stage)


def switch_note(variant: StageVariant, size: int) -> str:
    """Why a stage runs as its variant, whose measured stages have delivered ``size`` bytes."""
    word = "stage" if len(variant.measured) == 1 else "stages"
    numbers = ", ".join(str(stage) for stage in variant.measured)
    if variant.waits == variant.stage.id:
        return f"only rows that match the {_size(size)} of {word} {numbers} are delivered"
    return f"every task gets all {_size(size)} of {word} {numbers}, so the rows of stage {variant.waits} need not move"


def turn_note(turned: TurnedStage, rows: Mapping[StageId, int]) -> str | None:
    """Why a stage runs as it was turned, by the rows that stages have delivered; None if it does not."""
    sizes = [side.rows * (1 if side.stage is None else rows[side.stage]) for side in (turned.built, turned.probed)]
    if sizes[0] < WORTH_TURNING or sizes[0] <= turned.factor * sizes[1]:
        return None
    return f"a join builds on the {turned.side}: about {sizes[1]:,.0f} rows in a task, not {sizes[0]:,.0f}"


def _partition_bytes(files: Sequence[OutputFile], partitions: int) -> list[int]:
    return [sum(file.bytes[number] for file in files) for number in range(partitions)]


def _scanned_bytes(stage: Stage) -> list[list[float]]:
    """About how much each task reads of the tables that are split among the tasks."""
    split = [scan for scan in stage.scans if len(scan.splits) > 1]
    return [[part.rows * len(scan.columns) * CELL_BYTES for part in scan.splits] for scan in split]


def _coalesce_partitions(stage: Stage, sizes: Mapping[str, Sequence[int]], task_bytes: int) -> Layout | None:
    """Let one task read neighbouring partitions up to ``task_bytes``; None if that leaves all tasks as they are."""
    weights = [sum(column) for column in zip(*sizes.values(), strict=True)]
    total = sum(weights)
    if stage.estimate is not None and stage.estimate.bytes > GROWS * max(total, task_bytes):
        return None
    groups: list[list[int]] = []
    room = 0
    for number, weight in enumerate(weights):
        if not groups or weight > room:
            groups.append([])
            room = task_bytes
        groups[-1].append(number)
        room -= weight
    if len(groups) == len(weights):
        return None
    note = f"{len(weights)} partitions of {_size(total)} in all are read by {len(groups)} task"
    return Layout(tuple(TaskShare(tuple(group)) for group in groups), (note + ("" if len(groups) == 1 else "s"),))


def _split_skew(
    stage: Stage,
    aligned: Sequence[ExchangeInput],
    outputs: Outputs,
    sizes: Mapping[str, Sequence[int]],
    split_bytes: int,
) -> Layout | None:
    """Share a skewed partition out among tasks; None if there is none that may be and is worth it."""
    weights = [sum(column) for column in zip(*sizes.values(), *_scanned_bytes(stage), strict=True)]
    fair = sum(weights) / len(weights)
    candidates = [item for item in aligned if item.splittable]
    shares: list[tuple[float, TaskShare]] = []
    notes: list[str] = []
    for number, weight in enumerate(weights):
        largest = max(candidates, key=lambda item: sizes[item.name][number], default=None)
        parts = 1
        if largest is not None and weight > SKEWED * fair and sizes[largest.name][number] >= split_bytes:
            parts = _parts(sizes[largest.name][number], weight, fair, len(weights), split_bytes)
        if largest is None or parts == 1:
            found = _share_heavy(stage, number, weight, fair, outputs, split_bytes) if weight > SKEWED * fair else None
            shares += [(weight, TaskShare((number,)))] if found is None else found[0]
            notes += [] if found is None else [found[1]]
            continue
        split = sizes[largest.name][number]
        for pieces, size in _cut(outputs[largest.stage], number, parts):
            shares.append((size + weight - split, TaskShare((number,), largest.name, pieces)))
        notes.append(
            f"partition {number} has {_size(weight)} of {_size(sum(weights))}: {parts} tasks share its rows of "
            f"{largest.name}"
        )
    if not notes:
        return None
    # The longest tasks start first, so that none of them is left over at the end.
    shares.sort(key=lambda item: -item[0])
    return Layout(tuple(share for _, share in shares), tuple(notes))


def _parts(split: int, weight: float, fair: float, tasks: int, split_bytes: int) -> int:
    """Among how many tasks to share ``split`` bytes of a partition of ``weight`` bytes; 1: not worth it."""
    parts = min(tasks, -(-split // max(1, int(fair / 2), split_bytes // 2)))
    rest = weight - split
    return parts if parts > 1 and rest + split / parts <= WORTH_SPLITTING * weight else 1


def _cut(files: Sequence[OutputFile], partition: int, parts: int) -> list[tuple[tuple[FilePiece, ...], float]]:
    """Deal the files out, the largest first; where that is uneven, cut the rows into equal shares instead.

    Returns the pieces of each share that has any, and its bytes.
    """
    dealt: list[list[int]] = [[] for _ in range(parts)]
    loads = [0] * parts
    for number in sorted(range(len(files)), key=lambda number: -files[number].bytes[partition]):
        if files[number].rows[partition]:
            least = loads.index(min(loads))
            dealt[least].append(number)
            loads[least] += files[number].bytes[partition]
    if max(loads) * parts <= UNEVEN * sum(loads):
        shares = zip(dealt, loads, strict=True)
        return [(tuple(FilePiece(number) for number in sorted(mine)), load) for mine, load in shares if mine]
    rows = [file.rows[partition] for file in files]
    total = sum(rows)
    parts = min(parts, total)
    borders = [total * part // parts for part in range(parts + 1)]
    share = sum(loads) / parts
    return [(_between(rows, low, high), share) for low, high in pairwise(borders)]


def _share_heavy(
    stage: Stage, number: int, weight: float, fair: float, outputs: Outputs, split_bytes: int
) -> tuple[list[tuple[float, TaskShare]], str] | None:
    """Give the rows of heavy keys of a partition to tasks of their own, where the stage can; None if not worth it.

    The first task has all other rows; the others have all of the stage's other inputs as well.
    """
    found: tuple[float, ExchangeInput] | None = None
    for item in stage.exchanges:
        if item.mode is ReadMode.ALIGNED and any(one.name == item.name for one in stage.heavy):
            size = sum(_heavy_bytes(file, number) for file in outputs[item.stage])
            found = max(found or (0.0, item), (size, item), key=lambda pair: pair[0])
    if found is None or found[0] < max(1, split_bytes):
        return None
    heavy, item = found
    files = outputs[item.stage]
    whole = sum(file.bytes[number] for file in files)
    parts = max(1, min(stage.tasks, round(heavy / max(1.0, fair / 2, split_bytes / 2))))
    longest = max(weight - heavy, weight - whole + heavy / parts)
    if longest > WORTH_SPLITTING * weight:
        return None
    counts = [file.heavy[number] if file.heavy else 0 for file in files]
    parts = min(parts, sum(counts))
    others = [file.rows[number] - count for file, count in zip(files, counts, strict=True)]
    stays = tuple(
        FilePiece(place, RowSlice(0, rows) if counts[place] else None) for place, rows in enumerate(others) if rows
    )
    shares = [(weight - heavy, TaskShare((number,), item.name, stays))]
    borders = [sum(counts) * part // parts for part in range(parts + 1)]
    for low, high in pairwise(borders):
        pieces = tuple(_after(piece, counts, others) for piece in _between(counts, low, high))
        shares.append((weight - whole + heavy / parts, TaskShare((number,), item.name, pieces, heavy=True)))
    word = "task" if parts == 1 else "tasks"
    note = (
        f"partition {number} has {_size(weight)}: {parts} more {word} for {_size(heavy)} of heavy keys of {item.name}"
    )
    return shares, note


def _heavy_bytes(file: OutputFile, number: int) -> float:
    rows = file.rows[number]
    return file.bytes[number] * file.heavy[number] / rows if file.heavy and rows else 0.0


def _after(piece: FilePiece, counts: Sequence[int], others: Sequence[int]) -> FilePiece:
    """A piece of the rows of heavy keys of a file, which come after the others."""
    rows = piece.rows or RowSlice(0, counts[piece.file])
    return FilePiece(piece.file, RowSlice(others[piece.file] + rows.first, rows.rows))


def _between(rows: Sequence[int], low: int, high: int) -> tuple[FilePiece, ...]:
    """The pieces that hold the rows ``low`` to ``high`` (exclusive) of files with so many ``rows``, end to end."""
    pieces: list[FilePiece] = []
    start = 0
    for number, count in enumerate(rows):
        first, last = max(low, start), min(high, start + count)
        if first < last:
            whole = last - first == count
            pieces.append(FilePiece(number, None if whole else RowSlice(first - start, last - first)))
        start += count
    return tuple(pieces)


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
