"""What clients of Flight SQL list: catalogs, schemas, tables, kinds of tables, keys, and facts about the server.

The layouts, with the order and nullability of columns, are the standard's; some clients compare them strictly.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from shoal.flight import flight_pb2 as wire
from shoal.flight.framing import schema_bytes
from shoal.flight.requests import parse
from shoal.flight.schemas import Schemas
from shoal.flight.sessions import ClientSession
from shoal.planner.errors import Error
from shoal.planner.names import own_name, schema_of
from shoal.planner.source import ViewDefinition
from shoal.version import __version__

CATALOG = "shoal"
SCHEMA = "main"

_Rows = Sequence[Sequence[object]]


def _schema(*columns: str) -> pa.Schema:
    """A schema written as ``name:type``, with ``!`` where there are no nulls; without a type it is text."""
    types = {"": pa.string(), "int32": pa.int32(), "uint8": pa.uint8(), "bool": pa.bool_(), "binary": pa.binary()}
    types["strings"] = pa.list_(pa.field("item", pa.string(), nullable=False))
    fields = []
    for column in columns:
        name, _, kind = column.removesuffix("!").partition(":")
        fields.append(pa.field(name, types[kind], nullable=not column.endswith("!")))
    return pa.schema(fields)


_TABLES = ("catalog_name", "db_schema_name", "table_name!", "table_type!")
_FOREIGN_KEYS = _schema(
    "pk_catalog_name", "pk_db_schema_name", "pk_table_name!", "pk_column_name!",
    "fk_catalog_name", "fk_db_schema_name", "fk_table_name!", "fk_column_name!",
    "key_sequence:int32!", "fk_key_name", "pk_key_name", "update_rule:uint8!", "delete_rule:uint8!",
)  # fmt: skip
_PRIMARY_KEYS = _schema(
    "catalog_name", "db_schema_name", "table_name!", "column_name!", "key_sequence:int32!", "key_name"
)
_TYPES = _schema(
    "type_name!", "data_type:int32!", "column_size:int32", "literal_prefix", "literal_suffix", "create_params:strings",
    "nullable:int32!", "case_sensitive:bool!", "searchable:int32!", "unsigned_attribute:bool", "fixed_prec_scale:bool!",
    "auto_increment:bool", "local_type_name", "minimum_scale:int32", "maximum_scale:int32", "sql_data_type:int32!",
    "datetime_subcode:int32", "num_prec_radix:int32", "interval_precision:int32",
)  # fmt: skip
_VALUE = pa.dense_union(
    [
        pa.field("string_value", pa.string()),
        pa.field("bool_value", pa.bool_()),
        pa.field("bigint_value", pa.int64()),
        pa.field("int32_bitmask", pa.int32()),
        pa.field("string_list", pa.list_(pa.string())),
        pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
    ]
)
_FACTS = pa.schema([pa.field("info_name", pa.uint32(), nullable=False), pa.field("value", _VALUE, nullable=False)])

_SERVER: Mapping[int, str | bool | int] = MappingProxyType(
    {
        0: "shoal",
        1: __version__,
        2: pa.__version__,
        3: False,  # read only
        4: True,  # takes SQL
        5: False,  # takes Substrait
        8: 0,  # transactions: none
        9: True,  # cancels
        10: False,  # bulk ingestion
        500: False,  # creates catalogs, schemas, tables
        501: True,
        502: True,
        503: 1,  # identifiers: case does not matter, and is kept
        504: '"',
        505: 1,
        506: True,  # all tables can be selected from
        507: 1,  # NULLs are last
    }
)
"""The standard's numbers of what a server tells of itself, as far as clients ask for it."""

LISTINGS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "CommandGetSqlInfo": _FACTS,
        "CommandGetCatalogs": _schema("catalog_name!"),
        "CommandGetDbSchemas": _schema("catalog_name", "db_schema_name!"),
        "CommandGetTables": _schema(*_TABLES),
        "CommandGetTableTypes": _schema("table_type!"),
        "CommandGetPrimaryKeys": _PRIMARY_KEYS,
        "CommandGetImportedKeys": _FOREIGN_KEYS,
        "CommandGetExportedKeys": _FOREIGN_KEYS,
        "CommandGetCrossReference": _FOREIGN_KEYS,
        "CommandGetXdbcTypeInfo": _TYPES,
    }
)
"""The commands that list something, and what they list."""


