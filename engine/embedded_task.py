"""A plan of one stage as the task that the kernel of this process runs: what it is, and what its errors mean."""

import re
from collections.abc import Iterable
from dataclasses import replace

from shoal.executor.kernel_errors import translate_error
from shoal.executor.scan import check_files
from shoal.planner.errors import Error, Place, SourceChanged, SourceError
from shoal.planner.ids import QueryId, TaskId
from shoal.planner.source import Field, FileIdentity
from shoal.planner.stage import StagedPlan, TaskScan, TaskSpec

_PLAIN_TYPE = re.compile(r"[A-Z_ ]+(\(\d+,\d+\))?")


def task_of(plan: StagedPlan, query: QueryId) -> TaskSpec:
    """The task of a plan that is one stage of one task."""
    stage = plan.result
    scans = tuple(TaskScan(scan.name, scan.source, scan.columns, scan.splits[0]) for scan in stage.scans)
    return TaskSpec(
        TaskId(query, stage.id, 0, 0, 0),
        stage.sql,
        stage.columns,
        scans,
        (),
        stage.setup,
        stage.output,
        stage.kernel_join_order,
        plan.settings,
    )


def check_types(columns: tuple[Field, ...], types: list[str]) -> None:
    """Notice that a file which the statement reads by itself has other columns than when it was planned."""
    alike = len(columns) == len(types) and all(
        column.type == found or not (_PLAIN_TYPE.fullmatch(column.type) and _PLAIN_TYPE.fullmatch(found))
        for column, found in zip(columns, types, strict=True)
    )
    if not alike:
        raise SourceChanged("the columns of a file are not those that the query was planned with")


def explain_failure(error: Exception, sql: str, wrapped: str, files: Iterable[FileIdentity]) -> Error:
    """What the kernel raised for a statement, with its place in ``sql``, around which ``wrapped`` may have more."""
    try:
        check_files(files)
    except SourceError as changed:
        return changed
    # A relation's text is read without the space before it.
    bare = wrapped.lstrip()
    told = translate_error(error, bare)
    place = told.context.place
    if place is not None:
        space = wrapped.removesuffix(bare)
        before = wrapped.count("\n", 0, wrapped.index(sql)) - space.count("\n")
        indent = len(space.rpartition("\n")[2]) if place.line == 1 else 0
        place = Place(max(1, place.line - before), place.column + indent, place.length)
        told.context = replace(told.context, sql=sql, place=place)
    return told
