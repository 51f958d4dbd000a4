-- a column that is equal to itself is not NULL, also where the rule that moves filters to their tables is off
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows,push_filters
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT b::BOOLEAN AS b
FROM (VALUES
    ('true')) AS v(b);
-- table b files 1 group_rows 1000
SELECT id::BIGINT AS id
FROM (VALUES
    (NULL)) AS v(id) WHERE false;
-- table c files 1 group_rows 1000
SELECT b::BOOLEAN AS b
FROM (VALUES
    (NULL)) AS v(b);
-- statement
SELECT 1 FROM c AS t1 JOIN a AS t2 ON t1.b = t1.b;
