-- NaN is found by y >= 0, whose row groups DuckDB would skip if their bounds left it out
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 5 group_rows 1000
SELECT k::INTEGER AS k, s::VARCHAR AS s, m::TIME AS m
FROM (VALUES
    ('1', 'v23', '00:00:00')) AS v(k, s, m);
-- table Odd table files 1 group_rows 20
SELECT
    (CASE WHEN hash(i, 175738) % 100 < 50 THEN NULL ELSE CASE WHEN hash(i, 175736) % 9 = 0 THEN CASE hash(i, 175737) % 3 WHEN 0 THEN ('NaN')::FLOAT WHEN 1 THEN ('inf')::FLOAT WHEN 2 THEN ('-inf')::FLOAT END ELSE (((5 - i * 5 // 200)::BIGINT - 20) / 4)::FLOAT END END)::FLOAT AS y
FROM range(200) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 (id BIGINT, k INTEGER, s VARCHAR DEFAULT '日本語', m TIME);
-- statement
INSERT INTO x1 SELECT * FROM (SELECT 1, k, s, m FROM a);
-- statement
SELECT 'red' FROM x1 AS t1 LEFT JOIN "Odd table" AS t2 ON t2.y >= 0;
