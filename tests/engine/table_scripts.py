"""Scripts of statements on tables, each of which plain DuckDB and Shoal answer alike, statement by statement."""

CREATE = {
    "columns, defaults and conditions": """
        CREATE TABLE t(a INTEGER DEFAULT 5 NOT NULL CHECK (a > 0), b VARCHAR DEFAULT 'x''y', CHECK (b = 'n' OR a < 90));
        DESCRIBE t;
        INSERT INTO t VALUES (1, 'one'), (DEFAULT, DEFAULT), (3, NULL);
        INSERT INTO t DEFAULT VALUES;
        INSERT INTO t(b) VALUES ('only b');
        INSERT INTO t VALUES (NULL, 'refused');
        INSERT INTO t VALUES (0, 'refused');
        INSERT INTO t VALUES (95, 'refused');
        INSERT INTO t(a) SELECT range - 1 FROM range(3);
        SELECT * FROM t ORDER BY ALL
    """,
    "as a query": """
        CREATE TABLE t AS SELECT range AS i, 'r' || range AS s, range / 4 AS d FROM range(10);
        DESCRIBE t;
        SELECT * FROM t ORDER BY i;
        CREATE TABLE u(x, y) AS SELECT i, s FROM t WHERE i % 2 = 0;
        SELECT * FROM u ORDER BY x;
        CREATE TABLE n AS FROM t WITH NO DATA;
        SELECT count(*) FROM n;
        CREATE TABLE twice AS SELECT 1 AS a, 2 AS a, 3 AS "A b";
        DESCRIBE twice;
        CREATE TABLE e AS SELECT error('boom');
        SELECT * FROM e;
        CREATE TABLE e AS SELECT nothing FROM t;
        CREATE TABLE e AS SELECT CAST(s AS INTEGER) AS s FROM t;
        SELECT count(*) FROM e
    """,
    "again": """
        CREATE TABLE t(a INTEGER);
        CREATE TABLE t(a INTEGER);
        CREATE TABLE IF NOT EXISTS t(b VARCHAR);
        INSERT INTO t VALUES (1);
        DESCRIBE t;
        CREATE OR REPLACE TABLE t AS SELECT a + 1 AS z, a FROM t;
        FROM t;
        CREATE TABLE T AS SELECT 1;
        CREATE VIEW t AS SELECT 1;
        CREATE VIEW v AS FROM t;
        CREATE TABLE v(i INTEGER);
        CREATE OR REPLACE TABLE v(i INTEGER);
        DROP TABLE v;
        DROP VIEW t;
        DROP TABLE t;
        DROP TABLE t;
        DROP TABLE IF EXISTS t;
        FROM t;
        DROP VIEW IF EXISTS v
    """,
    "temporary": """
        CREATE TEMP TABLE t AS SELECT 1 AS a;
        CREATE TABLE u AS SELECT 2 AS a;
        CREATE TEMPORARY TABLE u AS SELECT 3 AS a;
        SELECT * FROM t, u;
        INSERT INTO u VALUES (4);
        SELECT * FROM u ORDER BY a;
        SELECT * FROM temp.u ORDER BY a;
        DROP TABLE u;
        FROM u
    """,
    "names": """
        CREATE TABLE "Some Table"("a b" INTEGER, "select" VARCHAR, "Ünï" DOUBLE);
        INSERT INTO "some table"("A B", "SELECT", "Ünï") VALUES (1, 'x', 1.5);
        UPDATE "SOME TABLE" SET "a B" = "a b" + 1 WHERE "Select" = 'x' RETURNING "a b", *;
        SELECT * FROM "Some Table";
        ALTER TABLE "Some Table" RENAME TO "t.u";
        DELETE FROM "t.u" AS x WHERE x."a b" = 2;
        SELECT count(*) FROM "t.u"
    """,
}
CHANGES = {
    "insert": """
        CREATE TABLE t(a INTEGER, b VARCHAR DEFAULT 'd', c DOUBLE);
        INSERT INTO t SELECT range, 'r' || range, range / 2 FROM range(5);
        INSERT INTO t(c, a) SELECT 1.5, 10;
        INSERT INTO t BY NAME SELECT 'named' AS b, 11 AS a;
        INSERT INTO t BY POSITION SELECT 12, 'pos', 3;
        INSERT INTO t (SELECT 13, 'bracket', 4);
        INSERT INTO t FROM (VALUES (14, 'from', 5));
        WITH q AS (SELECT 15 AS x) INSERT INTO t(a) SELECT x FROM q;
        INSERT INTO t WITH q AS (SELECT 16 AS x) SELECT x, 'with', x FROM q;
        INSERT INTO t VALUES ('17', 18, '19');
        INSERT INTO t(a) VALUES ((SELECT max(a) + 1 FROM t));
        INSERT INTO t(a) SELECT a + 100 FROM t WHERE a < 2 UNION ALL SELECT 200;
        INSERT INTO t VALUES (1, 'short');
        INSERT INTO t(a, zz) VALUES (1, 2);
        INSERT INTO t BY NAME SELECT 1 AS q;
        INSERT INTO t(a) VALUES ('no number');
        INSERT INTO t(a) SELECT 'no number';
        INSERT INTO t(a, a) VALUES (1, 2);
        INSERT INTO t SELECT * FROM t WHERE false;
        SELECT * FROM t ORDER BY ALL
    """,
    "insert returning": """
        CREATE TABLE t(a INTEGER NOT NULL, b VARCHAR DEFAULT 'd');
        INSERT INTO t(a) VALUES (1), (2) RETURNING a, b || '!' AS shout, a * 2;
        INSERT INTO t SELECT range, 'q' FROM range(3) RETURNING *;
        INSERT INTO t AS new VALUES (9, 'z') RETURNING new.a, new.*;
        INSERT INTO t SELECT 1, 'x' WHERE false RETURNING a;
        INSERT INTO t VALUES (1, 'x') RETURNING nothing;
        INSERT INTO t VALUES (1, 'x') RETURNING count(*);
        INSERT INTO t VALUES (NULL, 'x') RETURNING *;
        SELECT * FROM t ORDER BY ALL
    """,
    "update": """
        CREATE TABLE t(a INTEGER CHECK (a < 1000), b VARCHAR DEFAULT 'd' NOT NULL, c DECIMAL(5,2));
        INSERT INTO t SELECT range, 'r' || range, range / 3 FROM range(20);
        UPDATE t SET c = c + 1;
        UPDATE t SET a = a + 100, b = upper(b) WHERE a % 3 = 0;
        UPDATE t SET a = c, c = a WHERE a < 5;
        UPDATE t SET b = DEFAULT WHERE a = 5;
        UPDATE t AS x SET a = x.a + 1 WHERE x.a > 115 RETURNING x.a, b, c;
        UPDATE t SET c = v.k FROM (VALUES (7, 77), (8, 88)) v(i, k) WHERE t.a = v.i RETURNING *;
        UPDATE t SET b = 'none' WHERE false;
        UPDATE t SET (a, b) = (a + 0, 'pair') WHERE a = 10;
        UPDATE t SET b = (SELECT max(b) FROM t) WHERE a = 11;
        UPDATE t SET b = 'in' WHERE a IN (SELECT a FROM t WHERE a IS NOT DISTINCT FROM 13);
        WITH q AS (SELECT 14 AS k) UPDATE t SET b = 'with' FROM q WHERE a = k;
        UPDATE t SET a = 5000 WHERE a = 1;
        UPDATE t SET b = NULL WHERE a = 7;
        UPDATE t SET c = 'text';
        UPDATE t SET zz = 1;
        UPDATE t SET a = 1, a = 2;
        UPDATE nowhere SET a = 1;
        UPDATE t SET a = zz;
        SELECT * FROM t ORDER BY ALL
    """,
    "delete": """
        CREATE TABLE t AS SELECT range AS a, range % 3 AS b FROM range(30);
        DELETE FROM t WHERE a > 25;
        DELETE FROM t AS x WHERE x.a = 25 RETURNING *, x.a + 1 AS next;
        DELETE FROM t USING (VALUES (1), (2), (2)) v(k) WHERE t.a = v.k;
        DELETE FROM t USING range(3) r(i), (SELECT 4 AS four) f WHERE t.a = r.i + four RETURNING a;
        WITH q AS (SELECT 10 AS k) DELETE FROM t WHERE a = (SELECT k FROM q);
        DELETE FROM t WHERE a IN (SELECT max(a) FROM t GROUP BY b);
        DELETE FROM t WHERE false;
        DELETE FROM t WHERE zz = 1;
        SELECT * FROM t ORDER BY a;
        DELETE FROM t RETURNING b;
        SELECT count(*) FROM t;
        INSERT INTO t VALUES (1, 2);
        TRUNCATE t;
        TRUNCATE TABLE t;
        FROM t;
        INSERT INTO t VALUES (3, 4);
        FROM t;
        DELETE FROM t;
        TRUNCATE nowhere
    """,
    "order of rows": """
        CREATE TABLE t(a INTEGER);
        INSERT INTO t VALUES (3), (1);
        INSERT INTO t VALUES (2);
        INSERT INTO t SELECT range + 10 FROM range(5);
        FROM t;
        DELETE FROM t WHERE a = 1;
        FROM t;
        SELECT a FROM t LIMIT 3
    """,
}
ALTER = {
    "columns": """
        CREATE TABLE t(a INTEGER, b VARCHAR);
        INSERT INTO t VALUES (1, 'x'), (2, 'y');
        ALTER TABLE t ADD COLUMN c DOUBLE DEFAULT 1.5;
        ALTER TABLE t ADD d VARCHAR;
        INSERT INTO t(a) VALUES (3);
        SELECT * FROM t ORDER BY a;
        ALTER TABLE t ADD COLUMN IF NOT EXISTS c INTEGER;
        ALTER TABLE t ADD COLUMN c INTEGER;
        ALTER TABLE t RENAME b TO bb;
        ALTER TABLE t RENAME COLUMN zz TO y;
        ALTER TABLE t ALTER c SET DATA TYPE VARCHAR;
        ALTER TABLE t ALTER a TYPE BIGINT USING a * 10;
        ALTER TABLE t ALTER bb TYPE INTEGER;
        SELECT * FROM t ORDER BY a;
        ALTER TABLE t DROP COLUMN d;
        ALTER TABLE t DROP IF EXISTS d;
        ALTER TABLE t DROP d;
        DESCRIBE t;
        SELECT * FROM t ORDER BY a
    """,
    "defaults and NULL": """
        CREATE TABLE t(a INTEGER, b VARCHAR);
        INSERT INTO t VALUES (1, 'x'), (NULL, 'y');
        ALTER TABLE t ALTER a SET DEFAULT 7;
        INSERT INTO t(b) VALUES ('z');
        ALTER TABLE t ALTER a SET NOT NULL;
        UPDATE t SET a = 0 WHERE a IS NULL;
        ALTER TABLE t ALTER a SET NOT NULL;
        INSERT INTO t VALUES (NULL, 'refused');
        ALTER TABLE t ALTER a DROP DEFAULT;
        INSERT INTO t(b) VALUES ('refused');
        ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
        INSERT INTO t(b) VALUES ('taken');
        DESCRIBE t;
        SELECT * FROM t ORDER BY ALL
    """,
    "structs, names and nothing": """
        CREATE TABLE t(s STRUCT(x INTEGER), a INTEGER);
        INSERT INTO t VALUES ({'x': 1}, 1);
        ALTER TABLE t ADD COLUMN s.y VARCHAR;
        SELECT * FROM t;
        ALTER TABLE t RENAME s.x TO z;
        SELECT s.z FROM t;
        ALTER TABLE t DROP s.z;
        DESCRIBE t;
        ALTER TABLE t RENAME TO u;
        SELECT count(*) FROM u;
        FROM t;
        CREATE TABLE t(i INTEGER);
        ALTER TABLE t RENAME TO u;
        ALTER TABLE nowhere ADD COLUMN a INTEGER;
        ALTER TABLE IF EXISTS nowhere ADD COLUMN a INTEGER;
        ALTER TABLE u DROP s;
        ALTER TABLE u DROP a;
        FROM u
    """,
}
SCHEMAS = {
    "qualified names": """
        CREATE SCHEMA s;
        CREATE SCHEMA s;
        CREATE SCHEMA IF NOT EXISTS s;
        CREATE TABLE s.t(a INTEGER, b VARCHAR);
        CREATE TABLE t AS SELECT 100 AS a;
        INSERT INTO s.t VALUES (1, 'x'), (2, 'y');
        SELECT s.t.a, t.b FROM s.t ORDER BY a;
        SELECT x.a, t.a FROM s.t AS x, t ORDER BY ALL;
        SELECT * FROM main.t;
        UPDATE s.t SET a = t.a + 1 WHERE b = 'y';
        DELETE FROM s.t WHERE t.a = 1;
        FROM s.t;
        CREATE VIEW s.v AS SELECT a * 2 AS twice FROM s.t;
        SELECT v.twice, (SELECT count(*) FROM s.t) AS n FROM s.v;
        SELECT sum(twice) FROM s.v GROUP BY ALL;
        CREATE TABLE nowhere.t(a INTEGER);
        SELECT * FROM nowhere.t;
        SELECT * FROM s.u;
        DROP VIEW s.v;
        ALTER TABLE s.t RENAME TO u;
        FROM s.u;
        DROP TABLE s.u;
        DROP SCHEMA s;
        DROP SCHEMA s;
        DROP SCHEMA IF EXISTS s;
        FROM t
    """,
    "use": """
        CREATE SCHEMA s;
        USE s;
        CREATE TABLE t AS SELECT 1 AS a;
        SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL;
        SELECT * FROM t;
        SELECT * FROM s.t;
        INSERT INTO t VALUES (2);
        SELECT current_schema(), current_database();
        USE main;
        SELECT current_schema(), current_database();
        SELECT * FROM s.t ORDER BY a;
        SELECT * FROM t;
        USE nowhere;
        DROP SCHEMA s;
        DROP SCHEMA s CASCADE;
        SELECT * FROM s.t;
        DROP SCHEMA main
    """,
    "views in schemas": """
        CREATE SCHEMA s;
        CREATE TABLE t AS SELECT 'main' AS w;
        CREATE TABLE m AS SELECT 'only main' AS o;
        CREATE TABLE s.t AS SELECT 's' AS w;
        CREATE VIEW s.v AS SELECT t.w, w AS again FROM t;
        CREATE VIEW s.x AS FROM t, m;
        FROM s.v;
        FROM s.x;
        SELECT v.w, t.w FROM s.v, t;
        USE s;
        CREATE VIEW y AS WITH q AS (FROM t) SELECT * FROM q JOIN (SELECT count(*) AS n FROM t) AS c ON true;
        FROM y;
        USE main;
        FROM s.y;
        CREATE OR REPLACE VIEW s.v(one) AS SELECT w || '!' FROM t;
        FROM s.v
    """,
    "one name in two schemas": """
        CREATE SCHEMA s;
        USE s;
        CREATE TABLE t AS SELECT 's' AS a;
        CREATE TABLE main.t AS SELECT 'main' AS a;
        SELECT x.a, y.a FROM t AS x, main.t AS y;
        SELECT t.a, memory.main.t.a FROM memory.s.t, memory.main.t;
        INSERT INTO t SELECT a || '!' FROM main.t;
        INSERT INTO memory.main.t VALUES ('more');
        UPDATE t SET a = m.a FROM main.t AS m WHERE t.a = m.a || '!';
        DELETE FROM main.t USING s.t AS o WHERE o.a = main.t.a RETURNING *;
        SELECT * FROM t ORDER BY a;
        USE main;
        SELECT * FROM t ORDER BY a;
        CREATE TEMP TABLE t AS SELECT 'temp' AS a;
        SELECT x.a, y.a, z.a FROM t AS x, main.t AS y, s.t AS z ORDER BY ALL;
        CREATE TABLE temp.u(a INTEGER);
        SET schema = 's';
        SELECT current_schema();
        RESET schema
    """,
    "views and what is shown": """
        CREATE TABLE t(a INTEGER NOT NULL DEFAULT 3, b VARCHAR);
        CREATE VIEW v AS SELECT a FROM t;
        ALTER VIEW v RENAME TO w;
        ALTER TABLE w RENAME TO x;
        ALTER VIEW t RENAME TO y;
        CREATE OR REPLACE VIEW IF NOT EXISTS x AS SELECT 1;
        CREATE RECURSIVE VIEW r(n) AS SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3;
        SELECT * FROM r ORDER BY n;
        CREATE VIEW d AS DESCRIBE t;
        FROM d;
        DESCRIBE FROM t;
        DESCRIBE SELECT a, a + 1 AS b FROM t;
        CREATE VIEW c AS SELECT table_name FROM information_schema.tables;
        SELECT table_name FROM c ORDER BY ALL;
        INSERT INTO t(b) VALUES ((SELECT count(*) FROM duckdb_views() WHERE NOT internal)), ('t');
        SELECT t.a, i.table_name FROM t JOIN information_schema.tables AS i ON i.table_name = t.b;
        DELETE FROM t WHERE b IN (SELECT table_name FROM duckdb_tables());
        SELECT * FROM t ORDER BY b;
        SELECT relname FROM pg_class WHERE relname IN ('t', 'd') ORDER BY 1;
        ANALYZE t(a);
        ANALYZE t(nosuch);
        UPDATE t SET (a, b) = ROW(8, 'row');
        ALTER TABLE t ALTER a TYPE INTEGER USING a * 2;
        FROM t
    """,
    "the catalog": """
        CREATE TABLE t(a INTEGER DEFAULT 3 NOT NULL, b DECIMAL(10,2));
        CREATE VIEW v AS SELECT b FROM t;
        SHOW TABLES;
        SHOW ALL TABLES;
        DESCRIBE t;
        DESCRIBE v;
        DESCRIBE SELECT a + 1 AS n FROM t;
        SUMMARIZE t;
        SELECT table_name, table_type FROM information_schema.tables ORDER BY ALL;
        SELECT column_name, column_default, is_nullable, data_type FROM information_schema.columns ORDER BY ALL;
        SELECT table_name, estimated_size, column_count FROM duckdb_tables();
        SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = 't' ORDER BY 1;
        SELECT constraint_type, expression FROM duckdb_constraints() ORDER BY ALL;
        SELECT c.column_name FROM information_schema.tables t JOIN information_schema.columns c USING (table_name)
          WHERE t.table_type = 'VIEW'
    """,
}
SCRIPTS = CREATE | CHANGES | ALTER | SCHEMAS

