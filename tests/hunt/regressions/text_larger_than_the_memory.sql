-- the text of the whole window for each row: plain DuckDB lacks the memory as well, if it has no more
-- executors 3
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 50
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 326904) % 9 = 0 THEN CASE hash(i, 326905) % 2 WHEN 0 THEN (0)::UINTEGER WHEN 1 THEN (4294967295)::UINTEGER END ELSE ((i * 12 // 300)::BIGINT)::UINTEGER END)::UINTEGER AS k,
    (CASE WHEN hash(i, 631287) % 100 < 100 THEN NULL ELSE CASE WHEN hash(i, 631285) % 9 = 0 THEN CASE hash(i, 631286) % 11 WHEN 0 THEN ('')::VARCHAR WHEN 1 THEN (' ')::VARCHAR WHEN 2 THEN ('it''s')::VARCHAR WHEN 3 THEN ('%')::VARCHAR WHEN 4 THEN ('V1')::VARCHAR WHEN 5 THEN ('日本語')::VARCHAR WHEN 6 THEN (repeat('long ', 40))::VARCHAR WHEN 7 THEN ('null')::VARCHAR WHEN 8 THEN ('a_b')::VARCHAR WHEN 9 THEN ('1')::VARCHAR WHEN 10 THEN (chr(0))::VARCHAR END ELSE ('v' || (hash(i, 631283) % 5)::BIGINT)::VARCHAR END END)::VARCHAR AS s,
    (((CASE WHEN hash(i, 447839) % 10 < 8 THEN 1 ELSE hash(i, 447840) % 1 END)::BIGINT * 1e300)::DOUBLE)::DOUBLE AS w,
    (CASE WHEN hash(i, 426604) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 426602) % 9 = 0 THEN CASE hash(i, 426603) % 3 WHEN 0 THEN ('0001-01-01')::DATE WHEN 1 THEN ('9999-12-31')::DATE WHEN 2 THEN ('1969-12-31')::DATE END ELSE (DATE '2020-01-01' + ((CASE WHEN hash(i, 426600) % 10 < 8 THEN 1 ELSE hash(i, 426601) % 100 END)::BIGINT)::INTEGER)::DATE END END)::DATE AS d,
    (CASE WHEN hash(i, 510405) % 100 < 100 THEN NULL ELSE ('v' || (2 - i * 2 // 300)::BIGINT)::VARCHAR END)::VARCHAR AS "SELECT",
    (CASE WHEN hash(i, 582459) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 582457) % 9 = 0 THEN CASE hash(i, 582458) % 2 WHEN 0 THEN ('\x00\xFF')::BLOB WHEN 1 THEN ('')::BLOB END ELSE (encode('b' || (hash(i, 582455) % 12)::BIGINT))::BLOB END END)::BLOB AS bl,
    (CASE WHEN hash(i, 254302) % 9 = 0 THEN CASE hash(i, 254303) % 1 WHEN 0 THEN (MAP {})::MAP(VARCHAR, INTEGER) END ELSE (MAP {'k': ((hash(i, 254300) % 100)::BIGINT) % 4, 'l': ((hash(i, 254300) % 100)::BIGINT) % 3})::MAP(VARCHAR, INTEGER) END)::MAP(VARCHAR, INTEGER) AS mp,
    (CASE WHEN hash(i, 266841) % 9 = 0 THEN CASE hash(i, 266842) % 2 WHEN 0 THEN (-99.9)::DECIMAL(4,1) WHEN 1 THEN (99.9)::DECIMAL(4,1) END ELSE (((hash(i, 266839) % 12)::BIGINT - 20) / 4)::DECIMAL(4,1) END)::DECIMAL(4,1) AS "größe"
FROM range(300) AS r(i);
-- table b files 5 group_rows 50
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 343525) % 100 < 10 THEN NULL ELSE ((CASE WHEN hash(i, 343521) % 10 < 8 THEN 1 ELSE hash(i, 343522) % 2 END)::BIGINT)::SMALLINT END)::SMALLINT AS k,
    (('v' || (hash(i, 377973) % 1)::BIGINT)::VARCHAR)::VARCHAR AS s,
    (CASE WHEN hash(i, 361339) % 100 < 10 THEN NULL ELSE ('v' || (1 - i * 1 // 150)::BIGINT)::VARCHAR END)::VARCHAR AS "SELECT",
    (CASE WHEN hash(i, 30597) % 100 < 100 THEN NULL ELSE (DATE '2020-01-01' + ((hash(i, 30593) % 1)::BIGINT)::INTEGER)::DATE END)::DATE AS "a.b",
    (CASE WHEN hash(i, 203816) % 100 < 50 THEN NULL ELSE (encode('b' || (CASE WHEN hash(i, 203812) % 10 < 8 THEN 1 ELSE hash(i, 203813) % 5 END)::BIGINT))::BLOB END)::BLOB AS bl,
    (CASE WHEN hash(i, 428663) % 100 < 90 THEN NULL ELSE CASE WHEN hash(i, 428661) % 9 = 0 THEN CASE hash(i, 428662) % 2 WHEN 0 THEN ({'a': NULL, 'b': NULL})::STRUCT(a INTEGER, b VARCHAR) WHEN 1 THEN ({'a': 1, 'b': NULL})::STRUCT(a INTEGER, b VARCHAR) END ELSE ({'a': ((1 - i * 1 // 150)::BIGINT) % 7, 'b': 'v' || ((1 - i * 1 // 150)::BIGINT) % 3})::STRUCT(a INTEGER, b VARCHAR) END END)::STRUCT(a INTEGER, b VARCHAR) AS st,
    ((md5('u' || (CASE WHEN hash(i, 774763) % 10 < 8 THEN 1 ELSE hash(i, 774764) % 40 END)::BIGINT))::UUID)::UUID AS u,
    ((TIME '00:00:00' + to_seconds(((hash(i, 148055) % 40)::BIGINT) * 137))::TIME)::TIME AS m
FROM range(150) AS r(i);
-- table c files 5 group_rows 1000
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 819718) % 9 = 0 THEN CASE hash(i, 819719) % 2 WHEN 0 THEN (0)::UINTEGER WHEN 1 THEN (4294967295)::UINTEGER END ELSE ((40 - i * 40 // 1)::BIGINT)::UINTEGER END)::UINTEGER AS k,
    (('v' || (hash(i, 19112) % 2)::BIGINT)::VARCHAR)::VARCHAR AS s,
    (CASE WHEN hash(i, 384573) % 100 < 10 THEN NULL ELSE (MAP {'k': ((hash(i, 384569) % 2)::BIGINT) % 4, 'l': ((hash(i, 384569) % 2)::BIGINT) % 3})::MAP(VARCHAR, INTEGER) END)::MAP(VARCHAR, INTEGER) AS mp,
    (CASE WHEN hash(i, 686784) % 100 < 10 THEN NULL ELSE (DATE '2020-01-01' + ((i * 12 // 1)::BIGINT)::INTEGER)::DATE END)::DATE AS d,
    (CASE WHEN hash(i, 660372) % 100 < 90 THEN NULL ELSE CASE WHEN hash(i, 660370) % 9 = 0 THEN CASE hash(i, 660371) % 2 WHEN 0 THEN ('\x00\xFF')::BLOB WHEN 1 THEN ('')::BLOB END ELSE (encode('b' || (CASE WHEN hash(i, 660368) % 10 < 8 THEN 1 ELSE hash(i, 660369) % 2 END)::BIGINT))::BLOB END END)::BLOB AS bl,
    (CASE WHEN hash(i, 303668) % 100 < 100 THEN NULL ELSE ((hash(i, 303664) % 5)::BIGINT * 1e300)::DOUBLE END)::DOUBLE AS w,
    (CASE WHEN hash(i, 24059) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 24057) % 9 = 0 THEN CASE hash(i, 24058) % 3 WHEN 0 THEN ('NaN')::DOUBLE WHEN 1 THEN ('inf')::DOUBLE WHEN 2 THEN ('-inf')::DOUBLE END ELSE (((hash(i, 24055) % 5)::BIGINT - 20) / 4)::DOUBLE END END)::DOUBLE AS y,
    (CASE WHEN hash(i, 936238) % 9 = 0 THEN CASE hash(i, 936239) % 2 WHEN 0 THEN ('1960-01-01 00:00:01')::TIMESTAMP_MS WHEN 1 THEN ('2100-12-31 23:59:59')::TIMESTAMP_MS END ELSE (TIMESTAMP '2021-03-01 00:00:00' + to_minutes(((2 - i * 2 // 1)::BIGINT) * 397))::TIMESTAMP_MS END)::TIMESTAMP_MS AS t,
    (CASE WHEN hash(i, 757076) % 100 < 90 THEN NULL ELSE ((CASE WHEN hash(i, 757072) % 10 < 8 THEN 1 ELSE hash(i, 757073) % 2 END)::BIGINT::HUGEINT * 1000000000000000000000)::UHUGEINT END)::UHUGEINT AS h
FROM range(1) AS r(i);
-- statement
SELECT LISTAGG(t2."SELECT", ',' ORDER BY t2."SELECT") OVER () AS r3 FROM b AS t1 JOIN b AS t2 ON t1.k WHERE t2.bl IS NULL ORDER BY r3 DESC;
