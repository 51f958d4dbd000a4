-- Arrow schema bl: large_binary instead of bl: binary_view
-- executors 0
-- set distribute = always
-- set partitions = 2
-- table a files 1 group_rows 10
SELECT i AS id, encode('b' || (i % 7)) AS bl, [encode('x')] AS li FROM range(60) AS r(i);
-- statement
SELECT bl, li, 'a'::BLOB AS more, count(*) FROM a GROUP BY ALL;
