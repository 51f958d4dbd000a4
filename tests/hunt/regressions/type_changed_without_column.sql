-- ours: no rows
-- DuckDB: DataError: Failed to cast decimal value 18446744073709551615 to type INT64
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT
    (CASE WHEN hash(i, 439801) % 9 = 0 THEN CASE hash(i, 439802) % 2 WHEN 0 THEN (0)::UBIGINT WHEN 1 THEN (18446744073709551615)::UBIGINT END ELSE ((i * 12 // 300)::BIGINT)::UBIGINT END)::UBIGINT AS k,
    (CASE WHEN hash(i, 839766) % 100 < 10 THEN NULL ELSE CASE WHEN hash(i, 839764) % 9 = 0 THEN CASE hash(i, 839765) % 11 WHEN 0 THEN ('')::VARCHAR WHEN 1 THEN (' ')::VARCHAR WHEN 2 THEN ('it''s')::VARCHAR WHEN 3 THEN ('%')::VARCHAR WHEN 4 THEN ('V1')::VARCHAR WHEN 5 THEN ('日本語')::VARCHAR WHEN 6 THEN (repeat('long ', 40))::VARCHAR WHEN 7 THEN ('null')::VARCHAR WHEN 8 THEN ('a_b')::VARCHAR WHEN 9 THEN ('1')::VARCHAR WHEN 10 THEN (chr(0))::VARCHAR END ELSE ('v' || (5 - i * 5 // 300)::BIGINT)::VARCHAR END END)::VARCHAR AS s
FROM range(64) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 (id BIGINT, k UBIGINT, s VARCHAR);
-- statement
INSERT INTO x1 SELECT * FROM (SELECT 1, k, s FROM a);
-- statement
DELETE FROM x1 WHERE 1;
-- statement
ALTER TABLE x1 ALTER COLUMN k TYPE DECIMAL(38, 0);
-- statement
ALTER TABLE x1 ALTER k SET DATA TYPE BIGINT;
