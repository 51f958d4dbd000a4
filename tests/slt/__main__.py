"""``python -m tests.slt FILE ...``: writes into scripts what plain DuckDB answers, below each query's ``----``.

A query without that line gets one, ``statement ok`` and ``statement error`` stay. To be read before it is committed.
"""

import sys
from pathlib import Path

from tests.slt.engines import PlainDuckDB, StatementFailed
from tests.slt.script import Record, read_script


def answered(text: str) -> str:
    """A script with the answers of plain DuckDB; loops keep what they have."""
    engine = PlainDuckDB()
    try:
        parts = []
        inside = False
        for part in text.strip("\n").split("\n\n"):
            head = part.strip().splitlines()[-1] if part.strip() else ""
            inside = (inside or "loop " in part or part.startswith("foreach ")) and head != "endloop"
            parts.append(part if inside else _answered(engine, part))
        return "\n\n".join(parts) + "\n"
    finally:
        engine.close()


def _answered(engine: PlainDuckDB, part: str) -> str:
    lines = part.splitlines()
    place = next((number for number, line in enumerate(lines) if line.startswith(("query ", "statement "))), None)
    if place is None:
        return part
    if "----" not in lines and lines[place].startswith("query "):
        lines.append("----")
    (record,) = read_script("\n".join(lines))
    if not record.runs_on("duckdb"):
        return part
    rows = _run(engine, record)
    if not record.is_query:
        return part
    return "\n".join([*lines[: lines.index("----") + 1], *record.shown(rows)])


def _run(engine: PlainDuckDB, record: Record) -> list[object]:
    try:
        rows = engine.run(record.sql)
    except StatementFailed as error:
        if not record.fails:
            raise SystemExit(f"{record.sql}\n{error}") from error
        return []
    if record.fails:
        raise SystemExit(f"{record.sql}\ndoes not fail")
    return list(rows)


def main() -> int:
    """Rewrite the files that are named."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(answered(path.read_text()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
