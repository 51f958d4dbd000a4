"""Files in FROM: by their names, and by functions that read them."""

from sqlglot import exp

from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Catalog
from shoal.planner.scalar import DIALECT
from shoal.planner.source import FileFormat, TableSource

READERS: dict[str, FileFormat] = {
    "read_parquet": FileFormat.PARQUET,
    "parquet_scan": FileFormat.PARQUET,
    "read_csv": FileFormat.CSV,
    "read_csv_auto": FileFormat.CSV,
    "read_json": FileFormat.JSON,
    "read_json_auto": FileFormat.JSON,
    "read_ndjson": FileFormat.JSON,
    "read_ndjson_auto": FileFormat.JSON,
}
"""The functions that read files, and the format that they read."""

_LINES = {name: ("format", "'newline_delimited'") for name in READERS if "ndjson" in name}
"""What these functions tell the reader of their format."""

_SUFFIXES = {
    ".parquet": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON,
    ".ndjson": FileFormat.JSON,
}


def named_file(name: str, catalog: Catalog) -> TableSource:
    """The file that a name in quotes is; raises ``NotDistributable`` if it is none."""
    for suffix, format in _SUFFIXES.items():
        if name.lower().endswith((suffix, suffix + ".gz")):
            return catalog.files(format, (name,), ())
    raise NotDistributable(f"the table {name} is known to the kernel only")


def reader_arguments(
    name: str, arguments: list[exp.Expression], first: exp.Expression | None
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The paths and the options that a function of that name reads files by, where all of them are constants."""
    items = ([first] if isinstance(first, exp.Expression) else []) + arguments
    paths: list[str] = []
    options: list[tuple[str, str]] = []
    for item in items:
        if isinstance(item, exp.Literal) and item.is_string:
            paths.append(str(item.this))
        elif isinstance(item, exp.Array) and all(isinstance(path, exp.Literal) for path in item.expressions):
            paths += [str(path.this) for path in item.expressions]
        elif isinstance(item, (exp.EQ, exp.PropertyEQ, exp.Kwarg)):
            options.append((item.this.name, item.expression.sql(DIALECT)))
        else:
            raise NotDistributable("a computed path of files")
    if name in _LINES and all(option.lower() != "format" for option, _ in options):
        options.append(_LINES[name])
    return tuple(paths), tuple(options)
