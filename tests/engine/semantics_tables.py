"""Tables of values that compare in odd ways, and statements over them, for plain DuckDB and for Shoal's plans.

Each table comes in several files, so that it is cut into tasks.
"""

from pathlib import Path

import duckdb

FILES = 3

TABLES = {
    "floats": (
        "SELECT i AS id, (['0.0', '-0.0', 'nan', NULL, 'inf', '-inf', '1.5', '-nan']::DOUBLE[])[1 + i % 8] AS d, "
        "(['0.0', '-0.0', 'nan', NULL, 'inf', '2.5', '0.1']::FLOAT[])[1 + i % 7] AS f, "
        "i % 5 AS g FROM range(700) AS r(i)"
    ),
    "numbers": (
        "SELECT i AS id, (i % 50 - 20)::TINYINT AS t, (i % 50 - 20)::SMALLINT AS s, (i % 50 - 20)::INTEGER AS n, "
        "(i % 50 - 20)::BIGINT AS b, (i % 50 - 20)::HUGEINT AS h, (i % 50)::UTINYINT AS ut, (i % 50)::UBIGINT AS ub, "
        "(i % 50 - 20)::DECIMAL(9,2) AS c, (i % 50 - 20)::DECIMAL(18,0) AS c0, (i % 50 - 20)::DECIMAL(38,10) AS c38, "
        "(i % 50 - 20)::DOUBLE AS d, (i % 50 - 20)::FLOAT AS f, (i % 50 - 20)::VARCHAR AS v FROM range(300) AS r(i)"
    ),
    "moments": (
        "SELECT i AS id, DATE '2024-02-27' + (i % 5)::INTEGER AS day, "
        "TIMESTAMP '2024-02-27' + to_hours(6 * (i % 20)) AS at, (TIMESTAMP '2024-02-27' + to_hours(6 * (i % 20)))"
        "::TIMESTAMP_S AS at_s, (TIMESTAMP '2024-02-27' + to_hours(6 * (i % 20)))::TIMESTAMP_NS AS at_ns, "
        "(TIMESTAMPTZ '2024-03-30 20:00:00+00' + to_hours(i % 30)) AS tz, TIME '10:00:00' + to_minutes(i % 7) AS t, "
        "CASE i % 6 WHEN 0 THEN INTERVAL 1 MONTH WHEN 1 THEN INTERVAL 30 DAY WHEN 2 THEN INTERVAL 720 HOUR "
        "WHEN 3 THEN INTERVAL 31 DAY WHEN 4 THEN NULL ELSE INTERVAL 1 DAY END AS iv FROM range(360) AS r(i)"
    ),
    "texts": (
        "SELECT i AS id, (['a', 'A', 'b', 'ä', 'Ä', '', NULL, 'a' || chr(0), 'a' || chr(0) || 'b', 'é', 'e\u0301', "
        "'\U0001f600', repeat('x', 5000), repeat('x', 5000) || 'y', ' a', 'a ']::VARCHAR[])[1 + i % 16] AS v, "
        "(['\\x00', '\\x00\\x00', '', NULL, '\\xFF']::VARCHAR[])[1 + i % 5]::BLOB AS b, "
        "(['a', 'b', NULL]::VARCHAR[])[1 + i % 3]::ENUM('b', 'a', 'ä') AS e FROM range(480) AS r(i)"
    ),
    "nested": (
        "SELECT i AS id, {'a': ([1, NULL, 2]::INTEGER[])[1 + i % 3], "
        "'b': (['x', 'y', NULL]::VARCHAR[])[1 + i % 4]} AS s, "
        "CASE WHEN i % 7 = 0 THEN NULL ELSE [i % 3, NULL, i % 2] END AS l, MAP {'k': i % 3, 'm': NULL} AS m, "
        "[i % 2, i % 3]::INTEGER[2] AS a, CASE WHEN i % 11 = 0 THEN NULL ELSE (i % 4)::BIT END AS bits, "
        "i % 3 AS u "
        "FROM range(210) AS r(i)"
    ),
    "decimals": (
        "SELECT i AS id, i % 4 AS g, 9.99::DECIMAL(3,2) AS d3, 9999999.99::DECIMAL(9,2) AS d9, "
        "999999999999999.999::DECIMAL(18,3) AS d18, 99999999999999999999999999999999.999999::DECIMAL(38,6) AS d38, "
        "9223372036854775807::BIGINT AS b, 18446744073709551615::UBIGINT AS ub, 127::TINYINT AS t, "
        "170141183460469231731687303715884105::HUGEINT AS h FROM range(400) AS r(i)"
    ),
    "nothing": "SELECT i AS id, i AS g, 'x' AS v, 1.5::DOUBLE AS d FROM range(100) AS r(i) WHERE i < 0",
    "mostly_null": "SELECT i AS id, CASE WHEN i = 17 THEN 1 END AS k, i % 3 AS g FROM range(300) AS r(i)",
}

