-- TRUE where DuckDB says NULL: the OR in the subquery lost its parentheses
-- executors 0
-- set distribute = always
-- set partitions = 3
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k FROM range(60) AS r(i);
-- table b files 1 group_rows 10
SELECT i * 2 AS id, i % 5 AS k FROM range(50) AS r(i);
-- statement
SELECT bool_and(true) AS r FROM a AS t1 WHERE false IN (SELECT false OR true FROM (SELECT 0 AS n FROM b AS t3) AS t2);
