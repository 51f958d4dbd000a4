-- 0 rows instead of 18: NOT (k <> ALL(...)) became k = ALL(...)
-- executors 0
-- set distribute = always
-- set partitions = 3
-- set join_strategy = partitioned
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k, [i % 3, i % 5] AS li FROM range(60) AS r(i);
-- statement
SELECT id FROM a WHERE NOT (k <> ALL([1, 2, NULL])) AND NOT (k = ANY([1, 3, NULL]) AND id > 30);
