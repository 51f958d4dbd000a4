-- One query a line, over the tables of semantics_tables.
SELECT count(*), sum(x.id), sum(y.id) FROM floats x JOIN floats y ON [x.d] = [y.d]
SELECT count(*), sum(x.id), sum(y.id) FROM floats x JOIN floats y ON {'a': x.d, 'b': x.f} = {'a': y.d, 'b': y.f}
SELECT count(*), sum(x.id), sum(y.id) FROM floats x JOIN floats y ON [x.d] = [y.f]
SELECT [d], count(*), sum(id) FROM floats GROUP BY [d]
SELECT {'a': d}, count(*), sum(id) FROM floats GROUP BY ALL
SELECT DISTINCT [d, f] FROM floats
SELECT MAP {'k': d}, count(*) FROM floats GROUP BY 1
SELECT count(*), sum(x.id) FROM moments x JOIN moments y ON [x.iv] = [y.iv]
SELECT count(*), sum(x.id) FROM moments x JOIN moments y ON {'i': x.iv} = {'i': y.iv}
SELECT [iv], count(*) FROM moments GROUP BY 1
SELECT {'i': iv}, count(*) FROM moments GROUP BY 1
SELECT count(DISTINCT [iv]), count(DISTINCT {'d': iv}) FROM moments
SELECT count(DISTINCT [d]), count(DISTINCT {'d': d}) FROM floats
SELECT count(*), sum(x.id) FROM texts x JOIN texts y ON x.e = y.v::ENUM('b','a','ä') WHERE y.v IN ('a','b')
SELECT e::ENUM('b','a','ä') AS k, count(*) FROM texts GROUP BY k ORDER BY k
SELECT max(e::ENUM('b','a','ä')), min(e::ENUM('b','a','ä')) FROM texts
SELECT count(*), sum(x.id) FROM moments x JOIN moments y ON x.day = y.day::VARCHAR
SELECT count(*), sum(x.id) FROM moments x JOIN moments y ON x.day::VARCHAR = y.day::TIMESTAMP::DATE::VARCHAR
SELECT count(*), sum(x.id) FROM numbers x JOIN numbers y ON md5(x.v)::UUID = md5(y.n::VARCHAR)::UUID
SELECT md5(v)::UUID AS u, count(*) FROM numbers GROUP BY u
SELECT count(*) FROM (SELECT DISTINCT v COLLATE NOCASE FROM texts)
SELECT count(DISTINCT v COLLATE NOCASE) FROM texts
SELECT count(*), sum(x.id) FROM texts x JOIN texts y ON x.v COLLATE NOACCENT = y.v COLLATE NOACCENT
SELECT id, row_number() OVER (PARTITION BY v COLLATE NOCASE ORDER BY id) FROM texts
SELECT count(*) FROM texts WHERE v COLLATE NOCASE IN ('A', 'B')
SELECT count(*) FROM texts WHERE v COLLATE NOCASE = 'A' AND id < 100
SELECT list(v ORDER BY v COLLATE NOCASE, id) FROM texts WHERE id < 12
SELECT count(*) FROM floats WHERE d = d
SELECT count(*) FROM floats WHERE d <> d
SELECT count(*) FROM floats WHERE d > 'inf'::DOUBLE
SELECT count(*) FROM floats WHERE d >= 'nan'::DOUBLE
SELECT count(*) FROM floats WHERE d IN (0, 'nan'::DOUBLE)
SELECT count(*) FROM floats WHERE d NOT IN (SELECT f FROM floats WHERE f = 0)
SELECT count(*) FROM floats WHERE d IN (SELECT f FROM floats)
SELECT count(*) FROM floats WHERE d BETWEEN -0.0 AND 0.0
SELECT count(*) FROM floats WHERE d = ANY (SELECT f FROM floats)
SELECT count(*) FROM floats WHERE d > ALL (SELECT f FROM floats WHERE f < 1)
SELECT count(*) FROM floats WHERE d <= ANY (SELECT f FROM floats WHERE f IS NULL)
SELECT g, sum(DISTINCT d) FROM floats WHERE isfinite(d) GROUP BY g
SELECT g, count(DISTINCT f) FILTER (d > 0), max(d) FILTER (f IS NULL) FROM floats GROUP BY g
SELECT g, avg(DISTINCT id), sum(DISTINCT id % 7), count(DISTINCT id % 3) FROM floats GROUP BY g
SELECT g, list(DISTINCT id % 3 ORDER BY id % 3 DESC) FROM floats GROUP BY g
SELECT first(id ORDER BY d, id), last(id ORDER BY d DESC, id), any_value(g ORDER BY id) FROM floats
SELECT arg_max(id, d), arg_min(id, d) FROM floats WHERE id < 5 AND id <> 1
SELECT arg_max(id, (d, id)), arg_min(id, {'a': d, 'b': id}) FROM floats
SELECT max(d, 3), min(d, 3), arg_max(id, id, 3) FROM floats
SELECT g, max(id, 2) FROM floats GROUP BY g
SELECT quantile_cont(d, 0.3), median(f), mad(id), quantile_disc(d, [0.1, 0.9]) FROM floats WHERE isfinite(d) AND isfinite(f)
SELECT mode(g + 1) > 0, entropy(g), histogram(g) FROM floats
SELECT bit_and(id), bit_or(id), bit_xor(id), bool_and(id > -1), bool_or(id > 600) FROM floats
SELECT product(g + 1) FROM floats WHERE id < 5
SELECT corr(d, f), covar_pop(id, g), regr_slope(id, g), stddev(id), var_pop(g), skewness(id), kurtosis(id) FROM floats WHERE isfinite(d) AND isfinite(f)
SELECT stddev(d), avg(d), sum(d) FROM floats
SELECT sum(d), avg(f), min(f), max(f) FROM floats WHERE g = 1
SELECT sum(h), avg(h), min(h), max(h), sum(ub), avg(ub) FROM numbers
SELECT sum(c38), avg(c38), sum(c0), avg(c), sum(c * c0), max(c38 - c) FROM numbers
SELECT sum(t), sum(s), sum(n), sum(b), sum(ut), typeof(sum(t)), typeof(sum(ub)), typeof(sum(h)), typeof(sum(f)) FROM numbers
SELECT sum(t::DECIMAL(38,0) * 100000000000000000000000000000000000) FROM numbers WHERE id < 3
SELECT min(tz), max(at_ns), min(t), max(iv), min(at_s) FROM moments GROUP BY day
SELECT tz::DATE AS d, hour(tz) AS h, count(*) FROM moments GROUP BY ALL ORDER BY ALL
SELECT date_trunc('day', tz) AS d, count(*) FROM moments GROUP BY ALL ORDER BY ALL
SELECT time_bucket(INTERVAL 1 DAY, tz) AS b, count(*) FROM moments GROUP BY ALL ORDER BY ALL
SELECT strftime(tz, '%Y-%m-%d %H %z') AS b, count(*) FROM moments GROUP BY ALL ORDER BY ALL
SELECT count(*) FROM moments WHERE tz::VARCHAR LIKE '%03:00%'
SELECT count(*) FROM moments WHERE tz = '2024-03-31 03:30:00'::TIMESTAMP
SELECT x.id FROM moments x JOIN moments y ON x.tz = y.at AND x.id <= y.id ORDER BY ALL LIMIT 5
SELECT extract(timezone FROM tz) AS o, count(*) FROM moments GROUP BY o
SELECT make_timestamptz(2024, 3, 31, id % 5, 30, 0) AS z, count(*) FROM moments GROUP BY z
SELECT ('2024-03-31 0' || (id % 5) || ':30:00')::TIMESTAMPTZ AS z, count(*) FROM moments GROUP BY z
SELECT generate_series, count(id) FROM generate_series(TIMESTAMPTZ '2024-03-30 22:00:00+00', TIMESTAMPTZ '2024-03-31 03:00:00+00', INTERVAL 1 HOUR) s LEFT JOIN moments ON tz = generate_series GROUP BY 1
SELECT count(*), count(x.v), count(y.v) FROM texts x FULL JOIN texts y ON x.v = y.v AND x.id = y.id + 1
SELECT length(v), octet_length(b), count(*) FROM texts GROUP BY ALL
SELECT v || chr(0) AS w, count(*) FROM texts GROUP BY w
SELECT count(*) FROM texts WHERE v = 'a' || chr(0)
SELECT v, b FROM texts WHERE id IN (7, 8, 11, 12, 13) ORDER BY id
SELECT string_agg(v, chr(0) ORDER BY id) FROM texts WHERE id < 20
SELECT b, count(*) FROM texts WHERE b > '\x00'::BLOB GROUP BY b
SELECT hash(v) % 3 AS h, count(*) FROM texts GROUP BY h
SELECT s.a, s.b, count(*) FROM nested GROUP BY s.a, s.b
SELECT m['k'], count(*) FROM nested GROUP BY 1
SELECT l[1] + 1, list_sum(l), count(*) FROM nested GROUP BY ALL
SELECT s IN (SELECT s FROM nested WHERE id < 10) AS i, count(*) FROM nested GROUP BY i
SELECT count(*) FROM nested WHERE (s.a, s.b) IN (SELECT s.a, s.b FROM nested WHERE id < 5)
SELECT count(*) FROM nested x JOIN nested y ON x.s.a = y.s.a AND x.l = y.l
SELECT max(s), min(l), max(m::VARCHAR), max(a) FROM nested
SELECT count(*) FROM nothing x CROSS JOIN numbers y
SELECT count(*) FROM nothing x FULL JOIN numbers y ON x.id = y.id
SELECT x.id, y.id FROM nothing x RIGHT JOIN mostly_null y ON x.id = y.k WHERE y.id < 3 ORDER BY 2
SELECT sum(x.d), count(*) FROM nothing x LEFT JOIN numbers y USING (id)
SELECT g, sum(id) FROM nothing GROUP BY GROUPING SETS ((g), ())
SELECT g, sum(id), grouping(g) FROM nothing GROUP BY CUBE (g)
SELECT max(id) OVER (), id FROM nothing
SELECT (SELECT max(id) FROM nothing), (SELECT count(*) FROM nothing), EXISTS (FROM nothing), 5 IN (SELECT id FROM nothing), 5 NOT IN (SELECT id FROM nothing), NULL IN (SELECT id FROM nothing)
SELECT count(*) FROM numbers WHERE n > ALL (SELECT id FROM nothing)
SELECT count(*) FROM numbers WHERE n > ANY (SELECT id FROM nothing)
SELECT k, count(*), sum(id) FROM mostly_null GROUP BY k
SELECT DISTINCT k FROM mostly_null
SELECT k, count(*) OVER (PARTITION BY k) FROM mostly_null ORDER BY id LIMIT 3
SELECT count(*) FROM mostly_null x JOIN mostly_null y ON x.k IS NOT DISTINCT FROM y.k AND x.g = y.g
SELECT x.g, count(y.k) FROM mostly_null x LEFT JOIN mostly_null y ON x.id = y.k GROUP BY x.g
SELECT id FROM floats ORDER BY ALL DESC LIMIT 3
SELECT d, id FROM floats ORDER BY ALL DESC NULLS LAST LIMIT 30
SELECT d FROM floats ORDER BY d DESC NULLS FIRST LIMIT 200 OFFSET 20
SELECT id FROM numbers ORDER BY t DESC, id LIMIT 10% OFFSET 2
SELECT id FROM numbers ORDER BY id LIMIT (SELECT 3) OFFSET (SELECT 2)
SELECT id FROM numbers ORDER BY -id, v LIMIT 4
SELECT t, ub FROM numbers UNION ALL SELECT h, n FROM numbers ORDER BY 1, 2 LIMIT 5
SELECT d FROM floats UNION ALL SELECT n FROM numbers ORDER BY 1 NULLS FIRST LIMIT 7
SELECT v FROM texts UNION SELECT n::VARCHAR FROM numbers ORDER BY 1 LIMIT 9
SELECT id, n FROM numbers WHERE id < 2 UNION ALL BY NAME SELECT n, v FROM numbers WHERE id < 2 ORDER BY ALL
SELECT id FROM numbers EXCEPT ALL SELECT id FROM numbers WHERE id > 3 ORDER BY 1
SELECT n FROM numbers INTERSECT ALL SELECT t FROM numbers WHERE id < 60 ORDER BY 1
SELECT x.id, y.id FROM numbers x ASOF JOIN moments y ON x.id >= y.id ORDER BY 1 LIMIT 5
SELECT x.n, y.n FROM (SELECT n FROM numbers ORDER BY id LIMIT 3) x POSITIONAL JOIN (SELECT n FROM numbers ORDER BY id DESC LIMIT 4) y
SELECT id, sum(d) OVER (ORDER BY id ROWS 3 PRECEDING) FROM floats WHERE isfinite(d) ORDER BY id
SELECT id, nth_value(id, 2) OVER (PARTITION BY d ORDER BY id DESC) FROM floats ORDER BY id
SELECT id, ntile(4) OVER (ORDER BY d, id), percent_rank() OVER (PARTITION BY g ORDER BY f), cume_dist() OVER (ORDER BY d) FROM floats ORDER BY id
SELECT id, count(*) OVER (ORDER BY d RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM floats WHERE isfinite(d) ORDER BY id
SELECT id, max(id) OVER (ORDER BY tz RANGE BETWEEN INTERVAL 2 HOUR PRECEDING AND CURRENT ROW) FROM moments ORDER BY id
SELECT id, array_agg(id) OVER (PARTITION BY v ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM texts ORDER BY id
SELECT avg(tz), avg(moments.at), avg(day), avg(t) FROM moments
SELECT timezone('Asia/Tokyo', moments.at) AS z, count(*) FROM moments GROUP BY z
SELECT g, max(id, 2), min(id, 3) FROM floats GROUP BY g ORDER BY g
SELECT max(m) FROM (SELECT g, max(id, 2) AS m FROM floats GROUP BY g)
SELECT a.g, max(a.id, 2), count(*) FROM floats a JOIN floats b USING (id) GROUP BY a.g ORDER BY 1
SELECT g, arg_min(f, id, 2), arg_max(id, id, 2) FROM floats GROUP BY g ORDER BY g
SELECT u, count(*) FROM (SELECT unnest(l) AS u FROM nested) GROUP BY u
