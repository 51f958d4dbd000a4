-- 2 rows instead of 0: DuckDB takes the EXISTS for false, with its optimizer on
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT id::BIGINT AS id, k::TINYINT AS k, s::VARCHAR AS s, g::INTEGER AS g
FROM (VALUES
    ('0', '127', NULL, '0'),
    ('1', '-128', NULL, '1')) AS v(id, k, s, g);
-- table e files 1 group_rows 1000
SELECT
    (CASE WHEN hash(i, 974339) % 9 = 0 THEN CASE hash(i, 974340) % 2 WHEN 0 THEN ('23:59:59.999999')::TIME WHEN 1 THEN ('00:00:00')::TIME END ELSE (TIME '00:00:00' + to_seconds(((i * 2 // 1)::BIGINT) * 137))::TIME END)::TIME AS m
FROM range(0) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 AS SELECT * FROM (SELECT id, k, s, g FROM a);
-- statement
INSERT INTO x1 (k, s, g, id) SELECT 1, 1, 1, 1 FROM a AS y WHERE EXISTS(SELECT 1 FROM x1 AS t1 LEFT JOIN e AS t2 ON t2.m) RETURNING 1, s;
