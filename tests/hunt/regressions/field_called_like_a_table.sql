-- a field's name in VALUES is no table's, which INSERT cannot read where it is registered
-- executors 0
-- set distribute = always
-- table a files 1 group_rows 10 arrow
SELECT i AS id FROM range(3) AS r(i);
-- table b files 1 group_rows 10 arrow
SELECT i::HUGEINT AS id FROM range(3) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 (id BIGINT, st STRUCT(a INTEGER, b VARCHAR));
-- statement
INSERT INTO x1 VALUES (1, {'a': 1, 'b': 'x'}), (2, NULL::STRUCT(a INTEGER, b VARCHAR));
-- statement
CREATE MACRO xm(p) AS p + (SELECT max(id) FROM x1);
-- statement
INSERT INTO x1 VALUES (xm(3), {'a': 4, 'b': NULL});
-- statement
FROM x1;
