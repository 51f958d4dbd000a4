-- a column of DOUBLE instead of BIGINT
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT id::BIGINT AS id
FROM (VALUES
    ('0')) AS v(id);
-- statement
SELECT 1, EXTRACT(DAYOFWEEK FROM t1.n) FROM (SELECT CAST(NULL AS DATE) AS n FROM a AS t2) AS t1;
