"""Tables of a session at a coordinator: scripts through our client, statements and their counts through ADBC."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import shoal
from shoal.serve import CoordinatorServer
from tests.engine.remote_cluster import SECONDS, coordinator, executors, url_of
from tests.engine.table_scripts import SCRIPTS
from tests.engine.test_tables_scripts import answer, statements

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoordinatorServer]:
    folder = tmp_path_factory.mktemp("executors")
    with coordinator() as server, executors(server.port, 2, folder):
        server.runner.wait_for_executors(2, SECONDS)
        yield server


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("mmap", ["on", "off"])
def test_scripts(server: CoordinatorServer, name: str, mmap: str) -> None:
    with shoal.connect(url_of(server, f"?mmap={mmap}&distribute=always")) as connection, duckdb.connect() as plain:
        for sql in statements(SCRIPTS[name]):
            expected, found = answer(plain, sql), answer(connection, sql)
            assert str(found) == str(expected), sql


def test_tables_belong_to_their_session(server: CoordinatorServer) -> None:
    with shoal.connect(url_of(server)) as one, shoal.connect(url_of(server)) as other:
        assert one.execute("CREATE TABLE t AS SELECT range AS a FROM range(1000)").rowcount == 1000
        with pytest.raises(shoal.TableNotFound):
            other.execute("FROM t")
        cursor = one.cursor()
        cursor.execute("UPDATE t SET a = a + 1 WHERE a < ?", (10,))
        assert cursor.rowcount == 10
        assert cursor.fetchall() == [(10,)]
        assert one.execute("DELETE FROM t WHERE a > 900 RETURNING a").rowcount == 99
        assert one.execute("SELECT count(*) FROM t").fetchall() == [(901,)]
        assert one.tables() == ("t",)
        (session,) = [each for each in server_sessions(server) if each.session.tables()]
        files = list(session.session._tables.store.files())
        assert files
    assert not any(file.exists() for file in files)


def server_sessions(server: CoordinatorServer) -> list[Any]:
    services = [closer.__self__ for closer in server._closers if hasattr(closer, "__self__")]
    return [session for service in services for session in service.sessions.all()]


def test_constraints_have_their_own_errors(server: CoordinatorServer) -> None:
    with shoal.connect(url_of(server)) as connection:
        connection.execute("CREATE TABLE t(a INTEGER NOT NULL CHECK (a > 0))")
        for sql, state in (("INSERT INTO t VALUES (NULL)", "23502"), ("INSERT INTO t VALUES (0)", "23514")):
            with pytest.raises(shoal.IntegrityError) as caught:
                connection.execute(sql)
            assert caught.value.sqlstate == state


def test_adbc_counts_rows(server: CoordinatorServer, tmp_path: Path) -> None:
    adbc = pytest.importorskip("adbc_driver_flightsql.dbapi", reason="adbc-driver-flightsql is not installed")
    with adbc.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t(a INTEGER, b VARCHAR)")
        assert cursor.executescript("INSERT INTO t SELECT range, 'x' FROM range(100)") is None
        cursor.adbc_statement.set_sql_query("UPDATE t SET b = 'y' WHERE a < 7")
        assert cursor.adbc_statement.execute_update() == 7
        cursor.execute("DELETE FROM t WHERE a >= 50 RETURNING a")
        assert len(cursor.fetchall()) == 50
        cursor.execute(f"COPY t TO '{tmp_path}/t.parquet'")
        cursor.execute("SELECT count(*) FROM t WHERE b = 'y'")
        assert cursor.fetchall() == [(7,)]
        cursor.execute("CREATE SCHEMA s")
        cursor.execute("CREATE TABLE s.u AS FROM t")
        objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        schemas = {schema["db_schema_name"]: schema["db_schema_tables"] for schema in objects[0]["catalog_db_schemas"]}
        assert [table["table_name"] for table in schemas["s"]] == ["u"]
        assert [table["table_name"] for table in schemas["main"]] == ["t"]
    assert duckdb.read_parquet(f"{tmp_path}/t.parquet").fetchall()[0] == (0, "y")
