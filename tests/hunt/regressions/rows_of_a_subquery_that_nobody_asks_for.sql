-- a scalar subquery of several rows over no rows: DuckDB computes it all the same, and fails
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows,prune_empty
-- set mmap = on
-- set task_bytes = 2 MB
-- table b files 1 group_rows 1000
SELECT id::BIGINT AS id
FROM (VALUES
    ('0'),
    ('1')) AS v(id);
-- table e files 1 group_rows 1000
SELECT id::BIGINT AS id
FROM (VALUES
    (NULL)) AS v(id) WHERE false;
-- statement
SELECT (SELECT 1 FROM b) FROM e;
