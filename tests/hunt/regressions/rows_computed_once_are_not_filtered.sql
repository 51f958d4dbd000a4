-- 0 rows instead of 42: rows that are computed once for two places were filtered for one of them
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT s::VARCHAR AS s
FROM (VALUES
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    ('v3'),
    (NULL),
    ('v4'),
    (NULL),
    (NULL),
    (NULL),
    (NULL),
    (NULL)) AS v(s);
-- table b files 1 group_rows 1000
SELECT
    (CASE WHEN hash(i, 313363) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 313361) % 9 = 0 THEN CASE hash(i, 313362) % 11 WHEN 0 THEN ('')::VARCHAR WHEN 1 THEN (' ')::VARCHAR WHEN 2 THEN ('it''s')::VARCHAR WHEN 3 THEN ('%')::VARCHAR WHEN 4 THEN ('V1')::VARCHAR WHEN 5 THEN ('日本語')::VARCHAR WHEN 6 THEN (repeat('long ', 40))::VARCHAR WHEN 7 THEN ('null')::VARCHAR WHEN 8 THEN ('a_b')::VARCHAR WHEN 9 THEN ('1')::VARCHAR WHEN 10 THEN (chr(0))::VARCHAR END ELSE ('v' || (hash(i, 313359) % 1)::BIGINT)::VARCHAR END END)::VARCHAR AS s
FROM range(32) AS r(i);
-- table Odd table files 1 group_rows 1000
SELECT s::VARCHAR AS s, d::DATE AS d
FROM (VALUES
    ('v1', NULL)) AS v(s, d);
-- statement
SELECT 1 FROM a AS t1 JOIN (SELECT s FROM b AS t2 LEFT JOIN a AS t3 USING (s)) AS t4 ON 1 FULL OUTER JOIN "Odd table" AS t5 ON t4.s = t5.s WHERE t5.d UNION ALL SELECT 1 FROM a AS t1 JOIN (SELECT s FROM b AS t2 LEFT JOIN a AS t3 USING (s)) AS t4 ON t1.s IS NOT DISTINCT FROM t4.s;
