-- the argument of a macro is a column of the caller, though a table of the macro's subquery has one of that name
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table b files 1 group_rows 50
SELECT * FROM (VALUES (1, 5, 'v3'), (2, 6, NULL), (3, 7, 'v12')) AS t(id, k, s);
-- oracle session
-- statement
CREATE TABLE x1 AS SELECT id, k FROM b;
-- statement
CREATE MACRO xm(p) AS (SELECT t4.s FROM b AS t4 WHERE t4.k <> p AND (t4.id IS DISTINCT FROM p) ORDER BY 1 LIMIT 1);
-- statement
SELECT xm(id) FROM x1;
