-- the kernel's own plan for the first rows of a window fails over a part of a file
-- executors 0
-- set distribute = always
-- set partitions = 2
-- set join_strategy = auto
-- set disabled_rules = observed_rows,prune_columns
-- set mmap = on
-- set task_bytes = 2 MB
-- table b files 1 group_rows 7
SELECT
    (CASE WHEN hash(i, 575993) % 100 < 100 THEN NULL ELSE ((hash(i, 575989) % 2)::BIGINT)::TINYINT END)::TINYINT AS k,
    (CASE WHEN hash(i, 619567) % 100 < 100 THEN NULL ELSE CASE WHEN hash(i, 619565) % 9 = 0 THEN CASE hash(i, 619566) % 2 WHEN 0 THEN (-128)::TINYINT WHEN 1 THEN (127)::TINYINT END ELSE ((100 - i * 100 // 150)::BIGINT)::TINYINT END END)::TINYINT AS g,
    (CASE WHEN hash(i, 394142) % 100 < 50 THEN NULL ELSE (md5('u' || (40 - i * 40 // 150)::BIGINT))::UUID END)::UUID AS u
FROM range(32) AS r(i);
-- statement
SELECT k FROM b QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY g DESC) <= 1;