JOINS = (
    *(
        f"SELECT count(*), sum(x.id), sum(y.id) FROM numbers AS x JOIN numbers AS y ON x.{left} = y.{right}"
        for left, right in (
            ("t", "b"),
            ("t", "ut"),
            ("s", "ub"),
            ("n", "h"),
            ("b", "ub"),
            ("b", "c"),
            ("n", "c38"),
            ("c", "c0"),
            ("c", "c38"),
            ("n", "d"),
            ("h", "d"),
            ("f", "d"),
            ("b", "f"),
            ("c", "d"),
            ("ut", "ub"),
            ("n", "v"),
            ("d", "v"),
            ("h", "ub"),
            ("c0", "ub"),
            ("v", "c"),
        )
    ),
    *(
        f"SELECT count(*), sum(x.id), sum(y.id) FROM moments AS x JOIN moments AS y ON x.{left} = y.{right}"
        for left, right in (
            ("day", "at"),
            ("at", "at_s"),
            ("at", "at_ns"),
            ("at_s", "at_ns"),
            ("day", "tz"),
            ("at", "tz"),
            ("iv", "iv"),
            ("t", "t"),
            ("tz", "tz"),
            ("day", "at_ns"),
        )
    ),
    *(
        f"SELECT count(*), sum(x.id), sum(y.id) FROM texts AS x JOIN texts AS y ON x.{left} = y.{right}"
        for left, right in (("v", "v"), ("b", "b"), ("e", "e"), ("e", "v"), ("v", "e"))
    ),
    *(
        f"SELECT count(*), sum(x.id), sum(y.id) FROM nested AS x JOIN nested AS y ON x.{key} = y.{key}"
        for key in ("s", "l", "m", "a", "bits", "u")
    ),
    *(
        f"SELECT count(*), sum(x.id), sum(y.id) FROM floats AS x JOIN floats AS y ON x.{left} = y.{right}"
        for left, right in (("d", "d"), ("f", "f"), ("f", "d"))
    ),
    "SELECT count(*), sum(x.id) FROM floats AS x JOIN floats AS y ON x.d IS NOT DISTINCT FROM y.d",
    "SELECT count(*), sum(x.id) FROM texts AS x SEMI JOIN nothing AS y ON x.v = y.v",
    "SELECT count(*), sum(x.id) FROM texts AS x ANTI JOIN nothing AS y ON x.v = y.v",
    "SELECT count(*), sum(x.id), sum(y.g) FROM mostly_null AS x LEFT JOIN mostly_null AS y ON x.k = y.k",
    "SELECT count(*), sum(x.id), sum(y.g) FROM mostly_null AS x FULL JOIN nothing AS y ON x.k = y.id",
    "SELECT count(*) FROM mostly_null WHERE id NOT IN (SELECT k FROM mostly_null)",
    "SELECT count(*) FROM mostly_null WHERE id NOT IN (SELECT k FROM mostly_null WHERE k IS NOT NULL)",
    "SELECT count(*) FROM numbers WHERE t NOT IN (SELECT ub FROM numbers)",
    "SELECT count(*) FROM numbers WHERE c IN (SELECT d FROM numbers WHERE d > 3)",
    "SELECT count(*), sum(x.id) FROM numbers AS x JOIN numbers AS y ON (x.t, x.c) = (y.b, y.d)",
    "SELECT count(*), sum(x.id) FROM numbers AS x JOIN numbers AS y ON x.t = y.ub AND x.v = y.n AND x.id < y.id",
    "SELECT count(*), sum(x.id) FROM texts AS x JOIN texts AS y ON x.v COLLATE NOCASE = y.v",
    "SELECT count(*), sum(x.id) FROM texts AS x JOIN texts AS y ON lower(x.v) = lower(y.v)",
)

