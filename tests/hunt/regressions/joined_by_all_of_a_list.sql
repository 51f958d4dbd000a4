-- a comparison with ALL of a list is no equality that rows can be sent to tasks by
-- executors 0
-- set distribute = always
-- set partitions = 3
-- set join_strategy = partitioned
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k, [i % 3, i % 5] AS li FROM range(60) AS r(i);
-- statement
SELECT t1.id, t2.id FROM a AS t1 JOIN a AS t2 ON t1.k = ALL(t2.li);
