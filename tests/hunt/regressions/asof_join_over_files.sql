-- DuckDB 2.0 has an internal error in this join over files and over Arrow, and none over its own tables
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table a files 5 group_rows 20
SELECT
    i::BIGINT AS id
FROM range(64) AS r(i);
-- table c files 1 group_rows 1000 arrow
SELECT g::TINYINT AS g
FROM (VALUES
    (NULL)) AS v(g) WHERE false;
-- oracle session
-- statement
SELECT 1 FROM a AS t4 FULL OUTER JOIN UNNEST([1, 2, 2, NULL]) AS t5(k) ON t4.id <> ALL(NULL) ASOF LEFT JOIN (SELECT g AS k FROM c WHERE NOT g IS NULL) AS t6 ON t5.k >= t6.k;
