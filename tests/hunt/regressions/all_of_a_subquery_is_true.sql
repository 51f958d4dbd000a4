-- the place of ALL over a subquery is not known to the kernel, whose text is not carried then
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 1 group_rows 1000
SELECT k::UINTEGER AS k
FROM (VALUES
    (NULL)) AS v(k) WHERE false;
-- table Odd table files 1 group_rows 1000
SELECT k::BIGINT AS k
FROM (VALUES
    (NULL)) AS v(k) WHERE false;
-- statement
SELECT 1 >= ALL (SELECT NULL FROM a AS t4) IS TRUE FROM "Odd table" AS t1 RIGHT JOIN UNNEST([1, 2, 2, NULL]) AS t2(k) ON 1;
