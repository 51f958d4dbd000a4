-- a change of a column that is not there is refused when it is prepared, not when it is run
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table c files 1 group_rows 50
SELECT i AS id, i % 3 AS k FROM range(9) AS r(i);
-- oracle session
-- statement
CREATE TABLE x1 AS SELECT id FROM c;
-- statement
PREPARE xp AS UPDATE x1 SET s = $1 WHERE id = $2;
-- statement
EXECUTE xp('w', 5);
-- statement
FROM x1;
