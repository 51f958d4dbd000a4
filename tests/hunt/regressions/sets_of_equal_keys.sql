-- two places of the select list are two keys of the grouping sets, though the same stands in both
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table a files 1 group_rows 50
SELECT i AS id, i % 3 AS k FROM range(9) AS r(i);
-- statement
SELECT k, k AS r1, count(*) AS n FROM a GROUP BY ROLLUP (1, 2) ORDER BY 1 DESC, r1 NULLS FIRST, n;
