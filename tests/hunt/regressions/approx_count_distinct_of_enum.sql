-- ours: SyntaxError_: syntax error at or near "red"
--   in query 20261123-042019-317f05e7, stage 1, task 20261123-042019-317f05e7.s1.0.p0.0, executor inprocess-1
-- DuckDB: 1 rows
-- executors 0
-- set faults = 
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table c files 1 group_rows 1000
SELECT e::ENUM('red', 'green', 'blue', 'odd one') AS e
FROM (VALUES
    (NULL),
    (NULL),
    (NULL),
    (NULL)) AS v(e);
-- table e files 1 group_rows 1000
SELECT "SELECT"::VARCHAR AS "SELECT"
FROM (VALUES
    (NULL)) AS v("SELECT") WHERE false;
-- statement
SELECT APPROX_COUNT_DISTINCT(t1.e) FROM c AS t1;
