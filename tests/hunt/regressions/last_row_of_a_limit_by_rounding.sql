-- 1 rows differ
--   only ours: (0.21650635094610965,)
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table b files 5 group_rows 7
SELECT k::INTEGER AS k
FROM (VALUES
    ('1'),
    ('0'),
    ('1'),
    ('1')) AS v(k);
-- statement
SELECT SEM(t8.k) FROM b AS t8 ORDER BY 1 NULLS FIRST LIMIT 5;
