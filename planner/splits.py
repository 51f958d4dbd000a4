"""Cuts the files of a table into one split for each task, at row-group borders, as even in rows as those allow."""

from collections.abc import Sequence

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
    pieces: list[tuple[FileIdentity, int, int]] = []
    for file in source.files:
        groups = statistics.row_groups.get(file.path)
        if groups is None:
            return _by_file(source.files, tasks)
        pieces += _pieces(file, groups)
    return _by_rows(pieces, tasks, work_of([rows for _, _, rows in pieces], live))


def _pieces(file: FileIdentity, groups: tuple[RowGroup, ...]) -> list[tuple[FileIdentity, int, int]]:
    """Each row group as (file, first row, rows)."""
    found: list[tuple[FileIdentity, int, int]] = []
    first = 0
    for group in groups:
        found.append((file, first, group.rows))
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


def _by_rows(pieces: list[tuple[FileIdentity, int, int]], tasks: int, work: list[int]) -> tuple[Split, ...]:
    """Contiguous runs of row groups; a group goes to the task in whose share of the work its middle lies."""
    total = sum(work)
    sizes: dict[str, int] = {}
    for file, first, rows in pieces:
        sizes[file.path] = max(sizes.get(file.path, 0), first + rows)
    runs: list[list[tuple[FileIdentity, int, int]]] = [[] for _ in range(tasks)]
    before = 0
    for (file, first, rows), cost in zip(pieces, work, strict=True):
        task = min(tasks - 1, int((before + cost / 2) * tasks / total)) if total else 0
        before += cost
        run = runs[task]
        if run and run[-1][0] is file and run[-1][1] + run[-1][2] == first:
            run[-1] = (file, run[-1][1], run[-1][2] + rows)
        else:
            run.append((file, first, rows))
    return tuple(_split(run, sizes) for run in runs)


def _split(run: list[tuple[FileIdentity, int, int]], sizes: dict[str, int]) -> Split:
    ranges = tuple(
        FileRange(file)
        if first == 0 and rows == sizes[file.path]
        else FileRange(file, first, first + rows - 1, to_end=first + rows == sizes[file.path])
        for file, first, rows in run
        if rows
    )
    return Split(ranges, rows=sum(rows for _, _, rows in run))
