-- 0 rows instead of 18: NOT (k <> ALL(...)) became k = ALL(...)
-- executors 0
-- set distribute = always
-- set partitions = 3
-- set join_strategy = partitioned
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k, [i % 3, i % 5] AS li FROM range(60) AS r(i);
-- statement
SELECT t1.id FROM a AS t1 JOIN a AS t2 ON t1.k = ANY(t2.li) AND t1.id = t2.id WHERE NOT (t1.k <> ALL([1, 2, NULL]));
