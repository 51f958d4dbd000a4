-- a comma binds less than JOIN: what stands before it is no side of the outer join
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table a files 1 group_rows 10
SELECT i AS id, i % 7 AS k FROM range(20) AS r(i);
-- table e files 1 group_rows 10
SELECT i AS id FROM range(0) AS r(i);
-- statement
SELECT count(*), (SELECT count(*) FROM a AS x, e AS y RIGHT JOIN a AS z ON y.id = z.id) AS n FROM e AS x, a AS y RIGHT JOIN a AS z ON y.k = z.id;
