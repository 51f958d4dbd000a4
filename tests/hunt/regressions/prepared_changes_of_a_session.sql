-- prepared changes of a table that a view and a macro read
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = broadcast
-- set disabled_rules = 
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 20
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 935314) % 100 < 100 THEN NULL ELSE CASE WHEN hash(i, 935312) % 9 = 0 THEN CASE hash(i, 935313) % 2 WHEN 0 THEN (0)::UINTEGER WHEN 1 THEN (4294967295)::UINTEGER END ELSE ((hash(i, 935310) % 2)::BIGINT)::UINTEGER END END)::UINTEGER AS k,
    (('v' || (100 - i * 100 // 300)::BIGINT)::VARCHAR)::VARCHAR AS s,
    (CASE WHEN hash(i, 223645) % 100 < 10 THEN NULL ELSE ((12 - i * 12 // 300)::BIGINT)::INTEGER END)::INTEGER AS g,
    (CASE WHEN hash(i, 527194) % 9 = 0 THEN CASE hash(i, 527195) % 2 WHEN 0 THEN ('00000000-0000-0000-0000-000000000000')::UUID WHEN 1 THEN ('ffffffff-ffff-ffff-ffff-ffffffffffff')::UUID END ELSE (md5('u' || (hash(i, 527192) % 12)::BIGINT))::UUID END)::UUID AS u,
    (CASE WHEN hash(i, 294045) % 100 < 50 THEN NULL ELSE ((1 - i * 1 // 300)::BIGINT::HUGEINT * 1000000000000000000000)::HUGEINT END)::HUGEINT AS h
FROM range(300) AS r(i);
-- table b files 2 group_rows 20
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 499051) % 9 = 0 THEN CASE hash(i, 499052) % 2 WHEN 0 THEN (-128)::TINYINT WHEN 1 THEN (127)::TINYINT END ELSE ((i * 2 // 300)::BIGINT)::TINYINT END)::TINYINT AS k,
    (CASE WHEN hash(i, 118098) % 100 < 50 THEN NULL ELSE CASE WHEN hash(i, 118096) % 9 = 0 THEN CASE hash(i, 118097) % 11 WHEN 0 THEN ('')::VARCHAR WHEN 1 THEN (' ')::VARCHAR WHEN 2 THEN ('it''s')::VARCHAR WHEN 3 THEN ('%')::VARCHAR WHEN 4 THEN ('V1')::VARCHAR WHEN 5 THEN ('日本語')::VARCHAR WHEN 6 THEN (repeat('long ', 40))::VARCHAR WHEN 7 THEN ('null')::VARCHAR WHEN 8 THEN ('a_b')::VARCHAR WHEN 9 THEN ('1')::VARCHAR WHEN 10 THEN (chr(0))::VARCHAR END ELSE ('v' || (i * 12 // 300)::BIGINT)::VARCHAR END END)::VARCHAR AS s,
    (CASE WHEN hash(i, 267542) % 100 < 90 THEN NULL ELSE CASE WHEN hash(i, 267540) % 9 = 0 THEN CASE hash(i, 267541) % 2 WHEN 0 THEN ('1960-01-01 00:00:01+00')::TIMESTAMPTZ WHEN 1 THEN ('2100-12-31 23:59:59+00')::TIMESTAMPTZ END ELSE (TIMESTAMPTZ '2021-03-27 00:00:00+00' + to_minutes(((hash(i, 267538) % 5)::BIGINT) * 97))::TIMESTAMPTZ END END)::TIMESTAMPTZ AS z,
    (CASE WHEN hash(i, 603593) % 100 < 100 THEN NULL ELSE CASE WHEN hash(i, 603591) % 9 = 0 THEN CASE hash(i, 603592) % 2 WHEN 0 THEN (-99.9)::DECIMAL(4,1) WHEN 1 THEN (99.9)::DECIMAL(4,1) END ELSE (((i * 2 // 300)::BIGINT - 20) / 4)::DECIMAL(4,1) END END)::DECIMAL(4,1) AS x,
    (CASE WHEN hash(i, 325364) % 9 = 0 THEN CASE hash(i, 325365) % 3 WHEN 0 THEN ('0001-01-01')::DATE WHEN 1 THEN ('9999-12-31')::DATE WHEN 2 THEN ('1969-12-31')::DATE END ELSE (DATE '2020-01-01' + ((CASE WHEN hash(i, 325362) % 10 < 8 THEN 1 ELSE hash(i, 325363) % 2 END)::BIGINT)::INTEGER)::DATE END)::DATE AS "a.b",
    ((TIME '00:00:00' + to_seconds(((40 - i * 40 // 300)::BIGINT) * 137))::TIME)::TIME AS m,
    (CASE WHEN hash(i, 659180) % 9 = 0 THEN CASE hash(i, 659181) % 2 WHEN 0 THEN ('1960-01-01 00:00:01')::TIMESTAMP_NS WHEN 1 THEN ('2100-12-31 23:59:59')::TIMESTAMP_NS END ELSE (TIMESTAMP '2021-03-01 00:00:00' + to_minutes(((i * 100 // 300)::BIGINT) * 397))::TIMESTAMP_NS END)::TIMESTAMP_NS AS t
FROM range(300) AS r(i);
-- table c files 1 group_rows 50
SELECT
    i::BIGINT AS id,
    (CASE WHEN hash(i, 775239) % 100 < 10 THEN NULL ELSE ((hash(i, 775235) % 5)::BIGINT)::UTINYINT END)::UTINYINT AS k,
    (CASE WHEN hash(i, 482796) % 100 < 90 THEN NULL ELSE CASE WHEN hash(i, 482794) % 9 = 0 THEN CASE hash(i, 482795) % 11 WHEN 0 THEN ('')::VARCHAR WHEN 1 THEN (' ')::VARCHAR WHEN 2 THEN ('it''s')::VARCHAR WHEN 3 THEN ('%')::VARCHAR WHEN 4 THEN ('V1')::VARCHAR WHEN 5 THEN ('日本語')::VARCHAR WHEN 6 THEN (repeat('long ', 40))::VARCHAR WHEN 7 THEN ('null')::VARCHAR WHEN 8 THEN ('a_b')::VARCHAR WHEN 9 THEN ('1')::VARCHAR WHEN 10 THEN (chr(0))::VARCHAR END ELSE ('v' || (hash(i, 482792) % 40)::BIGINT)::VARCHAR END END)::VARCHAR AS s,
    (CASE WHEN hash(i, 47085) % 9 = 0 THEN CASE hash(i, 47086) % 3 WHEN 0 THEN ([])::INTEGER[] WHEN 1 THEN ([NULL])::INTEGER[] WHEN 2 THEN ([1, NULL, 3])::INTEGER[] END ELSE ([((i * 1 // 40)::BIGINT) % 5, ((i * 1 // 40)::BIGINT) % 3])::INTEGER[] END)::INTEGER[] AS li,
    (CASE WHEN hash(i, 808279) % 9 = 0 THEN CASE hash(i, 808280) % 2 WHEN 0 THEN ('00000000-0000-0000-0000-000000000000')::UUID WHEN 1 THEN ('ffffffff-ffff-ffff-ffff-ffffffffffff')::UUID END ELSE (md5('u' || (i * 1 // 40)::BIGINT))::UUID END)::UUID AS u,
    (CASE WHEN hash(i, 578467) % 100 < 100 THEN NULL ELSE (encode('b' || (1 - i * 1 // 40)::BIGINT))::BLOB END)::BLOB AS bl,
    (CASE WHEN hash(i, 969578) % 100 < 100 THEN NULL ELSE CASE WHEN hash(i, 969576) % 9 = 0 THEN CASE hash(i, 969577) % 2 WHEN 0 THEN ('1960-01-01 00:00:01+00')::TIMESTAMPTZ WHEN 1 THEN ('2100-12-31 23:59:59+00')::TIMESTAMPTZ END ELSE (TIMESTAMPTZ '2021-03-27 00:00:00+00' + to_minutes(((hash(i, 969574) % 12)::BIGINT) * 97))::TIMESTAMPTZ END END)::TIMESTAMPTZ AS z,
    (CASE WHEN hash(i, 939438) % 100 < 100 THEN NULL ELSE (((i * 100 // 40)::BIGINT - 20) / 4)::DOUBLE END)::DOUBLE AS y,
    ((DATE '2020-01-01' + ((CASE WHEN hash(i, 552604) % 10 < 8 THEN 1 ELSE hash(i, 552605) % 40 END)::BIGINT)::INTEGER)::DATE)::DATE AS d,
    (CASE WHEN hash(i, 909924) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 909922) % 9 = 0 THEN CASE hash(i, 909923) % 8 WHEN 0 THEN ('NaN')::DOUBLE WHEN 1 THEN ('inf')::DOUBLE WHEN 2 THEN ('-inf')::DOUBLE WHEN 3 THEN ('-0.0')::DOUBLE WHEN 4 THEN ('0.0')::DOUBLE WHEN 5 THEN (5e-324)::DOUBLE WHEN 6 THEN (-1e308)::DOUBLE WHEN 7 THEN (1e-300)::DOUBLE END ELSE ((i * 100 // 40)::BIGINT * 1e300)::DOUBLE END END)::DOUBLE AS w
FROM range(40) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 (id BIGINT DEFAULT 25, k UTINYINT, s VARCHAR, d DATE);
-- statement
INSERT INTO x1 FROM (SELECT id, k, s, d FROM c ORDER BY id LIMIT 20);
-- statement
CREATE OR REPLACE VIEW xv AS SELECT DISTINCT t3.id AS k, abs(1.5) AS m, t3.id AS n FROM (SELECT t2.id AS k, INTERVAL '0 days' AS m, (-3.5::FLOAT) AS n FROM x1 AS t2 WHERE (t2.id BETWEEN 7 AND t2.id)) AS t1 FULL OUTER JOIN x1 AS t3 ON t1.k = t3.id WHERE ((TIMESTAMP '2021-03-01 06:37:00')::DATE IN (DATE '1969-12-31', t3.d)) AND (t3.id NOT BETWEEN t1.k AND 25);
-- statement
SELECT count(m), min(n) FROM xv;
-- statement
CREATE OR REPLACE MACRO xt(low) AS TABLE SELECT k, count(*) AS n, min(s) AS m FROM x1 WHERE id > low GROUP BY k;
-- statement
SELECT * FROM xt(0) WHERE n > 1;
-- statement
PREPARE xp AS UPDATE x1 SET s = $1 WHERE id = $2;
-- statement
EXECUTE xp('w', 5);
-- statement
EXECUTE xp(NULL, 7);
-- statement
DEALLOCATE xp;
-- statement
FROM x1;
