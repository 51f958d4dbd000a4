"""Statements in which parts of SELECT meet; each ends with ``;`` at a line's end."""

STATEMENTS = r"""
SELECT region, count(*) FROM sales GROUP BY ROLLUP(region) HAVING region IS NULL;
SELECT region, GROUPING(region) g, count(*) FROM sales GROUP BY ROLLUP(region) HAVING GROUPING(region)=1 OR
    region='east';
SELECT coalesce(region,'all') r, count(*) c FROM sales GROUP BY ROLLUP(region) ORDER BY c DESC, r;
SELECT * FROM (SELECT region, flag, sum(amount) s FROM sales GROUP BY CUBE(region, flag)) WHERE region='east';
SELECT * FROM (SELECT region, flag, sum(amount) s FROM sales GROUP BY CUBE(region, flag)) WHERE region IS NULL;
SELECT item FROM items i WHERE EXISTS (SELECT region FROM sales s WHERE s.item=i.item GROUP BY ROLLUP(region) HAVING
    count(*)>60);
SELECT i.item, (SELECT max(c) FROM (SELECT region, count(*) c FROM sales s WHERE s.item=i.item GROUP BY
    ROLLUP(region))) m FROM items i;
SELECT i.item, (SELECT count(*) FROM (SELECT region, count(*) c FROM sales s WHERE s.item=i.item+100 GROUP BY
    ROLLUP(region))) m FROM items i;
SELECT region, sum(amount) OVER (PARTITION BY region), count(*) FROM sales GROUP BY region, amount, ROLLUP(flag);
SELECT region, flag, rank() OVER (PARTITION BY GROUPING(region)+GROUPING(flag) ORDER BY sum(amount)) r FROM sales
    GROUP BY ROLLUP(region, flag);
SELECT region, count(DISTINCT item), count(item), list(DISTINCT flag ORDER BY flag) FROM sales GROUP BY GROUPING
    SETS((region),());
SELECT upper(region) u, lower(region) l, count(*) FROM sales GROUP BY ROLLUP(upper(region), lower(region));
SELECT region, region, count(*) FROM sales GROUP BY ROLLUP(region, region);
SELECT 1, count(*) FROM nothing GROUP BY ROLLUP(region);
SELECT sum(x) FROM (SELECT count(*) x FROM nothing GROUP BY CUBE(region, item));
SELECT region, avg(price) FILTER (WHERE flag), arg_max(id, amount), first(id ORDER BY id) FROM sales GROUP BY
    ROLLUP(region);
SELECT flag, string_agg(DISTINCT region, ',' ORDER BY region) FROM sales GROUP BY CUBE(flag);
SELECT id, unnest(nums) n FROM sales WHERE id<50 ORDER BY id, n LIMIT 20;
SELECT id, unnest(nums) n FROM sales WHERE id<50 ORDER BY id DESC, n NULLS FIRST LIMIT 7 OFFSET 3;
SELECT DISTINCT unnest(nums) n FROM sales ORDER BY n;
SELECT unnest(nums) AS n, count(*) OVER () c FROM sales WHERE id < 30;
SELECT unnest(list(item ORDER BY id)) x, region FROM sales WHERE id<60 GROUP BY region;
SELECT n, count(*) FROM (SELECT unnest(tags) n, id FROM sales) WHERE id % 3 = 0 AND n LIKE 'T%' GROUP BY n;
SELECT s.id FROM sales s WHERE EXISTS (SELECT 1 FROM (SELECT unnest(s.nums) n) WHERE n = 2);
SELECT s.id FROM sales s WHERE 2 IN (SELECT unnest(s.nums));
SELECT s.id, (SELECT max(n) FROM unnest(s.nums) AS t(n)) m FROM sales s;
SELECT s.id, t.n FROM sales s LEFT JOIN unnest(s.nums) t(n) ON t.n > 1;
SELECT s.id, t.n FROM sales s JOIN unnest(s.nums) t(n) ON t.n > 1;
SELECT s.id, t.n, i.label FROM sales s, unnest(s.nums) t(n), items i WHERE i.item = t.n;
SELECT s.id, a.x, b.y FROM sales s, unnest(s.nums) a(x), unnest(s.tags) b(y) WHERE s.id < 100;
SELECT * FROM unnest([1,2,NULL]) AS t(a), items WHERE items.item = t.a;
SELECT unnest([1,2,3]), id FROM sales WHERE id<5;
SELECT id, unnest(nums), unnest([id,id+1]) FROM sales WHERE id < 40;
SELECT count(*) FROM (SELECT unnest(nums) FROM sales) UNION ALL SELECT count(*) FROM sales;
SELECT id, row_number() OVER (PARTITION BY item ORDER BY id) r FROM (SELECT id, unnest(nums) item FROM sales) QUALIFY
    r < 3 ORDER BY id, r;
SELECT id, item <> ALL (SELECT item FROM items) a, item = ALL (SELECT 3) b, item < ANY (SELECT NULL::INTEGER) c, item
    > ALL (SELECT item FROM items WHERE false) d FROM sales;
SELECT id FROM sales s WHERE item >= ANY (SELECT i.item FROM items i WHERE i.region = s.region);
SELECT id, price > ANY (SELECT weight FROM items i WHERE i.item = s.item) FROM sales s;
SELECT id, price <= ALL (SELECT weight FROM items i WHERE i.item > s.item) FROM sales s;
SELECT id FROM sales WHERE NOT (item > ALL (SELECT item FROM items WHERE item < 10));
SELECT item, count(*) FROM sales GROUP BY item HAVING count(*) > ALL (SELECT count(*) FROM sales WHERE item < 3 GROUP
    BY item);
SELECT a, b FROM (SELECT item AS a, region AS b FROM sales UNION BY NAME SELECT region AS b FROM items) ORDER BY ALL;
SELECT * FROM (SELECT 1 AS a, 2 AS b UNION ALL BY NAME SELECT 3 AS c, item AS a FROM sales WHERE id<3) ORDER BY ALL;
SELECT DISTINCT ON (region, flag) region, flag, id FROM sales ORDER BY region, flag DESC, amount, id;
SELECT DISTINCT ON (item % 3) id FROM sales ORDER BY item % 3, id DESC;
SELECT DISTINCT ON (region) count(*) c, region, item FROM sales GROUP BY region, item ORDER BY region, c DESC, item;
SELECT DISTINCT ON (1) region, id FROM sales ORDER BY 1, 2;
SELECT DISTINCT ON (region) region, id FROM sales ORDER BY amount, id LIMIT 2;
SELECT * FROM (FROM sales PIVOT (sum(amount) FOR region IN ('north','east') GROUP BY flag)) WHERE north > 0 OR flag IS
    NULL;
FROM (SELECT item, region, flag FROM sales) PIVOT (count(*) FOR region IN ('north','none') flag IN (true)) ORDER BY
    item;
FROM (SELECT item, region, id FROM sales WHERE id < 100) PIVOT (list(id ORDER BY id) AS l, max(id) AS m FOR region IN
    ('north' AS n, 'east'));
SELECT p.item, north FROM (SELECT item, region, amount FROM sales) PIVOT (sum(amount) FOR region IN ('north', 'east'))
    AS p JOIN items i ON p.item = i.item;
FROM (SELECT id, jan, feb FROM monthly WHERE id < 20) UNPIVOT (v FOR k IN (jan, feb));
SELECT k, sum(v) FROM monthly UNPIVOT (v FOR k IN (jan, feb, mar AS 'm')) GROUP BY k;
SELECT id, jan, k, v FROM (SELECT id, jan, jan AS j2, feb FROM monthly) UNPIVOT INCLUDE NULLS (v FOR k IN (j2, feb))
    WHERE id<10;
WITH p AS (UNPIVOT monthly ON jan, feb INTO NAME k VALUE v) SELECT k, count(*) FROM p GROUP BY k;
SELECT COLUMNS('i.*') FROM sales s JOIN items i ON s.item = i.item;
SELECT max(COLUMNS('jan|feb')) AS 'm_\0' FROM monthly;
SELECT * EXCLUDE (id) RENAME (jan AS january) FROM monthly WHERE january > 2;
SELECT * LIKE '%a%' FROM (SELECT * FROM monthly);
SELECT count(*) FROM (SELECT * NOT LIKE '%a%' FROM monthly);
SELECT sales.* EXCLUDE (nums, tags, info, attrs, doc) FROM sales, items WHERE sales.item = items.item AND items.item <
    2;
SELECT s.info.a, s.info.c.d, info.b AS b FROM sales s WHERE s.info.a > 3 ORDER BY s.info.a, s.id;
SELECT info.a, count(*) FROM sales GROUP BY info.a HAVING info.a > 3;
SELECT info.a AS a, sum(amount) FROM sales GROUP BY a ORDER BY a;
SELECT s.id, r.rate FROM sales s JOIN rates r ON s.info.a = r.item AND s.id < 20;
SELECT list_transform(nums, lambda x: x + t.x) FROM (SELECT nums, item AS x FROM sales) t;
SELECT list_transform(nums, lambda item: item + y) FROM (SELECT nums, item AS y FROM sales) t;
SELECT list_transform(nums, lambda a: a + info.a) FROM sales;
SELECT list_filter(tags, lambda x: x LIKE region || '%' OR x LIKE 'T%') FROM sales;
SELECT list_transform(list(item ORDER BY id), lambda x: x + count(*)) FROM sales WHERE id < 100 GROUP BY region;
SELECT list_contains(nums, (SELECT max(item) FROM items WHERE item < 3)) FROM sales;
SELECT s.id FROM sales s WHERE list_contains(s.nums, (SELECT max(item) FROM items i WHERE i.item < s.item));
SELECT array_length(nums, 1) AS n, count(*) FROM sales GROUP BY n HAVING n > 1;
SELECT list_sum(nums) AS n, row_number() OVER (PARTITION BY list_sum(nums) ORDER BY id) AS r FROM sales;
SELECT s.id, i.label FROM sales s LEFT JOIN items i ON list_contains(s.nums, i.item) AND i.item < 3;
SELECT s.id FROM sales s JOIN items i ON list_sum(s.nums) = i.item;
SELECT doc ->> '$.name' AS name, list(id ORDER BY id)[1:3] FROM sales GROUP BY ALL;
SELECT id, (doc ->> 'n')::INT + item AS v FROM sales WHERE (doc ->> 'n')::INT > 3 ORDER BY v, id;
SELECT sum(amount) OVER w, avg(price) OVER (w ROWS 2 PRECEDING) FROM sales WINDOW w AS (PARTITION BY item % 4, region
    ORDER BY id);
SELECT sum(count(*)) OVER (PARTITION BY region || 'x') FROM sales GROUP BY region, flag;
SELECT id, sum(sum(amount)) OVER (ORDER BY id RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING) FROM sales GROUP BY id;
SELECT last_value(flag IGNORE NULLS) OVER (PARTITION BY date_trunc('month', day) ORDER BY id) FROM sales;
SELECT s.id, l.c FROM sales s, (SELECT count(*) c FROM items i WHERE i.item < s.item) l;
SELECT s.id, l.c, m.d FROM sales s, LATERAL (SELECT s.item + 1 AS c) l, LATERAL (SELECT l.c * 2 AS d) m;
SELECT count(*) FROM sales s FULL JOIN items i ON s.item = i.item AND i.weight > (SELECT avg(weight) FROM items);
SELECT count(*), count(s.id) FROM items i RIGHT JOIN sales s ON s.item = i.item AND EXISTS (SELECT 1 FROM rates r
    WHERE r.item = i.item AND r.rate = 5);
SELECT id FROM sales LIMIT (2 * 3) OFFSET 3590;
SELECT now() - now() AS z, current_date - day AS d FROM sales WHERE day < today();
SELECT count(*) FROM sales WHERE moment < now() AND day < current_date;
SELECT id, 'x' || current_date::VARCHAR = 'x' || today()::VARCHAR FROM sales;
SELECT region, count(*) FROM sales GROUP BY region UNION ALL SELECT 'total', count(*) FROM sales ORDER BY 2 DESC, 1;
SELECT item FROM sales EXCEPT SELECT item FROM items ORDER BY item * -1 NULLS LAST;
SELECT quantile_cont(price, [0.1, 0.5]) FROM sales GROUP BY region;
SELECT histogram(item % 3) FROM sales GROUP BY flag;
SELECT max(info), min(nums), any_value(region ORDER BY id) FROM sales GROUP BY item;
SELECT region AS r, count(*) AS n FROM sales GROUP BY 1 HAVING n > ALL (SELECT count(*) FROM sales WHERE region =
    'north' GROUP BY region);
SELECT item, region FROM sales WHERE (item, region) = ANY (SELECT item, region FROM items);
SELECT id, CASE WHEN item = ANY (SELECT item FROM items WHERE weight > 20) THEN list_sum(nums) ELSE -1 END FROM sales;
SELECT id, coalesce(nums[1], item) + 1 AS v FROM sales WHERE v > 3 AND nums[1] IS NOT NULL;
SELECT nums[1] AS k, count(*), sum(amount) FROM sales GROUP BY k;
SELECT nums[1] AS k, i.label FROM sales s JOIN items i ON s.nums[1] = i.item;
SELECT a.id, b.id FROM sales a JOIN sales b ON a.info.a = b.nums[1] AND a.id = b.id;
SELECT s.id FROM sales s WHERE s.tags[1] = (SELECT 'tag ' || max(item % 4) FROM items);
SELECT id FROM sales ORDER BY tags[2] DESC, nums[3] NULLS FIRST, id LIMIT 15;
SELECT date_trunc('month', day) AS m, count(*) AS n, sum(count(*)) OVER (ORDER BY date_trunc('month', day)) AS running
    FROM sales GROUP BY m;
SELECT date_trunc('month', day) m, region, rank() OVER (PARTITION BY m ORDER BY sum(amount) DESC) r FROM sales GROUP
    BY m, region QUALIFY r = 1;
SELECT strftime(day, '%Y-%m') AS m, count(*) FROM sales GROUP BY ROLLUP(m);
SELECT region, flag, count(*) FROM sales GROUP BY GROUPING SETS ((region), (flag)) HAVING count(*) > 100 ORDER BY ALL;
SELECT grouping(region, flag) AS g, region, flag, max(price) FROM sales WHERE id < 100 GROUP BY GROUPING SETS
    (ROLLUP(region, flag), (flag)) ORDER BY ALL;
SELECT item, sum(amount) FILTER (WHERE list_contains(nums, 1)) FROM sales GROUP BY item;
SELECT region, list(DISTINCT nums[1] ORDER BY nums[1]) FROM sales GROUP BY region;
SELECT item, max(id) FILTER (flag) - min(id) AS d FROM sales GROUP BY item ORDER BY d NULLS LAST, item LIMIT 5;
SELECT doc::JSON -> 'list' ->> 1 AS x, count(*) FROM sales GROUP BY x ORDER BY x;
SELECT (SELECT count(*) FROM items i WHERE i.item = (s.doc ->> 'n')::INT) AS c, id FROM sales s;
SELECT * FROM (SELECT id, unnest(nums) AS n FROM sales) t JOIN items i ON t.n = i.item WHERE i.weight > 1;
SELECT i.label, count(*) FROM items i, (SELECT unnest(nums) AS n FROM sales) t WHERE t.n = i.item GROUP BY i.label;
SELECT s.id, u.x FROM sales s, (SELECT unnest(s.nums) AS x UNION ALL SELECT s.item) u WHERE s.id < 30;
SELECT s.id, (SELECT list(x ORDER BY x) FROM (SELECT unnest(s.nums) AS x) WHERE x > 0) FROM sales s;
SELECT id, n, o FROM sales, unnest(nums) WITH ORDINALITY AS t(n, o) WHERE o = 1;
SELECT g.n, count(*) FROM sales s, generate_series(1, s.item % 4) AS g(n) GROUP BY g.n;
SELECT d, count(s.id) FROM (SELECT unnest(generate_series(DATE '2020-01-01', DATE '2020-01-10', INTERVAL 1 DAY))::DATE
    AS d) LEFT JOIN sales s ON s.day = d GROUP BY d;
WITH x AS (SELECT id, unnest(nums) AS n FROM sales) SELECT a.n, count(*) FROM x a JOIN x b ON a.id = b.id AND a.n <
    b.n GROUP BY a.n;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT t.n, count(s.id) FROM t LEFT JOIN
    sales s ON s.item = t.n GROUP BY ROLLUP(t.n);
SELECT * FROM (SELECT region, flag FROM sales UNION BY NAME SELECT flag, region FROM sales) ORDER BY ALL;
SELECT count(*) FROM (SELECT id FROM sales INTERSECT SELECT unnest(nums) FROM sales);
SELECT DISTINCT ON (region) region, nums[1] AS f, id FROM sales WHERE flag ORDER BY region, f DESC NULLS LAST, id;
SELECT DISTINCT region, count(*) OVER (PARTITION BY region) FROM sales;
SELECT id, lag(info) OVER (PARTITION BY item ORDER BY id) FROM sales WHERE id < 200;
SELECT id, sum(x) OVER (PARTITION BY k ORDER BY id) FROM (SELECT id, item % 3 AS k, unnest(nums) AS x FROM sales WHERE
    id < 300);
SELECT first_value(id) OVER w, count(*) FILTER (WHERE flag) OVER w FROM sales WINDOW w AS (PARTITION BY lower(region)
    ORDER BY id DESC ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING);
SELECT region, sum(amount) * 100 / sum(sum(amount)) OVER () AS share FROM sales GROUP BY region;
SELECT item FROM sales GROUP BY item ORDER BY sum(amount) / count(*) DESC, item LIMIT 3;
SELECT s.region, i.region AS r2, count(*) FROM sales s LEFT JOIN items i ON lower(s.region) = lower(i.region) AND
    s.item % 5 = i.item % 5 GROUP BY ALL;
SELECT count(*) FROM sales s JOIN items i ON s.region ILIKE i.region AND regexp_matches(i.label, '[1-3]$');
SELECT id, item IN (SELECT unnest(nums)) FROM sales;
SELECT id, (item, region) IN ((1, 'north'), (NULL, 'east')) FROM sales;
SELECT id, item BETWEEN ANY_VALUE(item) OVER (PARTITION BY item) AND 5 FROM sales;
SELECT max(day) - min(day), max(moment) - min(moment), avg(epoch(moment)) FROM sales GROUP BY region;
SELECT id, day + INTERVAL (item % 5) MONTH, moment - INTERVAL '90 minutes', day - INTERVAL 1 YEAR FROM sales;
SELECT extract(week FROM day) w, extract(isodow FROM day) d, count(*) FROM sales GROUP BY ALL;
SELECT CAST(amount AS DECIMAL(12, 3)) * 1.5, amount / 3, amount // 2, amount % 7, -amount::INT FROM sales;
SELECT round(sum(price), 6), sum(id), sum(id::HUGEINT), avg(id), sum(flag::INT) FROM sales;
SELECT min(tags), max(attrs), count(DISTINCT info), count(DISTINCT nums) FROM sales;
SELECT map_keys(attrs), count(*) FROM sales GROUP BY ALL;
SELECT union_value(a := id)::VARCHAR, typeof(union_value(a := id)) FROM sales;
SELECT region, string_agg(id::VARCHAR, '') FILTER (WHERE id < 40) FROM (FROM sales ORDER BY id) GROUP BY region;
SELECT max(x) FROM (SELECT count(*) AS x FROM sales GROUP BY ROLLUP(item, region) HAVING item IS NOT NULL);
SELECT id FROM sales WHERE region = 'north' AND CASE WHEN amount > 0 THEN 100 / amount ELSE 0 END > 5;
SELECT id FROM sales WHERE TRY_CAST(region AS INT) IS NULL AND try(1 // (item - 3)) IS NULL;
SELECT x, y FROM (SELECT item AS x, list(id ORDER BY id) AS y FROM sales GROUP BY ALL) WHERE len(y) > 85;
SELECT x.a, x.b FROM (SELECT info AS x FROM sales) WHERE x.a = 3;
SELECT t.info.b, t.c.d FROM (SELECT info, info.c AS c FROM sales) t;
SELECT info.b || '!' AS z, info.a + 1 FROM sales GROUP BY info HAVING info.a > 8 ORDER BY ALL;
SELECT i.label, s.cnt FROM items i JOIN (SELECT item, count(*) cnt FROM sales GROUP BY item) s USING (item) WHERE
    s.cnt > ANY (SELECT rate FROM rates WHERE rates.item = i.item);
SELECT COLUMNS(lambda c: c IN ('id', 'jan')) * 2 FROM monthly WHERE id < 9;
SELECT id, greatest(COLUMNS('jan|feb'), 3) FROM monthly;
SELECT * EXCLUDE (mar) FROM monthly WHERE COLUMNS('jan|feb') IS NOT NULL ORDER BY ALL LIMIT 4;
SELECT coalesce(a.id, b.id) AS id, a.jan, b.feb FROM (FROM monthly WHERE jan > 3) a FULL JOIN (FROM monthly WHERE feb
    < 2) b ON a.id = b.id;
FROM monthly SELECT id, jan: jan + 1, total: jan + feb WHERE id < 5;
SELECT k, max(v) FROM (UNPIVOT (SELECT id, jan, feb FROM monthly) ON jan, feb INTO NAME k VALUE v) GROUP BY k;
SELECT m, h FROM (SELECT month(day) AS m, hour(moment) AS h, amount FROM sales) WHERE m = h GROUP BY ALL HAVING
    sum(amount) IS NOT NULL;
SELECT s.* EXCLUDE (nums, tags, info, attrs, doc), i.* EXCLUDE (item) FROM sales s NATURAL JOIN items i;
SELECT sum(CASE WHEN s.item IN (SELECT item FROM items WHERE region = 'west') THEN amount END) FROM sales s GROUP BY
    region;
SELECT (SELECT max(r.rate) FROM rates r WHERE r.item = s.item AND r.since <= s.moment) AS m, id FROM sales s;
SELECT id FROM sales s WHERE (SELECT count(*) FROM rates r WHERE r.item = s.item AND r.since > s.moment) > ALL (SELECT
    item FROM items WHERE item < 30);
"""