GROUPS = (
    *(
        f"SELECT {key}, count(*) AS n, sum(id) AS s FROM floats GROUP BY {key}"
        for key in ("d", "f", "d + f", "-d", "abs(d)", "d, f")
    ),
    *(
        f"SELECT {key}, count(*) AS n, min(id) AS s FROM moments GROUP BY {key}"
        for key in ("iv", "day", "tz", "at_ns", "date_trunc('day', tz)", "tz::DATE", "t", "hour(tz)")
    ),
    *(
        f"SELECT {key}, count(*) AS n, max(id) AS s FROM texts GROUP BY {key}"
        for key in ("v", "b", "e", "v COLLATE NOCASE IS NULL", "lower(v)", "length(v)")
    ),
    *(
        f"SELECT {key}, count(*) AS n, max(id) AS s FROM nested GROUP BY {key}"
        for key in ("s", "l", "m", "a", "bits", "u", "s.a", "l[1]")
    ),
    *(
        f"SELECT {key}, count(*) AS n FROM numbers GROUP BY {key}"
        for key in ("t", "ub", "h", "c", "c38", "t + ub", "f", "d / 0", "t // 0", "n % 7")
    ),
    *(f"SELECT DISTINCT {columns} FROM floats" for columns in ("d", "f", "d, f", "d = 0, f", "d::VARCHAR", "1 / d")),
    "SELECT DISTINCT iv FROM moments",
    "SELECT DISTINCT v, e FROM texts",
    "SELECT DISTINCT b FROM texts",
    "SELECT DISTINCT s, l FROM nested",
    "SELECT count(DISTINCT d), count(DISTINCT f), count(d) FROM floats",
    "SELECT g, count(DISTINCT d) FROM floats GROUP BY g",
    "SELECT count(DISTINCT v), count(DISTINCT b), count(DISTINCT e) FROM texts",
    "SELECT count(DISTINCT iv), count(DISTINCT tz) FROM moments",
    "SELECT count(DISTINCT s), count(DISTINCT l) FROM nested",
    "SELECT d FROM floats UNION SELECT f FROM floats",
    "SELECT d FROM floats INTERSECT SELECT f FROM floats",
    "SELECT d FROM floats EXCEPT SELECT f FROM floats",
    "SELECT t FROM numbers UNION SELECT ub FROM numbers",
    "SELECT n FROM numbers INTERSECT SELECT c FROM numbers",
    "SELECT day FROM moments INTERSECT SELECT moments.at FROM moments",
    "SELECT v FROM texts UNION SELECT e FROM texts",
    "SELECT v FROM texts EXCEPT ALL SELECT e FROM texts",
    *(
        f"SELECT min({c}), max({c}), count({c}), arg_min(id, {c}) IS NULL FROM floats"
        for c in ("d", "f", "d + f", "-d")
    ),
    *(f"SELECT g, min({c}), max({c}), count({c}) FROM floats GROUP BY g" for c in ("d", "f")),
    "SELECT min(iv), max(iv), min(tz), max(tz), min(at_ns), max(t) FROM moments",
    "SELECT min(v), max(v), min(b), max(b), min(e), max(e) FROM texts",
    "SELECT min(s), max(s), min(l), max(l), min(a), max(a), min(bits), max(bits) FROM nested",
    "SELECT sum(d3), sum(d9), sum(d18), sum(b), sum(ub), sum(t), sum(h), avg(d38), avg(b) FROM decimals",
    "SELECT g, sum(d3), sum(d9), sum(d18), sum(b), sum(ub), sum(t), sum(h) FROM decimals GROUP BY g",
    "SELECT sum(d3 * d9), sum(d9 * 2), avg(d18), sum(d3 + d18), product(t) FROM decimals WHERE id < 3",
    (
        "SELECT sum(d), avg(d), min(d), max(d), count(*), count(d), stddev(d), median(d), list(d), string_agg(v, "
        "','), bool_and(id > 1) FROM nothing"
    ),
    "SELECT g, sum(d), count(*) FROM nothing GROUP BY g",
    (
        "SELECT sum(k), avg(k), min(k), max(k), count(k), count(*), any_value(k), first(k IS NULL) IS NULL FROM "
        "mostly_null"
    ),
    "SELECT g, sum(k), max(k), count(k), avg(k), stddev(k) FROM mostly_null GROUP BY g",
    "SELECT g, count(*) FILTER (k > 5), sum(k) FILTER (k > 5), count(DISTINCT k) FROM mostly_null GROUP BY g",
    "SELECT g, id % 2 AS h, count(*) FROM mostly_null GROUP BY ROLLUP (g, h)",
    "SELECT count(*) FROM nothing GROUP BY ()",
    "SELECT g, sum(count(*)) OVER () FROM nothing GROUP BY ROLLUP (g)",
    "SELECT count(*) FROM nothing HAVING count(*) > 0",
    "SELECT string_agg(v, ',' ORDER BY id) FROM texts WHERE id < 40",
    "SELECT e, list(v ORDER BY v NULLS FIRST, id) FROM texts WHERE length(v) < 9 GROUP BY e",
    (
        "SELECT g, first(d ORDER BY id), last(d ORDER BY id), list(id ORDER BY d DESC NULLS LAST, id) FROM floats "
        "GROUP BY g"
    ),
    "SELECT array_agg(DISTINCT g ORDER BY g DESC) FROM floats",
    "SELECT g, string_agg(DISTINCT id % 3, '-' ORDER BY id % 3) FROM floats GROUP BY g",
    "SELECT g, arg_max(id, id), max_by(d, id), quantile_disc(id, 0.5), mode(g), median(id) FROM floats GROUP BY g",
    "SELECT g, histogram(id % 3), approx_count_distinct(g), bit_xor(id), bool_or(id = 5) FROM floats GROUP BY g",
)

