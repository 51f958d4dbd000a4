"""How stages are laid out by the exact sizes of what they read; and which inputs may be shared out."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shoal.planner.adapt import Layout, TaskShare, lay_out, planned_layout
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.source import FileFormat, FileIdentity, FileSource
from shoal.planner.stage import (
    Adaptation,
    Estimate,
    ExchangeInput,
    HeavyStatement,
    OutputFile,
    ReadMode,
    ScanInput,
    Split,
    Stage,
)

LEFT, RIGHT = StageId(0), StageId(1)
MEGABYTE = 1 << 20


def files(stage: StageId, *sizes: tuple[int, ...]) -> tuple[OutputFile, ...]:
    """The outputs of a stage's tasks, by the rows (of a megabyte each) of their partitions."""
    return tuple(
        OutputFile(
            TaskId(QueryId("q"), stage, 0, number, 0),
            ExecutorId("x"),
            Incarnation("x.0"),
            "host",
            "path",
            "location",
            rows,
            tuple(count * MEGABYTE for count in rows),
        )
        for number, rows in enumerate(sizes)
    )


def join(tasks: int, *, splittable: bool = True) -> Stage:
    """A stage that reads two aligned inputs, of which the left one may be split."""
    inputs = (ExchangeInput("l", LEFT, ReadMode.ALIGNED, splittable), ExchangeInput("r", RIGHT, ReadMode.ALIGNED))
    return Stage(StageId(2), "SELECT 1", (), exchanges=inputs, tasks=tasks)


def even(tasks: int, producers: int = 2, rows: int = 1) -> tuple[tuple[int, ...], ...]:
    """The same number of rows everywhere."""
    return ((rows,) * tasks,) * producers


def read_rows(layout: Layout, name: str, outputs: tuple[OutputFile, ...], partitions: int) -> list[int]:
    """How often each row of an input is read, all rows end to end."""
    counts = {
        (file, number): [0] * outputs[file].rows[number] for file in range(len(outputs)) for number in range(partitions)
    }
    for share in layout.shares:
        pieces = [(piece.file, piece.rows) for piece in share.pieces] if share.name == name else None
        for number in share.partitions:
            for file, rows in pieces if pieces is not None else [(file, None) for file in range(len(outputs))]:
                first = rows.first if rows else 0
                count = rows.rows if rows else outputs[file].rows[number]
                for row in range(first, first + count):
                    counts[file, number][row] += 1
    return [count for rows in counts.values() for count in rows]


@given(st.data())
def test_every_row_of_a_split_input_is_read_once(data: st.DataObject) -> None:
    tasks = data.draw(st.integers(2, 7))
    sizes = st.integers(0, 6) | st.integers(20, 80)
    outputs = {
        stage: files(stage, *data.draw(st.lists(st.tuples(*[sizes] * tasks), min_size=1, max_size=4)))
        for stage in (LEFT, RIGHT)
    }
    adaptation = Adaptation(
        data.draw(st.frozensets(st.sampled_from(["split_skew", "coalesce_partitions"]))),
        task_bytes=data.draw(st.integers(1, 30)) * MEGABYTE,
        split_bytes=data.draw(st.integers(1, 10)) * MEGABYTE,
    )
    layout = lay_out(join(tasks), outputs, adaptation)
    assert set(read_rows(layout, "l", outputs[LEFT], tasks)) <= {1}
    for share in layout.shares:
        assert not share.pieces or share.name == "l"
        assert not share.pieces or len(share.partitions) == 1
        assert share.name == "" or share.pieces, "a task without rows of the split input"
    if "split_skew" in adaptation.disabled:
        assert set(read_rows(layout, "r", outputs[RIGHT], tasks)) <= {1}
    else:
        assert 0 not in read_rows(layout, "r", outputs[RIGHT], tasks)
    assert adaptation.disabled < {"split_skew", "coalesce_partitions"} or layout == planned_layout(join(tasks))


@given(st.data())
def test_rows_of_heavy_keys_are_read_once(data: st.DataObject) -> None:
    tasks = data.draw(st.integers(2, 7))
    sizes = st.integers(0, 6) | st.integers(20, 80)
    made = files(LEFT, *data.draw(st.lists(st.tuples(*[sizes] * tasks), min_size=1, max_size=4)))
    shares = st.floats(0, 1)
    made = tuple(
        replace(file, heavy=tuple(int(data.draw(shares) * max(0, rows - 1)) for rows in file.rows)) for file in made
    )
    outputs = {LEFT: made, RIGHT: files(RIGHT, *even(tasks))}
    stage = replace(join(tasks, splittable=False), heavy=(HeavyStatement("l", "SELECT 2"),))
    layout = lay_out(stage, outputs, Adaptation(frozenset({"coalesce_partitions"}), split_bytes=MEGABYTE))
    assert set(read_rows(layout, "l", made, tasks)) <= {1}
    for share in layout.shares:
        for piece in share.pieces:
            (number,) = share.partitions
            others = made[piece.file].rows[number] - made[piece.file].heavy[number]
            first, rows = (piece.rows.first, piece.rows.rows) if piece.rows else (0, others)
            assert rows > 0
            assert first >= others if share.heavy else first + rows <= others
    plain = lay_out(join(tasks, splittable=False), outputs, Adaptation(frozenset({"coalesce_partitions"})))
    assert plain == planned_layout(join(tasks))


