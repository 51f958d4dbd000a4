-- 1 rows differ: (None, 1) instead of (None, 0)
-- executors 0
-- set distribute = always
-- set partitions = 3
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k FROM range(60) AS r(i);
-- statement
SELECT k, count() AS n, count(*) AS m, sum(id) AS s FROM a WHERE id < 0 GROUP BY ROLLUP (k);
