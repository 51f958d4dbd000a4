-- DuckDB converts deleted rows, too, when a column's type is changed; they are not there any more
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows
-- set mmap = on
-- set task_bytes = 2 MB
-- table b files 1 group_rows 1000
SELECT k::BIGINT AS k, s::VARCHAR AS s, mp::MAP(VARCHAR, INTEGER) AS mp, x::DECIMAL(38,10) AS x
FROM (VALUES
    (NULL, 'v1', '{k=0, l=0}', '-4.7500000000'),
    ('9223372036854775807', 'v11', '{k=3, l=2}', NULL)) AS v(k, s, mp, x);
-- oracle session
-- statement
CREATE TABLE x1 (id BIGINT, k BIGINT, s TEXT, x DECIMAL(38, 10) DEFAULT 0, "q""uote" USMALLINT DEFAULT 3, mp MAP(TEXT, INT), CHECK (1));
-- statement
INSERT INTO x1 SELECT * FROM (SELECT 1, k, s, x, NULL, mp FROM b);
-- statement
DELETE FROM x1 WHERE 1;
-- statement
ALTER TABLE x1 ALTER COLUMN k TYPE SMALLINT;
