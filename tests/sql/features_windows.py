"""Features of window functions: every function, frame, exclusion and clause."""

SECTIONS = {
    "Window functions": r"""
+ row_number, rank, dense_rank: SELECT id, row_number() OVER w, rank() OVER w, dense_rank() OVER w FROM sales WINDOW
  w AS (PARTITION BY item ORDER BY amount, id)
+ percent_rank, cume_dist, ntile: SELECT id, percent_rank() OVER w, cume_dist() OVER w, ntile(4) OVER w FROM sales
  WINDOW w AS (PARTITION BY item ORDER BY amount, id)
+ lag, lead: SELECT id, lag(amount) OVER w, lead(amount, 2, 0) OVER w FROM sales WINDOW w AS (PARTITION BY item
  ORDER BY id)
+ first_value, last_value, nth_value: SELECT id, first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 3)
  OVER w FROM sales WINDOW w AS (PARTITION BY item ORDER BY id)
+ fill: SELECT id, fill(price) OVER (PARTITION BY item ORDER BY id) FROM sales
+ aggregates: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id), count(*) OVER (PARTITION BY region) FROM
  sales
+ any aggregate: SELECT id, median(amount) OVER (PARTITION BY item), arg_max(id, amount * 10000 + id) OVER
  (PARTITION BY item) FROM sales
+ DISTINCT: SELECT id, count(DISTINCT region) OVER (PARTITION BY item ORDER BY id) FROM sales
+ FILTER: SELECT id, sum(amount) FILTER (WHERE flag) OVER (PARTITION BY item ORDER BY id) FROM sales
+ IGNORE NULLS: SELECT id, last_value(flag IGNORE NULLS) OVER (PARTITION BY item ORDER BY id) FROM sales
+ RESPECT NULLS: SELECT id, first_value(flag RESPECT NULLS) OVER (PARTITION BY item ORDER BY id) FROM sales
+ order inside the call: SELECT id, first_value(id ORDER BY amount, id) OVER (PARTITION BY item) FROM sales
+ list with an order: SELECT id, list(id ORDER BY id DESC) OVER (PARTITION BY item) FROM sales WHERE id < 300
+ partitioned by an expression: SELECT id, sum(amount) OVER (PARTITION BY item % 5, upper(region)) FROM sales
+ ordered by an expression: SELECT id, rank() OVER (PARTITION BY item ORDER BY amount * -1, id % 7) FROM sales
+ not partitioned: SELECT id, row_number() OVER (ORDER BY id), sum(amount) OVER () FROM sales
+ several partitions: SELECT id, sum(amount) OVER (PARTITION BY item), sum(amount) OVER (PARTITION BY region) FROM
  sales
+ over groups: SELECT item, sum(amount), rank() OVER (ORDER BY sum(amount)) FROM sales GROUP BY item
+ over groups, partitioned by a key: SELECT item, region, sum(sum(amount)) OVER (PARTITION BY item) FROM sales GROUP
  BY item, region
+ in an expression: SELECT id, amount - avg(amount) OVER (PARTITION BY item) AS d FROM sales
+ in ORDER BY: SELECT id FROM sales ORDER BY row_number() OVER (PARTITION BY item ORDER BY id), id
""",
    "Frames": r"""
+ ROWS: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM
  sales
+ ROWS, one bound: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id ROWS 3 PRECEDING) FROM sales
+ ROWS UNBOUNDED: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND
  CURRENT ROW) FROM sales
+ ROWS FOLLOWING: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED
  FOLLOWING) FROM sales
+ RANGE: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY price RANGE BETWEEN 10 PRECEDING AND 5 FOLLOWING)
  FROM sales
+ RANGE of an interval: SELECT id, count(*) OVER (PARTITION BY item ORDER BY day RANGE BETWEEN INTERVAL 7 DAYS
  PRECEDING AND INTERVAL 1 DAY FOLLOWING) FROM sales
+ RANGE by an expression: SELECT id, count(*) OVER (PARTITION BY item ORDER BY id RANGE BETWEEN item * 10 PRECEDING
  AND CURRENT ROW) FROM sales
+ GROUPS: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY region GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
  FROM sales
+ EXCLUDE CURRENT ROW: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2
  FOLLOWING EXCLUDE CURRENT ROW) FROM sales
+ EXCLUDE GROUP: SELECT id, sum(amount) OVER (PARTITION BY item ORDER BY region RANGE BETWEEN UNBOUNDED PRECEDING
  AND CURRENT ROW EXCLUDE GROUP) FROM sales
+ EXCLUDE TIES: SELECT id, count(*) OVER (PARTITION BY item ORDER BY region RANGE BETWEEN UNBOUNDED PRECEDING AND
  CURRENT ROW EXCLUDE TIES) FROM sales
+ EXCLUDE NO OTHERS: SELECT id, count(*) OVER (PARTITION BY item ORDER BY id ROWS 2 PRECEDING EXCLUDE NO OTHERS)
  FROM sales
""",
    "WINDOW and QUALIFY": r"""
+ WINDOW: SELECT id, sum(amount) OVER w, max(price) OVER w FROM sales WINDOW w AS (PARTITION BY item)
+ WINDOW, several: SELECT id, sum(amount) OVER a, max(price) OVER b FROM sales WINDOW a AS (PARTITION BY item), b AS
  (PARTITION BY region ORDER BY id)
+ WINDOW, extended: SELECT id, sum(amount) OVER (w ORDER BY id), sum(amount) OVER (w ROWS 1 PRECEDING) FROM sales
  WINDOW w AS (PARTITION BY item)
+ QUALIFY: SELECT id, item FROM sales QUALIFY row_number() OVER (PARTITION BY item ORDER BY amount DESC, id) <= 2
+ QUALIFY by an alias: SELECT id, rank() OVER (PARTITION BY item ORDER BY amount, id) AS r FROM sales QUALIFY r = 1
+ QUALIFY with WINDOW: SELECT id FROM sales WINDOW w AS (PARTITION BY item ORDER BY id) QUALIFY row_number() OVER w
  = 1
+ QUALIFY over groups: SELECT item, region, sum(amount) AS s FROM sales GROUP BY item, region QUALIFY rank() OVER
  (PARTITION BY item ORDER BY s) = 1
+ QUALIFY with a subquery: SELECT id FROM sales QUALIFY row_number() OVER (PARTITION BY item ORDER BY id) = (SELECT
  2)
+ alias of a window in an expression: SELECT id, row_number() OVER (PARTITION BY item ORDER BY id) AS r, r * 2 AS
  twice FROM sales
""",
}
