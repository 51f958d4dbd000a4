"""The codec: every data type that crosses a process border survives the trip, and nothing else gets in."""

import dataclasses
import inspect
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, Optional, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.planner import codec, source, stage
from shoal.planner.errors import ProtocolError
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.options import PlanOptions
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource
from shoal.planner.stage import FileRange, OutputPartitioning, Split, TaskExchange, TaskScan, TaskSpec


def data_types() -> list[type]:
    """Every dataclass that the two modules of data types define."""
    return [
        type_
        for module in (source, stage)
        for _, type_ in inspect.getmembers(module, dataclasses.is_dataclass)
        if inspect.isclass(type_) and type_.__module__ == module.__name__
    ]


def _tuples(type_: object) -> st.SearchStrategy[tuple[object, ...]]:
    """Tuples of any length have few items: plans are tuples of tuples of tuples, and would soon be too large."""
    items = get_args(type_)
    if items[1:] == (Ellipsis,):
        return st.lists(st.from_type(items[0]), max_size=3).map(tuple)
    return st.tuples(*map(st.from_type, items))


@pytest.mark.parametrize("type_", [*data_types(), TaskId, PlanOptions], ids=lambda type_: type_.__name__)
def test_round_trip(type_: type) -> None:
    st.register_type_strategy(int, st.integers(-(2**70), 2**70))
    st.register_type_strategy(tuple, _tuples)

    @settings(max_examples=15, deadline=None, database=None, derandomize=True)
    @given(st.from_type(type_))
    def trip(value: object) -> None:
        data = codec.encode(value)
        again = codec.decode(type_, data)
        assert codec.encode(again) == data
        if b'"nan"' not in data:
            assert again == value

    trip()


class Colour(IntEnum):
    RED = 1


@dataclass(frozen=True)
class Everything:
    flag: bool
    colour: Colour
    blob: bytes
    number: float
    pair: tuple[int, str]
    names: frozenset[str]
    way: Literal["up", "down"]
    inner: Optional["Everything"] = None


def everything(inner: Everything | None = None) -> Everything:
    return Everything(True, Colour.RED, b"\x00\xff", float("inf"), (1, "ä\udcff"), frozenset("ba"), "up", inner)


def test_all_kinds_of_fields() -> None:
    value = everything(everything())
    assert codec.decode(Everything, codec.encode(value)) == value
    assert b'"names":["a","b"]' in codec.encode(value)


def test_numbers_are_written_in_one_way() -> None:
    assert (
        codec.encode(stage.Estimate(1, 2))
        == codec.encode(stage.Estimate(1.0, 2.0))
        == b'{"rows":1.0,"bytes":2.0,"origin":""}'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("NaN", "not JSON"),
        ("[]", "Field: expected an object, got []"),
        ('{"name":"a"}', "Field: type is missing"),
        ('{"name":"a","type":1}', "Field.type: expected str, got 1"),
        ('{"name":"a","type":null}', "Field.type: expected str, got None"),
        ('{"name":"a","type":"b","more":1}', 'Field: does not have "more"'),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_wrong_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message.replace("[", r"\[").replace("]", r"\]")):
        codec.decode(Field, text.encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flag", 1),
        ("colour", True),
        ("colour", 2),
        ("blob", "?"),
        ("number", True),
        ("number", "1.0"),
        ("pair", [1]),
        ("pair", [True, "a"]),
        ("names", ["a", "a"]),
        ("way", "left"),
        ("inner", {}),
    ],
)
def test_wrong_values_are_refused(field: str, value: object) -> None:
    raw = json.loads(codec.encode(everything()))
    raw[field] = value
    with pytest.raises(ProtocolError, match=f"^Everything.{field}"):
        codec.decode(Everything, json.dumps(raw).encode())


def test_size_and_depth_are_capped() -> None:
    with pytest.raises(ProtocolError, match="more than the 10 allowed"):
        codec.decode(Field, codec.encode(Field("a", "INTEGER")), max_bytes=10)
    value = everything()
    for _ in range(codec.MAX_DEPTH - 2):
        value = everything(value)
    assert codec.decode(Everything, codec.encode(value)) == value
    with pytest.raises(ProtocolError, match="nested too deep"):
        codec.encode(everything(value))
    deeper = codec.encode(everything()).replace(b'"inner":null', b'"inner":' + codec.encode(value))
    with pytest.raises(ProtocolError, match="nested too deep"):
        codec.decode(Everything, deeper)


def test_unions_are_tagged_by_class() -> None:
    table = FileSource(FileFormat.PARQUET, (FileIdentity("/a", 1, 2),), (Field("a", "INTEGER"),))
    scan = TaskScan("t", table, ("a",), Split(whole=True))
    data = codec.encode(scan)
    assert b'{"$":"FileSource","format":"read_parquet"' in data
    assert codec.decode(TaskScan, data) == scan
    with pytest.raises(ProtocolError, match=r"TaskScan.source: expected one of FileSource, ArrowSource"):
        codec.decode(TaskScan, data.replace(b'"$":"FileSource"', b'"$":"Path"'))


def test_values_of_the_wrong_class_are_refused() -> None:
    @dataclass(frozen=True)
    class Mapped:
        mapping: dict[str, int]

    with pytest.raises(ProtocolError, match="does not know the type dict"):
        codec.encode(Mapped({}))
    with pytest.raises(ProtocolError, match="expected Split, got str"):
        codec.encode(TaskScan("t", FileSource(FileFormat.CSV, (), ()), (), "all"))  # type: ignore[arg-type]


def test_a_normal_task() -> None:
    task = TaskId(QueryId("q"), StageId(1), 0, 3, 0)
    columns = tuple(Field(f"c{i}", "DECIMAL(15,2)") for i in range(8))
    file = FileIdentity("/data/lineitem.parquet", 1 << 32, 1_700_000_000_000_000_000)
    table = FileSource(FileFormat.PARQUET, (file,), columns)
    who = ExecutorId("e"), Incarnation("i")
    output = stage.OutputFile(task, *who, "host", "/shm/x", "grpc://h:1", (1,) * 8, (2,) * 8)
    spec = TaskSpec(
        id=task,
        sql="SELECT 1" * 50,
        columns=columns,
        scans=(TaskScan("t", table, tuple(f.name for f in columns), Split((FileRange(file, 0, 99),), rows=100)),),
        exchanges=(TaskExchange("x", columns, (output,) * 4, (3,)),),
        setup=(),
        output=OutputPartitioning(8, "p"),
        kernel_join_order=False,
    )
    assert codec.decode(TaskSpec, codec.encode(spec)) == spec