ORDERED = (
    "SELECT id, d FROM floats ORDER BY d, id",
    "SELECT id, d FROM floats ORDER BY d DESC, id",
    "SELECT id, f FROM floats ORDER BY f NULLS FIRST, id DESC",
    "SELECT id, d FROM floats ORDER BY d DESC NULLS LAST, id LIMIT 77 OFFSET 5",
    "SELECT id, d FROM floats ORDER BY d NULLS FIRST, id LIMIT 200",
    "SELECT id, iv FROM moments ORDER BY iv, id",
    "SELECT id, tz FROM moments ORDER BY tz DESC, id LIMIT 50",
    "SELECT id, v FROM texts ORDER BY v, id",
    "SELECT id, v FROM texts ORDER BY v COLLATE NOCASE, id",
    "SELECT id, v FROM texts ORDER BY v COLLATE NOACCENT, id",
    "SELECT id, v FROM texts ORDER BY v COLLATE de, id",
    "SELECT id, v FROM texts ORDER BY v COLLATE NOCASE.NOACCENT DESC, id LIMIT 99",
    "SELECT id, e FROM texts ORDER BY e DESC, id",
    "SELECT id, b FROM texts ORDER BY b, id",
    "SELECT id, s FROM nested ORDER BY s, id",
    "SELECT id, l FROM nested ORDER BY l DESC NULLS FIRST, id",
    "SELECT id, a, bits FROM nested ORDER BY a, bits DESC, id",
    "SELECT id, m FROM nested ORDER BY m, id",
    "SELECT id FROM nothing ORDER BY id",
    "SELECT id, rank() OVER (ORDER BY d) AS r, dense_rank() OVER (ORDER BY d DESC) AS q FROM floats ORDER BY id",
    "SELECT id, sum(id) OVER (PARTITION BY d ORDER BY id) AS s FROM floats ORDER BY id",
    (
        "SELECT id, lag(d) OVER (ORDER BY f, id) AS p, first_value(d) OVER (PARTITION BY g ORDER BY d DESC, id) AS "
        "q FROM floats ORDER BY id"
    ),
    (
        "SELECT id, count(*) OVER (PARTITION BY v) AS n, row_number() OVER (PARTITION BY b ORDER BY v, id) AS r "
        "FROM texts ORDER BY id"
    ),
    "SELECT id, count(*) OVER (PARTITION BY iv) AS n, max(tz) OVER (PARTITION BY day) AS q FROM moments ORDER BY id",
    "SELECT id, count(*) OVER (PARTITION BY s) AS n, min(id) OVER (PARTITION BY l) AS q FROM nested ORDER BY id",
    (
        "SELECT id, sum(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS s "
        "FROM numbers ORDER BY id"
    ),
    (
        "SELECT id, avg(c) OVER (PARTITION BY t ORDER BY id RANGE BETWEEN 50 PRECEDING AND 50 FOLLOWING) AS s FROM "
        "numbers ORDER BY id"
    ),
    "SELECT DISTINCT ON (d) d, id FROM floats ORDER BY d, id DESC",
    "SELECT DISTINCT ON (v) v, id FROM texts ORDER BY v NULLS FIRST, id",
    (
        "SELECT g, d, id FROM floats QUALIFY row_number() OVER (PARTITION BY g ORDER BY d DESC NULLS LAST, id) <= "
        "3 ORDER BY ALL"
    ),
    "SELECT d, count(*) AS n FROM floats GROUP BY d ORDER BY n DESC, d",
    "SELECT v, count(*) AS n FROM texts GROUP BY ALL ORDER BY ALL",
    (
        "SELECT tz, extract(hour FROM tz) AS h, tz::DATE AS day, date_trunc('month', tz) AS m, strftime(tz, '%H:%M "
        "%Z') AS s, tz::VARCHAR AS t FROM moments ORDER BY id"
    ),
    "SELECT tz::DATE AS day, count(*) FROM moments GROUP BY 1 ORDER BY 1",
    (
        'SELECT "at"::TIMESTAMPTZ AS a, "at" AT TIME ZONE \'Asia/Tokyo\' AS b, tz AT TIME ZONE '
        "'America/New_York' AS c FROM moments ORDER BY id"
    ),
    "SELECT id FROM moments WHERE tz > '2024-03-31 03:00:00' ORDER BY id",
    (
        "SELECT tz + INTERVAL 1 DAY AS n, tz - INTERVAL 1 MONTH AS p, age(tz, TIMESTAMPTZ '2024-01-01') AS a FROM "
        "moments ORDER BY id"
    ),
)


def write_tables(folder: Path) -> None:
    """One folder of files for each table."""
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        for name, query in TABLES.items():
            (folder / name).mkdir()
            for part in range(FILES):
                rows = f"SELECT * FROM ({query}) WHERE id % {FILES} = {part}"
                duck.execute(f"COPY ({rows}) TO '{folder / name}/{part}.parquet' (ROW_GROUP_SIZE 2048)")
