"""Features of FROM: tables, joins of every kind, laterals, table functions, UNNEST, PIVOT and UNPIVOT."""

SECTIONS = {
    "FROM": r"""
+ FROM first: FROM sales SELECT id, amount WHERE amount > 90
+ FROM alone: FROM items
+ aliases of tables and columns: SELECT a, b FROM items AS t(a, b)
+ alias before the table: SELECT t.label FROM t: items
+ derived table: SELECT item, n FROM (SELECT item, count(*) AS n FROM sales GROUP BY item) AS t WHERE n > 50
+ derived table without alias: SELECT item FROM (SELECT item FROM sales WHERE flag)
+ table as a row: SELECT items FROM items
+ table as a row, in expressions: SELECT s.id, to_json(i), i = {'item': 3, 'label': 'item 3'} AS same FROM sales s LEFT
  JOIN (SELECT item, label FROM items) i ON s.item = i.item AND i.item < 9
+ table as a row, grouped: SELECT k, count(*) AS n FROM (SELECT region, flag FROM sales) AS k GROUP BY k
+ a view: SELECT region, count(*) FROM positive GROUP BY region
+ a file: SELECT count(*) FROM '{folder}/few.csv'
+ read_parquet: SELECT count(*), max(amount) FROM read_parquet('{folder}/sales/*.parquet')
+ read_parquet with filename: SELECT count(DISTINCT filename) FROM read_parquet('{folder}/sales/*.parquet', filename
  = true)
+ read_csv: SELECT s FROM read_csv('{folder}/few.csv')
+ read_json: SELECT s FROM read_json('{folder}/few.json')
+ read_ndjson: SELECT id, s FROM read_ndjson('{folder}/few.json')
- a list of computed paths: SELECT count(*) FROM read_csv(['{folder}/few' || '.csv', '{folder}/few.csv']) -- a computed
  path of files
- the histogram of a named table: SELECT bin, count FROM histogram_values('items', item, bin_count := 3) -- the table
  function histogram_values
+ parenthesised joins: SELECT count(*) FROM (sales s JOIN items i ON s.item = i.item) JOIN rates r ON r.item =
  i.item
- alias of parenthesised joins: SELECT j.label FROM (sales s JOIN items i ON s.item = i.item) AS j -- an alias of
  joined tables
""",
    "Joins": r"""
+ inner: SELECT s.id, i.label FROM sales s JOIN items i ON s.item = i.item
+ comma: SELECT s.id, i.label FROM sales s, items i WHERE s.item = i.item
+ left: SELECT s.id, i.label FROM sales s LEFT JOIN items i ON s.item = i.item AND i.weight > 20
+ right: SELECT s.id, i.label FROM sales s RIGHT JOIN items i ON s.item = i.item AND s.amount > 90
+ full: SELECT s.id, i.label FROM sales s FULL JOIN items i ON s.item = i.item AND s.amount > 90
+ cross: SELECT count(*) FROM sales CROSS JOIN items
+ natural: SELECT id, label FROM sales NATURAL JOIN items
+ using: SELECT item, id, label FROM sales JOIN items USING (item)
+ using, full: SELECT item, id, label FROM sales FULL JOIN items USING (item)
+ using several columns: SELECT item, region, id, label FROM sales JOIN items USING (item, region)
+ semi: SELECT id FROM sales s SEMI JOIN items i ON s.item = i.item AND i.weight > 20
+ semi using: SELECT id FROM sales SEMI JOIN items USING (item)
+ anti: SELECT id FROM sales s ANTI JOIN items i ON s.item = i.item
+ anti using: SELECT id FROM sales ANTI JOIN items USING (item)
+ self join: SELECT a.id, b.id FROM sales a JOIN sales b ON a.id = b.item
+ inequality: SELECT count(*) FROM sales s JOIN items i ON s.price < i.weight
+ inequality, left: SELECT count(*), count(i.item) FROM sales s LEFT JOIN items i ON s.price > i.weight AND s.region
  = i.region
+ expressions on both sides: SELECT s.id, i.label FROM sales s JOIN items i ON s.item % 10 = i.item / 2
+ IS NOT DISTINCT FROM: SELECT count(*) FROM sales s JOIN sales t ON s.item IS NOT DISTINCT FROM t.item WHERE t.id <
  20
+ OR in the condition: SELECT count(*) FROM sales s JOIN items i ON s.item = i.item OR s.region = i.region
+ subquery in the condition: SELECT count(*) FROM sales s JOIN items i ON s.item = i.item AND i.weight > (SELECT
  avg(weight) FROM items)
+ subquery in an outer join's condition: SELECT count(*), count(i.item) FROM sales s LEFT JOIN items i ON s.item =
  i.item AND i.weight > (SELECT avg(weight) FROM items)
+ asof: SELECT s.id, r.rate FROM sales s ASOF JOIN rates r ON s.item = r.item AND s.moment >= r.since
+ asof, left: SELECT s.id, r.rate FROM sales s ASOF LEFT JOIN rates r ON s.item = r.item AND s.moment > r.since
+ asof, to later rows: SELECT s.id, r.* FROM sales s ASOF JOIN rates r ON r.item = s.item AND r.since > s.moment
+ asof, of dates and timestamps: SELECT s.id, r.rate FROM sales s ASOF LEFT JOIN rates r ON s.item = r.item AND s.day
  <= r.since
+ asof, using: SELECT * FROM (SELECT id, item, moment AS since FROM sales) s ASOF JOIN rates r USING (item, since)
+ asof, among other joins: SELECT i.label, count(r.rate) FROM sales s JOIN items i USING (item) ASOF JOIN rates r ON
  s.item = r.item AND s.moment >= r.since WHERE r.rate > 3 GROUP BY i.label
+ asof, anti: SELECT s.id FROM sales s ASOF ANTI JOIN rates r ON s.item = r.item AND s.moment < r.since
+ asof with no rows: SELECT s.id, n.region FROM sales s ASOF LEFT JOIN nothing n ON s.item = n.item AND s.amount >=
  n.amount
- asof, right: SELECT s.id, r.rate FROM sales s ASOF RIGHT JOIN rates r ON s.item = r.item AND s.moment >= r.since --
  an ASOF right join
- asof with more conditions: SELECT s.id, r.rate FROM sales s ASOF JOIN rates r ON s.item = r.item AND s.moment >=
  r.since AND r.rate > 3 -- an ASOF join with another condition
- asof without equality: SELECT s.id, r.since FROM sales s ASOF JOIN (SELECT DISTINCT since FROM rates) r ON
  s.moment >= r.since -- an ASOF join without equality
- positional: SELECT i.label, m.id FROM items i POSITIONAL JOIN (FROM items ORDER BY item DESC) m(id) -- a
  POSITIONAL join
+ lateral subquery: SELECT s.id, t.w FROM sales s, LATERAL (SELECT max(weight) AS w FROM items i WHERE i.item <
  s.item) t
+ lateral without the word: SELECT s.id, t.w FROM sales s, (SELECT weight AS w FROM items i WHERE i.item = s.item) t
+ lateral, left: SELECT s.id, t.w FROM sales s LEFT JOIN LATERAL (SELECT weight AS w FROM items i WHERE i.item =
  s.item) t ON true
+ lateral expression: SELECT s.id, t.x FROM sales s, LATERAL (SELECT s.amount + 1 AS x) t
+ lateral with a limit: SELECT i.item, t.id FROM items i, LATERAL (SELECT id FROM sales s WHERE s.item = i.item
  ORDER BY id LIMIT 2) t
""",
    "Rows from functions": r"""
+ unnest a list: SELECT id, unnest(nums) AS n FROM sales
+ unnest in an expression: SELECT id, unnest(nums) + 1 AS n FROM sales
+ unnest two lists: SELECT id, unnest(nums) AS n, unnest(tags) AS t FROM sales
- unnest, recursive: SELECT id, unnest([[1, 2], [item]], recursive := true) AS n FROM sales -- UNNEST with an option
- unnest, max_depth: SELECT id, unnest([[[1]], [[item]]], max_depth := 2) AS n FROM sales -- UNNEST with an option
- unnest of a list of structs, recursive: SELECT id, unnest([info], recursive := true) FROM sales -- UNNEST with an
  option
+ unnest in FROM: SELECT s.id, t.n FROM sales s, unnest(s.nums) AS t(n)
+ unnest in FROM, left: SELECT s.id, t.n FROM sales s LEFT JOIN unnest(s.nums) AS t(n) ON true
+ unnest of a constant list in FROM: SELECT s.id, t.n FROM sales s JOIN unnest([1, 2, 3]) AS t(n) ON s.item = t.n
+ unnest under a group: SELECT n, count(*) FROM (SELECT unnest(nums) AS n FROM sales) GROUP BY n
+ unnest in a lateral subquery: SELECT id, t.n FROM sales s, LATERAL (SELECT unnest(s.nums) AS n) t
+ unnest in a correlated subquery: SELECT id, (SELECT sum(n) FROM (SELECT unnest(s.nums) AS n)) AS total FROM sales
  s
+ unnest of a constant list WITH ORDINALITY: SELECT s.id, o FROM sales s JOIN unnest([7, 8]) WITH ORDINALITY AS
  t(n, o) ON s.item = t.n
+ unnest WITH ORDINALITY: SELECT s.id, t.n, t.o FROM sales s, unnest(s.nums) WITH ORDINALITY AS t(n, o)
+ generate_series: SELECT s.id, g.n FROM sales s JOIN generate_series(1, 5) AS g(n) ON s.item = g.n
+ range: SELECT r.n, count(s.id) FROM range(0, 10, 2) AS r(n) LEFT JOIN sales s ON s.item = r.n GROUP BY r.n
+ range of one argument: SELECT id, range FROM range(20) JOIN sales ON id = range
+ range of dates: SELECT d.day, count(s.id) FROM range(DATE '2020-01-01', DATE '2020-02-01', INTERVAL 1 DAY) d(day)
  LEFT JOIN sales s ON s.day = d.day GROUP BY d.day
+ range of timestamps: SELECT t, count(id) FROM generate_series(TIMESTAMP '2020-01-01', TIMESTAMP '2020-02-01',
  INTERVAL '1 DAY') AS g(t) LEFT JOIN sales ON moment::DATE = t GROUP BY t
- range of very many: SELECT count(*) FROM range(200000) r(i) JOIN sales ON id = i -- the table function
  generate_series
+ range under its alias alone: SELECT r, id FROM range(20) AS r JOIN sales ON id = r
+ range in a lateral subquery: SELECT s.id, r.n FROM sales s, LATERAL (SELECT * FROM range(s.item % 3)) AS r(n)
+ range in a correlated subquery: SELECT id, (SELECT sum(n) FROM range(s.item) AS r(n)) AS total FROM sales s
+ range over a column: SELECT s.id, r.n FROM sales s, range(s.item % 3) AS r(n)
+ generate_series in the select list: SELECT id, unnest(generate_series(1, item % 3)) AS n FROM sales
+ generate_subscripts: SELECT id, generate_subscripts(nums, 1) AS n FROM sales
- repeat_row: SELECT count(*) FROM repeat_row(1, 'x', num_rows = 3), sales -- the table function repeat_row
- query: SELECT count(*) FROM query('SELECT item FROM sales') -- the table function query
- query_table: SELECT count(*) FROM query_table('items') -- the table function query_table
- json_each: SELECT s.id, e.key, e.value FROM sales s, json_each(s.doc) e -- the table function json_each
- json_tree: SELECT s.id, e.fullkey FROM sales s, json_tree(s.doc) e -- the table function json_tree
+ regexp_split_to_table: SELECT id, regexp_split_to_table(region, 't') AS part FROM sales
""",
    "PIVOT and UNPIVOT": r"""
+ PIVOT with IN: SELECT * FROM sales PIVOT (sum(amount) FOR region IN ('north', 'South') GROUP BY item)
+ PIVOT, SQL standard: FROM (SELECT item, region, amount FROM sales) PIVOT (sum(amount) FOR region IN ('north',
  'east'))
+ PIVOT of several aggregates: FROM (SELECT item, region, amount FROM sales) PIVOT (sum(amount) AS total, count(*)
  AS n FOR region IN ('north', 'east'))
+ PIVOT on several columns: FROM (SELECT item, region, flag, amount FROM sales) PIVOT (sum(amount) FOR region IN
  ('north', 'east') flag IN (true, false))
+ PIVOT with names: FROM (SELECT item, region, amount FROM sales) PIVOT (sum(amount) FOR region IN ('north' AS n,
  'east' AS e))
- PIVOT ON: PIVOT sales ON region USING sum(amount) GROUP BY item -- a query that starts with Pivot
- PIVOT ON with IN: PIVOT sales ON region IN ('north', 'east') USING sum(amount) GROUP BY item -- a query that
  starts with Pivot
+ UNPIVOT: UNPIVOT monthly ON jan, feb, mar INTO NAME month VALUE n
+ UNPIVOT, SQL standard: FROM monthly UNPIVOT (n FOR month IN (jan, feb, mar))
+ UNPIVOT INCLUDE NULLS: FROM monthly UNPIVOT INCLUDE NULLS (n FOR month IN (jan, feb, mar))
- UNPIVOT of COLUMNS: UNPIVOT monthly ON COLUMNS(* EXCLUDE (id)) INTO NAME month VALUE n -- an UNPIVOT of an unusual
  form
+ UNPIVOT into several columns: FROM monthly UNPIVOT ((a, b) FOR half IN ((jan, feb) AS first, (feb, mar) AS
  second))
- DESCRIBE as a table: SELECT column_name FROM (DESCRIBE sales) -- a query that starts with Describe
- SUMMARIZE: SELECT column_name, count FROM (SUMMARIZE monthly) -- SUMMARIZE
""",
}
