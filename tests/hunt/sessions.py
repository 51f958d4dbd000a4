"""Random sessions: tables, views, macros and prepared statements are made, changed, and asked.

Each statement is run on both sides and its answer compared. Whatever a session makes bears a name of ``MADE``, so that
it can be removed again.
"""

import random

from tests.hunt.expressions import Column, Expressions
from tests.hunt.kinds import KINDS, literal
from tests.hunt.queries import Queries
from tests.hunt.templates import Templates
from tests.hunt.world import Table, World, quoted

TABLE, OTHER_TABLE = "x1", "x2"

MADE = {
    "xv": "DROP VIEW IF EXISTS xv",
    TABLE: f"DROP TABLE IF EXISTS {TABLE}",
    OTHER_TABLE: f"DROP TABLE IF EXISTS {OTHER_TABLE}",
    "xm": "DROP MACRO IF EXISTS xm",
    "xt": "DROP MACRO TABLE IF EXISTS xt",
    "xq": "RESET VARIABLE xq",
    "xp": "DEALLOCATE xp",
}
"""Names of what a session makes, and what removes it."""

_ROWS = "(SELECT {0} FROM {1} ORDER BY {2} LIMIT {3})"


class Sessions:
    """Makes one session; equal for equal seeds."""

    def __init__(self, seed: int, world: World) -> None:
        self.random = random.Random(f"session {seed}")
        self._world = world
        bases = [table for table in world.tables if isinstance(table, Table)]
        self._base = self.random.choice(bases)
        rest = [column for column in self._base.columns if column[0] not in ("id", "k", "s")]
        chosen = self.random.sample(rest, min(len(rest), self.random.choice((0, 1, 2, 3))))
        first = [column for column in self._base.columns if column[0] in ("id", "k", "s")]
        self._columns = [*first, *chosen]
        self._added = 0
        self._inserted = 0
        self._statements: list[str] = []
        self._refresh()

    def statements(self) -> tuple[str, ...]:
        """The statements of the session."""
        self._create()
        steps = (
            self._insert_values, self._insert_values, self._insert_rows, self._insert_rows, self._update, self._update,
            self._update, self._delete, self._delete, self._alter, self._view, self._macro, self._prepare,
            self._variable, self._fail, self._replace, self._ask, self._ask, self._ask, self._ask, self._ask,
        )  # fmt: skip
        for _ in range(self.random.choice((3, 5, 8))):
            self.random.choice(steps)()
        self._say(f"FROM {TABLE}")
        return tuple(self._statements)

    @property
    def _expressions(self) -> Expressions:
        return self._queries.expressions

    @property
    def _visible(self) -> list[Column]:
        return [Column(f"{TABLE}.{quoted(name)}", kind) for name, kind, _, _ in self._columns]

    def _say(self, sql: str) -> None:
        self._statements.append(sql)

    def _choice(self, *items: str) -> str:
        return self.random.choice(items)

    def _fresh_ids(self) -> int:
        """Where ids begin that no row has yet: they stay unique, so that what is ordered by them has one order."""
        self._inserted += 1
        return self._inserted * 10_000

    def _refresh(self) -> None:
        """The table's columns are others now."""
        table = Table(TABLE, tuple(self._columns), 0)
        tables = (table, table, *self._world.tables)
        self._queries = Queries(self.random.randrange(1_000_000), World(tables))
        self._shapes = Templates(Queries(self.random.randrange(1_000_000), World((table, table, self._base))))

    def _create(self) -> None:
        names = ", ".join(quoted(name) for name, _, _, _ in self._columns)
        source = quoted(self._base.name)
        count = self._choice("20", "60", "1000")
        rows = _ROWS.format(names, source, "id", count)
        if self.random.random() < 0.6:
            temporary = self._choice("", "", "TEMP ")
            self._say(f"CREATE {temporary}TABLE {TABLE} AS FROM {rows}")
            return
        parts = []
        for name, kind, type_, _ in self._columns:
            default = f" DEFAULT {literal(self.random, kind, null=False)}" if self.random.random() < 0.3 else ""
            no_null = " NOT NULL" if name == "id" and self.random.random() < 0.5 else ""
            parts.append(f"{quoted(name)} {type_}{default}{no_null}")
        if self.random.random() < 0.3:
            parts.append("CHECK (id >= 0)")
        self._say(f"CREATE TABLE {TABLE} ({', '.join(parts)})")
        self._say(f"INSERT INTO {TABLE} FROM {rows}")

    def _insert_values(self) -> None:
        wanted = self._columns if self.random.random() < 0.5 else [one for one in self._columns if one[0] != "k"]
        names = ", ".join(quoted(name) for name, _, _, _ in wanted)
        rows = []
        first = self._fresh_ids()
        for row in range(self.random.choice((1, 1, 3))):
            values = [str(first + row) if name == "id" else self._literal(kind) for name, kind, _, _ in wanted]
            rows.append(f"({', '.join(values)})")
        self._say(f"INSERT INTO {TABLE} ({names}) VALUES {', '.join(rows)}{self._returning()}")

    def _literal(self, kind: str) -> str:
        return "DEFAULT" if self.random.random() < 0.1 else literal(self.random, kind)

    def _insert_rows(self) -> None:
        columns = [Column(f"y.{name}", kind) for name, kind in self._base.visible]
        first = self._fresh_ids()
        wanted = self.random.sample(self._columns, len(self._columns))
        items = []
        for name, kind, type_, _ in wanted:
            item = f"y.id + {first}" if name == "id" else self._value(kind, columns)
            items.append(f"({item})::{type_} AS {quoted(name)}")
        where = self._expressions.term(columns, 1)
        names = ", ".join(quoted(name) for name, _, _, _ in wanted)
        head = f"INSERT INTO {TABLE} BY NAME" if self.random.random() < 0.5 else f"INSERT INTO {TABLE} ({names})"
        limit = f" ORDER BY ALL LIMIT {self._choice('5', '30')}" if self.random.random() < 0.3 else ""
        source = quoted(self._base.name)
        self._say(f"{head} SELECT {', '.join(items)} FROM {source} AS y WHERE {where}{limit}{self._returning()}")

    def _update(self) -> None:
        columns = self._visible
        changed = self.random.sample([one for one in self._columns if one[0] != "id"], 1)
        if len(self._columns) > 3 and self.random.random() < 0.4:
            changed.append(next(one for one in self._columns if one not in changed and one[0] != "id"))
        parts = [f"{quoted(name)} = {self._value(kind, columns)}" for name, kind, _, _ in changed]
        if self.random.random() < 0.2:
            other = quoted(self._base.name)
            source = f" FROM (SELECT k AS j, max(s) AS t FROM {other} GROUP BY k) AS y"
            where = f" WHERE y.j = {TABLE}.k AND {TABLE}.id {self._choice('<', '>')} 40"
            self._say(f"UPDATE {TABLE} SET s = y.t{source}{where}")
            return
        where = f" WHERE {self._expressions.term(columns, self.random.choice((0, 1, 2)))}"
        if self.random.random() < 0.1:
            where = ""
        self._say(f"UPDATE {TABLE} SET {', '.join(parts)}{where}{self._returning()}")

    def _delete(self) -> None:
        where = f" WHERE {self._expressions.term(self._visible, self.random.choice((0, 1, 2)))}"
        using = ""
        if self.random.random() < 0.2:
            using, where = f" USING {quoted(self._base.name)} AS y", f" WHERE y.id = {TABLE}.k"
        if self.random.random() < 0.05:
            where = using = ""
        self._say(f"DELETE FROM {TABLE}{using}{where}{self._returning()}")

    def _alter(self) -> None:
        others = [one for one in self._columns if one[0] not in ("id", "k", "s")]
        chance = self.random.random()
        if others and chance < 0.3:
            gone = self.random.choice(others)
            self._say(f"ALTER TABLE {TABLE} DROP COLUMN {quoted(gone[0])}")
            self._columns.remove(gone)
        elif others and chance < 0.5:
            old = self.random.choice(others)
            self._added += 1
            self._say(f"ALTER TABLE {TABLE} RENAME COLUMN {quoted(old[0])} TO n{self._added}")
            self._columns[self._columns.index(old)] = (f"n{self._added}", *old[1:])
        elif chance < 0.65:
            self._say(
                f"ALTER TABLE {TABLE} ALTER COLUMN k TYPE {self._choice('HUGEINT', 'DECIMAL(38, 0)', 'SMALLINT')}"
            )
            self._say(f"ALTER TABLE {TABLE} ALTER k SET DATA TYPE BIGINT")
        else:
            self._added += 1
            kind = self.random.choice(tuple(KINDS))
            type_ = KINDS[kind].types[0]
            default = f" DEFAULT {literal(self.random, kind)}" if self.random.random() < 0.6 else ""
            self._say(f"ALTER TABLE {TABLE} ADD COLUMN n{self._added} {type_}{default}")
            self._columns.append((f"n{self._added}", kind, type_, "NULL"))
        self._refresh()

    def _view(self) -> None:
        kinds = ["int", self._expressions.kind(), self._expressions.kind()]
        self._say(f"CREATE OR REPLACE VIEW xv AS {self._queries.select(1, kinds, ['k', 'm', 'n'])}")
        self._say(self._choice("FROM xv", "SELECT k, count(*) FROM xv GROUP BY k", "SELECT count(m), min(n) FROM xv"))

    def _macro(self) -> None:
        if self.random.random() < 0.5:
            inner = self._expressions.scalar([Column("p", "int"), Column("q", "str")], self._choice("int", "str"), 2)
            self._say(f"CREATE OR REPLACE MACRO xm(p, q := 'v1') AS {inner}")
            call = self._choice("xm(id % 50)", "xm(id % 50, q := s)", "max(xm(id % 50))", "xm(count(*))")
            self._say(f"SELECT {call} AS r FROM {TABLE}{self._choice('', ' WHERE id > 3')}")
            return
        body = f"SELECT k, count(*) AS n, min(s) AS m FROM {TABLE} WHERE id > low GROUP BY k"
        self._say(f"CREATE OR REPLACE MACRO xt(low) AS TABLE {body}")
        self._say(f"SELECT * FROM xt({self._choice('3', '0', 'NULL', '1 + 1')}) {self._choice('', 'WHERE n > 1')}")

    def _prepare(self) -> None:
        base, first = quoted(self._base.name), self._fresh_ids()
        found = (
            (f"SELECT k, count(*) AS n FROM {TABLE} WHERE id > $1 AND s <> $2 GROUP BY k", ("3, 'v1'", "NULL, ''")),
            (f"SELECT id, s FROM {TABLE} WHERE k IN (?, ?) OR s = ?", ("1, 2, 'v3'", "0, NULL, NULL")),
            (f"SELECT id FROM {TABLE} ORDER BY id LIMIT ? OFFSET ?", ("5, 1", "1000, 0", "0, 0")),
            (f"SELECT id + $low AS r FROM {TABLE} WHERE id < $high", ("low := 1, high := 9", "high := 3, low := 2")),
            (f"SELECT count(*) FROM {TABLE} AS a JOIN {base} AS b ON a.k = b.k AND b.id < $1", ("9", "80")),
            (f"INSERT INTO {TABLE} (id, s) VALUES ($1, $2)", (f"{first}, 'new'", f"{first + 1}, NULL")),
            (f"UPDATE {TABLE} SET s = $1 WHERE id = $2", ("'w', 5", "NULL, 7")),
            (f"DELETE FROM {TABLE} WHERE id % $1 = 0", ("7", "100")),
        )  # fmt: skip
        sql, given = self.random.choice(found)
        self._say(f"PREPARE xp AS {sql}")
        for values in given:
            self._say(f"EXECUTE xp({values})")
        self._say("DEALLOCATE xp")

    def _variable(self) -> None:
        self._say(
            f"SET VARIABLE xq = {self._choice('3', '(SELECT max(k)::BIGINT FROM ' + TABLE + ')', 'NULL', '[1, 2]')}"
        )
        self._say("SELECT getvariable('xq') AS q")
        self._say("SET VARIABLE xq = 5")
        self._say(f"SELECT id, getvariable('xq') AS q FROM {TABLE} WHERE k = getvariable('xq')")

    def _fail(self) -> None:
        """A statement that may fail on its way: then the table must be as it was."""
        self._say(
            self._choice(
                f"INSERT INTO {TABLE} (id, s) SELECT id, error('no') FROM {quoted(self._base.name)}",
                f"UPDATE {TABLE} SET s = error('no') WHERE id > 3",
                f"UPDATE {TABLE} SET id = NULL WHERE id = 3",
                f"INSERT INTO {TABLE} (id, k) VALUES (1, 'x')",
                f"INSERT INTO {TABLE} (nothing) VALUES (1)",
                f"DELETE FROM {TABLE} WHERE s::INTEGER = 3",
                f"CREATE TABLE {TABLE} AS SELECT 1 AS id",
                f"CREATE TABLE IF NOT EXISTS {TABLE} AS SELECT 1 AS id",
                f"ALTER TABLE {TABLE} DROP COLUMN nothing",
                f"INSERT INTO {TABLE} (id) VALUES ({-self._fresh_ids()})",
            )
        )
        self._say(f"SELECT count(*), count(k), min(s), max(id) FROM {TABLE}")

    def _replace(self) -> None:
        """A table of what a query gives, perhaps of the table itself."""
        kinds = ["int", self._expressions.kind()]
        query = self._queries.select(1, kinds, ["k", "m"])
        self._say(f"CREATE OR REPLACE TABLE {OTHER_TABLE} AS {query}")
        self._say(f"SELECT a.k, a.m, count(*) FROM {OTHER_TABLE} AS a LEFT JOIN {TABLE} AS b ON a.k = b.k GROUP BY ALL")

    def _ask(self) -> None:
        self._say(self._shapes.query() if self.random.random() < 0.5 else self._queries.select(1))

    def _returning(self) -> str:
        if self.random.random() > 0.2:
            return ""
        return f" RETURNING {self._choice('*', 'id, s', 'id + 1 AS r, k', 's || 1 AS t')}"

    def _value(self, kind: str, columns: list[Column]) -> str:
        """An expression that fits a column of a kind, mostly."""
        if kind == "int":
            small = self._expressions.operand("small", columns, 0)
            return self._choice(small, f"abs({small})", f"abs({small}) + 1")
        return self._expressions.scalar(columns, kind, 1)


def removals(sql: tuple[str, ...]) -> list[str]:
    """What removes all that the statements of a session may have made."""
    text = " ".join(sql)
    return [removal for name, removal in MADE.items() if name in text]
