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
"""
