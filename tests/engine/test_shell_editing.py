"""What the line editor knows: highlighting, completion, when Enter runs, what the history keeps."""

import stat
from pathlib import Path

import pyarrow as pa
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from shoal.planner.errors import TableNotFound
from shoal.shell.completion import SqlCompleter, quoted
from shoal.shell.highlight import highlight
from shoal.shell.history import PrivateHistory, history_path, open_history
from shoal.shell.names import Names
from shoal.shell.prompt import is_ready

TABLES = {"orders": ["o_orderkey", "o_totalprice", "Order Date"], "order": ["key"], "lineitem": ["l_orderkey", "l_tax"]}


class CatalogCursor:
    """Answers SHOW TABLES, SHOW ALL and DESCRIBE, and counts how often it is asked."""

    asked: list[str] = []  # noqa: RUF012 - one list for all cursors is the purpose
    description = (("name",),)

    def execute(self, operation: str) -> None:
        self.asked.append(operation)
        match operation.split(maxsplit=1):
            case ["SHOW", "TABLES"]:
                self._names = list(TABLES)
            case ["SHOW", "ALL"]:
                self._names = ["verify", "partitions"]
            case ["DESCRIBE", name] if name.strip("\"'") in TABLES:
                self._names = TABLES[name.strip("\"'")]
            case ["DESCRIBE", "'orders.parquet'"]:
                self._names = ["from_file"]
            case _:
                raise TableNotFound(operation)

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        batch = pa.RecordBatch.from_pydict({"column_name": self._names})
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])

    def cancel(self) -> None: ...

    def progress(self) -> None: ...

    def close(self) -> None: ...


class CatalogConnection:
    """A connection for names alone."""

    def cursor(self) -> CatalogCursor:
        return CatalogCursor()

    def close(self) -> None: ...


@pytest.fixture
def names() -> Names:
    CatalogCursor.asked.clear()
    return Names(CatalogConnection())


def complete(names: Names, text: str, *, asked: bool = True) -> list[str]:
    """The texts that could replace the word at ``|``."""
    before, _, after = text.partition("|")
    event = CompleteEvent(completion_requested=asked, text_inserted=not asked)
    return [each.text for each in SqlCompleter(names).get_completions(Document(before + after, len(before)), event)]


def test_tables_come_after_from_and_join(names: Names) -> None:
    assert complete(names, "select * from |") == ["lineitem", '"order"', "orders"]
    assert complete(names, "select * from lineitem join ord|") == ['"order"', "orders"]
    assert complete(names, "select * from lineitem, o|") == ['"order"', "orders"]
    assert complete(names, "from item|") == ["lineitem"]
    assert complete(names, "with mine as (select 1) select * from mi|") == ["mine"]


def test_columns_come_after_an_alias_and_a_dot(names: Names) -> None:
    columns = ["o_orderkey", "o_totalprice", '"Order Date"']
    assert complete(names, "select o.| from lineitem l join orders o on true") == columns
    assert complete(names, "select * from orders as o where o.o_t|") == ["o_totalprice"]
    assert complete(names, "select * from orders where ORDERS.o_o|") == ["o_orderkey"]
    assert complete(names, "select f.| from 'orders.parquet' f") == ["from_file"]
    assert complete(names, "select x.| from orders o") == []
    assert complete(names, "select q.| from (select 1) q") == []
    assert complete(names, "select 1; select l.| from lineitem l; select 2") == ["l_orderkey", "l_tax"]


def test_words_come_elsewhere(names: Names) -> None:
    found = complete(names, "select l_|  from lineitem")
    assert found[:2] == ["l_orderkey", "l_tax"]
    assert "o_orderkey" not in found
    assert complete(names, "sel|")[0] == "select"
    assert complete(names, "SEL|")[0] == "SELECT"
    assert "date_trunc" in complete(names, "select date_t|")
    assert complete(names, "select orderkey| from orders")[0] == "o_orderkey"


def test_nothing_comes_unasked_without_a_word(names: Names) -> None:
    assert complete(names, "select |", asked=False) == []
    assert complete(names, "select * from |", asked=False) == ["lineitem", '"order"', "orders"]
    assert complete(names, "select * from orders o|", asked=False) == []
    assert complete(names, "select 'text|", asked=False) == []
    assert complete(names, "select 1 -- comm|", asked=False) == []
    assert complete(names, "select 1 /* comm|", asked=False) == []


def test_settings_and_commands(names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.parquet").touch()
    assert complete(names, "set ver|") == ["verify"]
    assert complete(names, "\\ti|") == ["\\timing"]
    assert complete(names, "\\format js|") == ["json", "jsonl"]
    assert complete(names, "\\d li|") == ["lineitem"]
    assert complete(names, "\\i da|") == ["data/"]
    assert complete(names, "select * from 'data/o|") == ["orders.parquet'"]
    assert complete(names, "\\nonsense x|") == []


def test_names_are_asked_once_until_they_may_have_changed(names: Names) -> None:
    names.tables(), names.tables(), names.columns("orders"), names.columns("orders")
    assert CatalogCursor.asked == ["SHOW TABLES", "DESCRIBE orders"]
    names.forget()
    names.tables()
    assert CatalogCursor.asked[2:] == ["SHOW TABLES"]


def test_quoted_names() -> None:
    assert quoted("plain") == "plain"
    assert quoted("Order Date") == '"Order Date"'
    assert quoted('a"b') == '"a""b"'
    assert quoted("select") == '"select"'
    assert quoted("ñ") == '"ñ"'


@pytest.mark.parametrize(
    "text",
    ["", "select 'a", 'x "', "/* a", "a--b\n/**/c", "$$ x", "\\d x", "select 1;\n\nselect 2", "'it''s' \u00e9\t"],
)
def test_highlighting_keeps_the_text(text: str) -> None:
    assert "".join(piece[1] for piece in highlight(text)) == text


def test_highlighting_by_kind() -> None:
    pieces = {text: style for style, text, *_ in highlight("SELECT sum(\"q\"), 'text', 1.5, ?, x::DATE -- note")}
    assert pieces["SELECT"] == "class:sql.keyword"
    assert pieces["sum"] == "class:sql.function"
    assert pieces['"q"'] == "class:sql.quoted"
    assert pieces["'text'"] == "class:sql.string"
    assert pieces["1.5"] == "class:sql.number"
    assert pieces["?"] == "class:sql.parameter"
    assert pieces["x"] == ""
    assert pieces["DATE"] == "class:sql.type"
    assert pieces[" -- note"] == "class:sql.comment"


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("select 1;", True),
        ("select 1; ", True),
        ("select 1; -- done", True),
        ("select 1", False),
        ("select ';", False),
        ("select 1 -- ;", False),
        ("select $$ ; $$", False),
        ("select '\n;'", False),
        ("\\d orders", True),
        ("", True),
        ("  \n", True),
        ("EXIT", True),
        ("help", True),
        ("helpful", False),
    ],
)
def test_when_enter_runs(text: str, ready: bool) -> None:
    assert is_ready(text) is ready


def test_history_is_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state" / "shoal" / "history"
    history = open_history(path)
    for text in ("select 1;", "select 1;", " secret;", "select\n2;"):
        history.append_string(text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(PrivateHistory(str(path)).load_history_strings()) == ["select\n2;", "select 1;"]


def test_history_without_a_place_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert isinstance(open_history(tmp_path / "file" / "history"), InMemoryHistory)


def test_history_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SHOAL_HISTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_path() == tmp_path / "shoal" / "history"
    monkeypatch.setenv("SHOAL_HISTORY", "/elsewhere")
    assert history_path() == Path("/elsewhere")