def test_rows_of_a_heavy_key_have_tasks_of_their_own() -> None:
    made = tuple(replace(file, heavy=(18, 0, 0, 0)) for file in files(LEFT, *[(20, 2, 2, 2)] * 4))
    outputs = {LEFT: made, RIGHT: files(RIGHT, *even(4))}
    stage = replace(join(4, splittable=False), heavy=(HeavyStatement("l", "SELECT 2"),))
    layout = lay_out(stage, outputs, Adaptation())
    assert [(share.partitions, share.heavy) for share in layout.shares] == [((0,), True)] * 4 + [
        ((number,), False) for number in range(4)
    ]
    assert layout.cuts("l")
    assert layout.notes == ("partition 0 has 86.0 MB: 4 more tasks for 75.5 MB of heavy keys of l",)
    assert lay_out(stage, {**outputs, LEFT: files(LEFT, *[(20, 2, 2, 2)] * 4)}, Adaptation()) == planned_layout(stage)


def test_a_skewed_partition_is_dealt_out_by_files() -> None:
    outputs = {LEFT: files(LEFT, *[(20, 2, 2, 2)] * 4), RIGHT: files(RIGHT, *even(4))}
    layout = lay_out(join(4), outputs, Adaptation())
    assert [share.partitions for share in layout.shares] == [(0,)] * 4 + [(1,), (2,), (3,)]
    assert sorted(piece.file for share in layout.shares for piece in share.pieces) == [0, 1, 2, 3]
    assert not layout.cuts("l")
    assert layout.notes == ("partition 0 has 86.0 MB of 117.4 MB: 4 tasks share its rows of l",)


def test_rows_are_cut_where_whole_files_are_uneven() -> None:
    outputs = {LEFT: files(LEFT, (90, 2, 2, 2), (1, 2, 2, 2)), RIGHT: files(RIGHT, *even(4))}
    layout = lay_out(join(4), outputs, Adaptation())
    assert layout.cuts("l")
    assert not layout.cuts("r")
    counts = [sum(piece.rows.rows if piece.rows else 1 for piece in share.pieces) for share in layout.shares[:4]]
    assert sum(counts) == 91
    assert max(counts) - min(counts) <= 1


def test_what_may_not_be_split_is_not() -> None:
    outputs = {LEFT: files(LEFT, *[(20, 2, 2, 2)] * 4), RIGHT: files(RIGHT, *even(4))}
    plain = planned_layout(join(4))
    assert lay_out(join(4, splittable=False), outputs, Adaptation()) == plain
    assert lay_out(join(4), outputs, Adaptation(frozenset({"split_skew"}))) == plain
    assert lay_out(join(4), outputs, Adaptation(split_bytes=100 * MEGABYTE)) == plain
    assert lay_out(with_splits(join(4), rows=50_000_000), outputs, Adaptation()) == plain
    assert lay_out(with_splits(join(4), rows=10_000), outputs, Adaptation()).notes


def test_skew_of_the_other_side_is_not_worth_it() -> None:
    outputs = {LEFT: files(LEFT, *[(10, 2, 2, 2)] * 4), RIGHT: files(RIGHT, *[(50, 2, 2, 2)] * 4)}
    assert lay_out(join(4), outputs, Adaptation()) == planned_layout(join(4))


def test_small_partitions_are_read_together() -> None:
    outputs = {LEFT: files(LEFT, *even(6)), RIGHT: files(RIGHT, *even(6, rows=0))}
    layout = lay_out(join(6), outputs, Adaptation(task_bytes=4 * MEGABYTE))
    assert [share.partitions for share in layout.shares] == [(0, 1), (2, 3), (4, 5)]
    assert lay_out(join(6), outputs, Adaptation(task_bytes=100 * MEGABYTE)).shares == (TaskShare((0, 1, 2, 3, 4, 5)),)
    assert lay_out(join(6), outputs, Adaptation(task_bytes=MEGABYTE)) == planned_layout(join(6))


def test_stages_that_keep_their_tasks() -> None:
    """Splits of a scan belong to partitions; what grows is not small; reading everything is not coalesced."""
    outputs = {LEFT: files(LEFT, *even(6)), RIGHT: files(RIGHT, *even(6))}
    plain = planned_layout(join(6))
    large = Adaptation(task_bytes=100 * MEGABYTE)
    assert lay_out(with_splits(join(6)), outputs, large) == plain
    assert lay_out(replace(join(6), estimate=Estimate(1e9, 1e10)), outputs, large) == plain
    gather = replace(join(6), exchanges=(ExchangeInput("l", LEFT, ReadMode.ALL),))
    assert lay_out(gather, outputs, large) == plain
    assert lay_out(join(6), outputs, Adaptation(frozenset({"coalesce_partitions"}), 100 * MEGABYTE)) == plain


def with_splits(stage: Stage, rows: int = 0) -> Stage:
    """The stage with a scan of which each task reads its own split."""
    source = FileSource(FileFormat.PARQUET, (FileIdentity("f", 1, 1),), ())
    return replace(stage, scans=(ScanInput("t", source, ("x",), (Split(whole=True, rows=rows),) * stage.tasks),))
