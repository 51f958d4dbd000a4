"""Errors and identities survive the wire; the version is that of the distribution."""

import tomllib
from pathlib import Path

import pytest

from shoal.executor.protocol import shoal_pb2 as wire
from shoal.executor.protocol.messages import (
    MAX_TEXT,
    error_from_wire,
    error_to_wire,
    task_from_wire,
    task_to_wire,
)
from shoal.planner import errors
from shoal.planner.errors import ERROR_CLASSES, Error, ErrorContext, ErrorKind, InternalError, OutOfMemory, Place
from shoal.planner.ids import QueryId, StageId, TaskId
from shoal.version import __version__


def trip(error: BaseException) -> Error:
    return error_from_wire(wire.TaskError.FromString(error_to_wire(error).SerializeToString()))


@pytest.mark.parametrize("name", sorted(ERROR_CLASSES))
def test_every_error_keeps_its_class_and_kind(name: str) -> None:
    again = trip(ERROR_CLASSES[name]("what happened"))
    assert type(again) is ERROR_CLASSES[name]
    assert again.message == "what happened"
    assert again.context == ErrorContext()


def test_every_field_of_the_context_travels() -> None:
    context = ErrorContext("SELECT 1", Place(1, 8, 1), "a hint", "q", 0, "t", "e", 0, ("first", "second"))
    assert trip(errors.DataError("overflow", context)).context == context


def test_kinds_have_the_same_members_on_both_sides() -> None:
    assert {kind.name for kind in ErrorKind} == set(wire.ErrorKind.keys()) - {"ERROR_KIND_UNSPECIFIED"}


def test_foreign_errors_are_internal() -> None:
    again = trip(ValueError("boom"))
    assert type(again) is InternalError
    assert again.message == "ValueError: boom"


def test_unknown_classes_are_told_by_their_kind() -> None:
    assert type(error_from_wire(wire.TaskError(kind=wire.OUT_OF_MEMORY, error_class="Newer"))) is OutOfMemory
    assert type(error_from_wire(wire.TaskError(kind=wire.OUT_OF_MEMORY, error_class="BindError"))) is OutOfMemory
    assert type(error_from_wire(wire.TaskError())) is InternalError


def test_long_and_odd_texts_are_bounded() -> None:
    context = ErrorContext(sql="x" * (MAX_TEXT + 1), story=("line",) * 1000)
    message = error_to_wire(errors.DataError("a\udcff" + "x" * 10_000_000, context))
    assert len(message.SerializeToString()) < 3 * MAX_TEXT
    assert message.message.startswith("a\\udcffx")
    assert not message.HasField("sql")


def test_task_ids() -> None:
    task = TaskId(QueryId("q-1"), StageId(2), 3, 4, 5)
    assert task_from_wire(wire.TaskId.FromString(task_to_wire(task).SerializeToString())) == task


def test_versions_agree() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == __version__