TYPES = {
    "BOOLEAN": "(true), (false)",
    "TINYINT": "(-128), (127)",
    "UTINYINT": "(0), (255)",
    "SMALLINT": "(-32768), (32767)",
    "BIGINT": "(-9223372036854775808), (9223372036854775807)",
    "UBIGINT": "(0), (18446744073709551615)",
    "HUGEINT": "(170141183460469231731687303715884105727), ('-170141183460469231731687303715884105728'), (0)",
    "UHUGEINT": "(340282366920938463463374607431768211455), (0)",
    "FLOAT": "('nan'), ('-inf'), (-0.0), (1.5)",
    "DOUBLE": "('nan'), ('inf'), (-0.0), (1e300)",
    "DECIMAL(4,1)": "(999.9), (-999.9)",
    "DECIMAL(38,10)": "(9999999999999999999999999999.9999999999)",
    "VARCHAR": "(''), ('x'), ('\u00e9\U0001f600'), (repeat('long', 500))",
    "BLOB": "('\\x00\\xFF'), ('')",
    "BIT": "('010101'), ('1')",
    "BIGNUM": "('123456789012345678901234567890123456789012345678901234567890')",
    "UUID": "('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')",
    "JSON": "('{\"a\": [1, null]}'), ('null')",
    "DATE": "('2020-02-29'), ('infinity'), ('0044-03-15 (BC)')",
    "TIME": "('00:00:00'), ('23:59:59.999999'), ('24:00:00')",
    "TIME WITH TIME ZONE": "('12:34:56+05:30'), ('00:00:00-12')",
    "TIMESTAMP": "('2020-01-01 00:00:00.000001'), ('-infinity'), ('infinity')",
    "TIMESTAMP_S": "('2020-01-01 00:00:01'), ('infinity')",
    "TIMESTAMP_MS": "('2020-01-01 00:00:00.001')",
    "TIMESTAMP_NS": "('2020-01-01 00:00:00.000000001')",
    "TIMESTAMP WITH TIME ZONE": "('2020-01-01 00:00:00+02'), ('infinity')",
    "INTERVAL": "('1 year 2 days 3 microseconds'), ('-5 months')",
    "ENUM('small', 'it''s big')": "('small'), ('it''s big')",
    "INTEGER[]": "([1, NULL, 3]), ([])",
    "VARCHAR[][]": "([['a'], NULL, []])",
    "INTEGER[3]": "([1, 2, 3]), ([NULL, 0, 1])",
    "STRUCT(a INTEGER, b VARCHAR[])": "({'a': 1, 'b': ['x']}), ({'a': NULL, 'b': NULL})",
    "STRUCT(h HUGEINT, e ENUM('p', 'q'), i INTERVAL)": "({'h': 1, 'e': 'q', 'i': INTERVAL 3 MICROSECOND})",
    "MAP(VARCHAR, INTEGER)": "(MAP {'a': 1, 'b': NULL}), (MAP {})",
    "MAP(INTEGER, HUGEINT[])": "(MAP {1: [5]})",
    "UNION(n INTEGER, s VARCHAR)": "(union_value(n := 1)), (union_value(s := 'x')), (union_value(n := NULL::INTEGER))",
    "UNION(n HUGEINT, s INTEGER[2])[]": "([union_value(n := 3), NULL]), ([union_value(s := [1, 2]::INTEGER[2])])",
}
"""Types, and values of each, in brackets."""