@dataclass(frozen=True, slots=True)
class Listings:
    """Answers the commands of ``LISTINGS``."""

    schemas: Schemas

    def schema(self, name: str, value: bytes) -> pa.Schema:
        """What the rows look like."""
        if name == "CommandGetTables" and parse(wire.CommandGetTables, value).include_schema:
            return _schema(*_TABLES, "table_schema:binary!")
        return LISTINGS[name]

    def table(self, session: ClientSession, name: str, value: bytes) -> pa.Table:
        """The rows."""
        schema = self.schema(name, value)
        match name:
            case "CommandGetSqlInfo":
                return _facts(list(parse(wire.CommandGetSqlInfo, value).info))
            case "CommandGetCatalogs":
                return _table([(CATALOG,)], schema)
            case "CommandGetDbSchemas":
                request = parse(wire.CommandGetDbSchemas, value)
                names = (SCHEMA, *session.session.catalog.snapshot().schemas.made.values())
                return _table([(CATALOG, name) for name in names if _in_schema(request, name)], schema)
            case "CommandGetTables":
                return _table(self._tables(session, parse(wire.CommandGetTables, value)), schema)
            case "CommandGetTableTypes":
                return _table([("TABLE",), ("VIEW",)], schema)
            case _:
                return schema.empty_table()

    def _tables(self, session: ClientSession, request: wire.CommandGetTables) -> _Rows:
        has_pattern = request.HasField("table_name_filter_pattern")
        wanted = _like(request.table_name_filter_pattern) if has_pattern else _anything
        catalog = session.session.catalog.snapshot()
        rows: list[tuple[object, ...]] = []
        for full, entry in sorted(catalog.entries.values(), key=lambda named: named[0]):
            kind = "VIEW" if isinstance(entry, ViewDefinition) else "TABLE"
            name, schema = own_name(full), schema_of(full) or SCHEMA
            if not _in_schema(request, schema) or not wanted(name):
                continue
            if request.table_types and kind not in request.table_types:
                continue
            row = (CATALOG, schema, name, kind)
            rows.append((*row, self._columns(session, full)) if request.include_schema else row)
        return rows

    def _columns(self, session: ClientSession, name: str) -> bytes:
        """The schema of a table; an empty one where its files cannot be read just now."""
        try:
            columns = session.session.columns(name)
            schema = self.schemas.of_columns(columns)
        except Error:
            return schema_bytes(pa.schema([]))
        fields = [
            field.with_metadata({"ARROW:FLIGHT:SQL:TYPE_NAME": column.type, "ARROW:FLIGHT:SQL:TABLE_NAME": name})
            for field, column in zip(schema, columns, strict=True)
        ]
        return schema_bytes(pa.schema(fields))


def _in_schema(request: wire.CommandGetTables | wire.CommandGetDbSchemas, schema: str) -> bool:
    """Whether a request wants what is in a schema of the one catalog."""
    if request.HasField("catalog") and request.catalog != CATALOG:
        return False
    has_pattern = request.HasField("db_schema_filter_pattern")
    return not has_pattern or _like(request.db_schema_filter_pattern)(schema)


def _anything(_name: str) -> bool:
    return True


def _like(pattern: str) -> Callable[[str], bool]:
    parts = {"%": ".*", "_": "."}
    expression = re.compile("".join(parts.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)
    return lambda name: expression.fullmatch(name) is not None


def _table(rows: _Rows, schema: pa.Schema) -> pa.Table:
    arrays = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(schema)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _facts(numbers: list[int]) -> pa.Table:
    """The facts of these numbers, all of them if there are none."""
    found = [(number, fact) for number, fact in _SERVER.items() if not numbers or number in numbers]
    children: list[list[object]] = [[] for _ in range(_VALUE.num_fields)]
    kinds, offsets = [], []
    for _, fact in found:
        kind = 0 if isinstance(fact, str) else 1 if isinstance(fact, bool) else 3
        kinds.append(kind)
        offsets.append(len(children[kind]))
        children[kind].append(fact)
    values = pa.UnionArray.from_dense(
        pa.array(kinds, pa.int8()),
        pa.array(offsets, pa.int32()),
        [pa.array(child, _VALUE.field(index).type) for index, child in enumerate(children)],
        [_VALUE.field(index).name for index in range(_VALUE.num_fields)],
    )
    return pa.Table.from_arrays([pa.array([number for number, _ in found], pa.uint32()), values], schema=_FACTS)
