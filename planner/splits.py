"""Cuts the files of a table into one split for each task, at row-group borders, as even in rows as those allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shoal.planner.live_row_groups import work_of
from shoal.planner.protocols import RowGroup, TableStatistics
from shoal.planner.source import FileFormat, FileIdentity, FileSource, TableSource
from shoal.planner.stage import FileRange, Split


def make_splits(
    source: TableSource, statistics: TableStatistics, tasks: int, live: Sequence[bool] | None = None
) -> tuple[Split, ...]:
    """``tasks`` splits that together hold every row once; some may be empty.

    ``live`` tells of each row group, in order, whether a filter leaves anything of it: only those count as work.
    """
    if not isinstance(source, FileSource):
        return (Split(whole=True), *(Split() for _ in range(tasks - 1)))
    if source.format is not FileFormat.PARQUET:
        return _by_file(source.files, tasks)
    pieces: list[_Run] = []
    for file in source.files:
        groups = statistics.row_groups.get(file.path)
        if groups is None:
            return _by_file(source.files, tasks)
        pieces += _pieces(file, groups)
    return _by_rows(pieces, tasks, work_of([piece.rows for piece in pieces], live))


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring row groups of a file: the numbers of the first and the last, their first row, and their rows."""

    file: FileIdentity
    groups: tuple[int, int]
    first: int
    rows: int

    @property
    def end(self) -> int:
        """The row behind the last one."""
        return self.first + self.rows


def _pieces(file: FileIdentity, groups: tuple[RowGroup, ...]) -> list[_Run]:
    """Each row group by itself."""
    found: list[_Run] = []
    first = 0
    for number, group in enumerate(groups):
        found.append(_Run(file, (number, number), first, group.rows))
        first += group.rows
    return found


def _by_file(files: tuple[FileIdentity, ...], tasks: int) -> tuple[Split, ...]:
    """Whole files, the largest first to the task that has the least."""
    loads = [0] * tasks
    ranges: list[list[FileRange]] = [[] for _ in range(tasks)]
    for file in sorted(files, key=lambda item: (-item.size, item.path)):
        task = loads.index(min(loads))
        loads[task] += file.size
        ranges[task].append(FileRange(file))
    return tuple(Split(tuple(items)) for items in ranges)


def _by_rows(pieces: list[_Run], tasks: int, work: list[int]) -> tuple[Split, ...]:
    """Contiguous runs of row groups; a group goes to the task in whose share of the work its middle lies."""
    total = sum(work)
    sizes: dict[str, int] = {}
    for piece in pieces:
        sizes[piece.file.path] = max(sizes.get(piece.file.path, 0), piece.end)
    runs: list[list[_Run]] = [[] for _ in range(tasks)]
    before = 0
    for piece, cost in zip(pieces, work, strict=True):
        task = min(tasks - 1, int((before + cost / 2) * tasks / total)) if total else 0
        before += cost
        run = runs[task]
        if run and run[-1].file is piece.file and run[-1].end == piece.first:
            last = run[-1]
            run[-1] = replace(last, groups=(last.groups[0], piece.groups[1]), rows=last.rows + piece.rows)
        else:
            run.append(piece)
    return tuple(_split(run, sizes) for run in runs)


def _split(runs: list[_Run], sizes: dict[str, int]) -> Split:
    ranges = tuple(
        FileRange(run.file)
        if run.first == 0 and run.rows == sizes[run.file.path]
        else FileRange(run.file, run.first, run.end - 1, to_end=run.end == sizes[run.file.path], groups=run.groups)
        for run in runs
        if run.rows
    )
    return Split(ranges, rows=sum(run.rows for run in runs))
