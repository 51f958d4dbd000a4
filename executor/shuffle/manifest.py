"""The manifest beside a shuffle file: what is in it, partition by partition, as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from shoal.planner.errors import FetchFailed
from shoal.planner.ids import Incarnation, QueryId, StageId, TaskId

_VERSION = 1


@dataclass(frozen=True, slots=True)
class PartitionEntry:
    """One partition of a file: its rows, its bytes before any compression, which batches (by number) hold it.

    ``checksum`` is the CRC-32 of the bytes ``spans`` (offset, length) of its batches; None where the file is in
    memory and nothing but memory itself could change it. The last ``heavy_rows`` are of a key that holds much of the
    partition, and that has a row before them.
    """

    rows: int
    bytes: int
    batches: tuple[int, ...]
    spans: tuple[tuple[int, int], ...] = ()
    checksum: int | None = None
    heavy_rows: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """Whose output a file is, its size in bytes, and its partitions."""

    task: TaskId
    incarnation: Incarnation
    size: int
    partitions: tuple[PartitionEntry, ...]


def manifest_path(file: Path) -> Path:
    """Where the manifest of a shuffle file is."""
    return file.with_suffix(".json")


def write_manifest(file: Path, manifest: Manifest) -> None:
    """Put the manifest beside its file: whole or not at all."""
    target = manifest_path(file)
    unfinished = target.with_suffix(".json.new")
    unfinished.write_text(json.dumps({"version": _VERSION, **asdict(manifest)}), encoding="utf-8")
    unfinished.replace(target)


def read_manifest(file: Path) -> Manifest:
    """Read the manifest of a shuffle file; raises ``FetchFailed`` if it is missing or not one of this version."""
    try:
        found = json.loads(manifest_path(file).read_text(encoding="utf-8"))
        if found["version"] != _VERSION:
            raise FetchFailed(f"manifest of {file} has version {found['version']}")
        return Manifest(
            task_of(found["task"]),
            Incarnation(found["incarnation"]),
            found["size"],
            tuple(_entry(entry) for entry in found["partitions"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FetchFailed(f"no manifest for {file}: {error}") from error


def task_of(found: dict[str, object]) -> TaskId:
    """A task's id from its JSON fields; raises ``KeyError``, ``TypeError`` or ``ValueError`` if it is none."""
    numbers = [found[name] for name in ("stage", "stage_attempt", "partition", "attempt")]
    if not isinstance(found["query"], str) or not all(type(number) is int for number in numbers):
        raise ValueError("not a task id")
    stage, stage_attempt, partition, attempt = (int(str(number)) for number in numbers)
    return TaskId(QueryId(found["query"]), StageId(stage), stage_attempt, partition, attempt)


def _entry(found: dict[str, object]) -> PartitionEntry:
    match found:
        case {"rows": int(rows), "bytes": int(size), "batches": list(batches), "spans": list(spans)}:
            checksum, heavy_rows = found.get("checksum"), found.get("heavy_rows")
            return PartitionEntry(
                rows,
                size,
                tuple(batches),
                tuple((offset, length) for offset, length in spans),
                checksum if isinstance(checksum, int) else None,
                heavy_rows if isinstance(heavy_rows, int) else 0,
            )
        case _:
            raise ValueError("not a partition")
