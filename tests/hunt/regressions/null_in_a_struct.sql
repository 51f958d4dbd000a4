-- the type of a field that is always NULL is the quoted name "NULL"
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table a files 1 group_rows 10
SELECT i AS id FROM range(3) AS r(i);
-- table e files 1 group_rows 10
SELECT i AS id FROM range(0) AS r(i);
-- statement
SELECT struct_pack(x := NULL) AS s, {'x': [NULL], 'y': {'z': NULL}} AS t, count(*) FROM a LEFT JOIN (SELECT {'x': NULL} AS u, id FROM e) AS b USING (id) GROUP BY CUBE (s, t);
