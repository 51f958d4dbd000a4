-- a window ordered by a constant has first rows that the kernel cannot plan over a part of a file
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set disabled_rules = observed_rows,prune_columns
-- table b files 1 group_rows 7
SELECT (i % 3)::TINYINT AS k, i AS g, (md5('u' || (40 - i * 40 // 150)::BIGINT))::UUID AS u FROM range(32) AS r(i);
-- statement
SELECT 1 FROM b QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY 1 DESC) <= 2;
