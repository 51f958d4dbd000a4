"""Features of the clauses of SELECT: the select list, WHERE, ORDER BY, LIMIT, samples, set operations, WITH."""

SECTIONS = {
    "SELECT list": r"""
+ expressions and aliases: SELECT id, amount * 2 AS twice, upper(region) up FROM sales
+ alias before the expression: SELECT twice: amount * 2, id FROM sales
+ alias used in the same list: SELECT amount + 1 AS a, a * 2 AS b FROM sales
+ alias used in WHERE, GROUP BY and HAVING: SELECT item % 5 AS m, count(*) AS n FROM sales WHERE m > 0 GROUP BY m
  HAVING n > 5
+ star: SELECT * FROM sales
+ star of a table: SELECT s.*, i.label FROM sales AS s JOIN items AS i USING (item)
+ star with EXCLUDE: SELECT * EXCLUDE (nums, tags, info, attrs) FROM sales
+ star with EXCLUDE of a qualified name: SELECT * EXCLUDE (s.item) FROM sales s JOIN items i ON s.item = i.item
+ star with REPLACE: SELECT * REPLACE (amount / 2 AS amount, lower(region) AS region) FROM sales
+ star with RENAME: SELECT * RENAME (amount AS value) FROM sales
+ star with EXCLUDE and REPLACE: SELECT * EXCLUDE (doc) REPLACE (id + 1 AS id) FROM sales
+ star with LIKE: SELECT * LIKE 'i%' FROM sales
+ star with NOT LIKE: SELECT * NOT LIKE 'i%' FROM sales
+ star with SIMILAR TO: SELECT * SIMILAR TO '(id|item)' FROM sales
+ star with GLOB: SELECT * GLOB 'i*' FROM sales
+ COLUMNS of a pattern: SELECT COLUMNS('^i') FROM sales
+ COLUMNS of all: SELECT max(COLUMNS(*)) FROM monthly
+ COLUMNS in an expression: SELECT COLUMNS('jan|feb') + 1 FROM monthly
+ COLUMNS with EXCLUDE: SELECT min(COLUMNS(* EXCLUDE (id))) FROM monthly
+ COLUMNS of a list of names: SELECT COLUMNS(['id', 'jan']) FROM monthly
+ COLUMNS of a lambda: SELECT COLUMNS(lambda c: c LIKE '%n') FROM monthly
+ COLUMNS in WHERE: SELECT id FROM monthly WHERE COLUMNS(['jan', 'feb']) > 3
+ COLUMNS renamed by its pattern: SELECT COLUMNS('(j)(an)') AS '\2_\1' FROM monthly
+ struct unpacked: SELECT info.* FROM sales
+ struct unpacked by unnest: SELECT id, unnest(info) FROM sales
+ DISTINCT: SELECT DISTINCT region, flag FROM sales
+ DISTINCT ON with an order: SELECT DISTINCT ON (item) item, id, amount FROM sales ORDER BY item, amount DESC, id
- DISTINCT ON without an order: SELECT DISTINCT ON (region) region FROM sales -- DISTINCT ON without an order
+ no FROM: SELECT 1 + 1 AS two, 'a' || 'b' AS ab
+ trailing comma: SELECT id, item, FROM sales
+ duplicate names: SELECT id, id, amount AS id FROM sales
+ quoted and odd names: SELECT id AS "select", item AS "a ""b" FROM sales
+ columns of other case: SELECT ID, Region FROM SALES
""",
    "WHERE": r"""
+ comparisons and logic: SELECT id FROM sales WHERE (amount > 10 OR price <= 3) AND NOT flag
+ BETWEEN: SELECT id FROM sales WHERE day BETWEEN DATE '2020-02-01' AND DATE '2020-03-01'
+ BETWEEN SYMMETRIC by least and greatest: SELECT id FROM sales WHERE id BETWEEN least(100, 50) AND greatest(100,
  50)
+ IN a list: SELECT id FROM sales WHERE region IN ('north', 'South') AND item NOT IN (1, 2, 3)
+ IN a list value: SELECT id FROM sales WHERE item IN [1, 2, 3]
+ IN a column: SELECT id FROM sales WHERE 2 IN nums
+ IN rows: SELECT id FROM sales WHERE (item, region) IN ((1, 'north'), (2, 'east'))
+ row comparison: SELECT id FROM sales WHERE (item, id) > (20, 1000)
+ LIKE, ILIKE, ESCAPE: SELECT id FROM sales WHERE region LIKE 'n%' OR region ILIKE 'SOU%' OR doc LIKE '%\%%' ESCAPE
  '\'
+ LIKE operators: SELECT id FROM sales WHERE region ~~ 'n%' OR region ~~* 'S%' OR region !~~ '%t%'
+ SIMILAR TO: SELECT id FROM sales WHERE region SIMILAR TO '(n|S)o.*'
+ regular expression operator: SELECT id FROM sales WHERE region ~ '.*th'
+ GLOB: SELECT id FROM sales WHERE region GLOB '[nS]o*'
+ IS NULL, IS NOT NULL, ISNULL, NOTNULL: SELECT id FROM sales WHERE item IS NULL AND region IS NOT NULL AND flag
  NOTNULL
+ IS TRUE, IS NOT FALSE, IS UNKNOWN: SELECT id FROM sales WHERE flag IS NOT FALSE AND (item > 3) IS TRUE
+ IS DISTINCT FROM: SELECT id FROM sales WHERE item IS DISTINCT FROM 5 AND region IS NOT DISTINCT FROM NULL
+ EXISTS: SELECT id FROM sales s WHERE EXISTS (SELECT 1 FROM items i WHERE i.item = s.item AND i.weight > 10)
+ NOT EXISTS: SELECT id FROM sales s WHERE NOT EXISTS (FROM items i WHERE i.item = s.item)
+ IN a subquery: SELECT id FROM sales WHERE item IN (SELECT item FROM items WHERE weight > 10)
+ NOT IN a subquery: SELECT id FROM sales WHERE item NOT IN (SELECT item FROM items WHERE weight > 10)
+ NOT IN a subquery with NULLs: SELECT id FROM sales WHERE price NOT IN (SELECT weight FROM items)
+ rows IN a subquery: SELECT id FROM sales WHERE (item, region) IN (SELECT item, region FROM items)
- rows NOT IN a subquery: SELECT id FROM sales WHERE (item, region) NOT IN (SELECT item, region FROM items) -- IN
  over rows of several columns
+ = ANY: SELECT id FROM sales WHERE item = ANY (SELECT item FROM items WHERE weight > 10)
+ > ANY: SELECT id FROM sales WHERE price > ANY (SELECT weight FROM items WHERE weight > 50)
+ >= ALL: SELECT id FROM sales WHERE price >= ALL (SELECT weight FROM items WHERE weight < 50)
+ > ALL with NULLs: SELECT id, price > ALL (SELECT weight FROM items) AS a FROM sales
+ <> ALL: SELECT id FROM sales WHERE item <> ALL (SELECT item FROM items WHERE weight > 10)
+ <> ANY: SELECT id, item <> ANY (SELECT item FROM items WHERE item > 100) AS a FROM sales
+ ANY of a list: SELECT id FROM sales WHERE item = ANY ([1, 2, 3])
+ ANY and ALL of lists with NULLs: SELECT id, item = ANY (nums), item <> ALL (nums), item > ANY ([1, NULL]) FROM sales
+ negated ANY and ALL of lists: SELECT id FROM sales WHERE NOT item > ALL (nums) AND NOT (item = ANY ([1, NULL, 2]))
+ scalar subquery: SELECT id FROM sales WHERE amount > (SELECT avg(amount) FROM sales)
+ correlated scalar subquery: SELECT id FROM sales s WHERE price > (SELECT max(weight) FROM items i WHERE i.item =
  s.item)
+ correlated to two levels: SELECT id FROM sales s WHERE EXISTS (SELECT 1 FROM items i WHERE i.item = s.item AND
  EXISTS (SELECT 1 FROM rates r WHERE r.item = i.item AND r.rate = s.item))
+ subquery in the select list: SELECT id, (SELECT label FROM items i WHERE i.item = s.item) AS label FROM sales s
+ subquery in an expression: SELECT id, amount / (SELECT max(amount) FROM sales) AS share FROM sales
+ subquery in CASE: SELECT id, CASE WHEN item IN (SELECT item FROM items) THEN 'known' ELSE 'new' END AS k FROM
  sales
+ subquery of several columns as a struct: SELECT id FROM sales WHERE (SELECT {'m': max(item)} FROM items).m = item
- ARRAY of a subquery: SELECT ARRAY(SELECT item FROM items ORDER BY item) AS a -- is left to the kernel
""",
    "ORDER BY": r"""
+ several keys: SELECT id, item FROM sales ORDER BY item DESC, id
+ NULLS FIRST and LAST: SELECT id, item, region FROM sales ORDER BY item NULLS FIRST, region DESC NULLS LAST, id
+ positions: SELECT item, id FROM sales ORDER BY 1, 2 DESC
+ aliases: SELECT -id AS m FROM sales ORDER BY m
+ expressions: SELECT id FROM sales ORDER BY item % 7, abs(amount), id
+ columns that are not selected: SELECT region FROM sales ORDER BY id
+ ORDER BY ALL: SELECT region, item, id FROM sales ORDER BY ALL
+ ORDER BY ALL DESC: SELECT region, item, id FROM sales ORDER BY ALL DESC NULLS FIRST
+ a collation: SELECT id, region FROM sales ORDER BY region COLLATE NOCASE NULLS FIRST, id
+ a collation of accents: SELECT id, region FROM sales ORDER BY region COLLATE NOCASE.NOACCENT DESC, id
- a collation of a language: SELECT id, region FROM sales ORDER BY region COLLATE DE, id -- is left to the kernel
- a collation after DISTINCT: SELECT DISTINCT region FROM sales ORDER BY region COLLATE NOCASE -- DISTINCT ordered by
  something that is not selected
+ aggregates: SELECT item FROM sales GROUP BY item ORDER BY count(*) DESC, item
+ a subquery: SELECT id FROM sales s ORDER BY (SELECT weight FROM items i WHERE i.item = s.item), id
+ structs and lists: SELECT id FROM sales ORDER BY info, nums, id
""",
    "LIMIT and samples": r"""
+ LIMIT and OFFSET: SELECT id FROM sales ORDER BY id LIMIT 10 OFFSET 5
+ OFFSET alone: SELECT id FROM sales ORDER BY id OFFSET 3500
+ LIMIT by an expression: SELECT id FROM sales ORDER BY id LIMIT 5 + 5 OFFSET 1 + 1
+ LIMIT by a function: SELECT id FROM sales ORDER BY id LIMIT least(7, 9) OFFSET '2'
+ LIMIT NULL and ALL: (SELECT item FROM items LIMIT NULL) UNION ALL (SELECT item FROM items LIMIT ALL)
+ LIMIT by a subquery: SELECT id FROM sales ORDER BY id LIMIT (SELECT max(item) FROM items)
+ LIMIT and OFFSET by subqueries: SELECT id, item FROM sales ORDER BY item NULLS FIRST, id LIMIT (SELECT 4) + 1
  OFFSET (SELECT count(*) FROM nothing)
+ LIMIT by a subquery that gives NULL: SELECT id FROM sales ORDER BY id LIMIT (SELECT max(item) FROM nothing)
+ LIMIT in percent: SELECT id FROM sales ORDER BY id LIMIT 10%
+ LIMIT in PERCENT: SELECT id FROM sales ORDER BY id LIMIT 2.5 PERCENT
+ LIMIT in percent with OFFSET: SELECT item, id FROM sales ORDER BY ALL LIMIT 33% OFFSET 7
+ LIMIT in percent without an order: SELECT count(*) FROM (SELECT id FROM sales LIMIT 1%)
+ LIMIT in percent of no rows: SELECT item FROM nothing ORDER BY item LIMIT 10%
+ LIMIT 0: SELECT id FROM sales LIMIT 0
+ FETCH FIRST: SELECT id FROM sales ORDER BY id FETCH FIRST 3 ROWS ONLY
- USING SAMPLE of rows: SELECT count(*) FROM sales USING SAMPLE 10 ROWS -- a sample
- USING SAMPLE in percent: SELECT count(*) >= 0 FROM sales USING SAMPLE 50% -- a sample
- USING SAMPLE with a method: SELECT count(*) FROM sales USING SAMPLE reservoir(20 ROWS) -- a sample
- TABLESAMPLE: SELECT count(*) FROM sales TABLESAMPLE reservoir(25 ROWS) -- a sample
- TABLESAMPLE REPEATABLE: SELECT count(*) FROM sales TABLESAMPLE reservoir(25 ROWS) REPEATABLE (7) -- a sample
""",
    "Set operations": r"""
+ UNION: SELECT item FROM sales UNION SELECT item FROM items
+ UNION ALL: SELECT item FROM sales UNION ALL SELECT item FROM items
+ INTERSECT: SELECT item FROM sales INTERSECT SELECT item FROM rates
+ INTERSECT ALL: SELECT item FROM sales INTERSECT ALL SELECT item FROM rates
+ EXCEPT: SELECT item FROM rates EXCEPT SELECT item FROM items WHERE item > 10
+ EXCEPT ALL: SELECT item FROM sales EXCEPT ALL SELECT item FROM rates
+ UNION BY NAME: SELECT item, region FROM sales UNION BY NAME SELECT label, item FROM items
+ UNION ALL BY NAME: SELECT id, item FROM sales UNION ALL BY NAME SELECT rate, item FROM rates
+ types are made alike: SELECT id FROM sales UNION ALL SELECT price FROM sales
+ nested, with order and limit: (SELECT item FROM sales UNION SELECT item FROM rates) EXCEPT SELECT 3 ORDER BY 1
  LIMIT 20
+ order by an expression: SELECT item FROM sales UNION SELECT item FROM items ORDER BY item % 5 NULLS FIRST, item
+ VALUES: VALUES (1, 'a'), (2, 'b')
+ VALUES with an order and a limit: VALUES (1, 'a'), (2, 'b'), (3, 'c') ORDER BY 1 DESC LIMIT 2
+ types of many sides: SELECT id AS v FROM sales UNION ALL SELECT 2.5 UNION ALL SELECT 'x'
+ VALUES with names: SELECT s.id, v.x FROM sales s JOIN (VALUES (1, 'a'), (2, 'b')) AS v(n, x) ON s.item = v.n
+ VALUES in IN: SELECT id FROM sales WHERE item IN (VALUES (1), (2))
""",
    "WITH": r"""
+ WITH: WITH big AS (SELECT * FROM sales WHERE amount > 50) SELECT item, count(*) FROM big GROUP BY item
+ column names: WITH big(a, b) AS (SELECT id, item FROM sales) SELECT b, max(a) FROM big GROUP BY b
+ several, one over another: WITH a AS (SELECT item FROM sales), b AS (SELECT item, count(*) n FROM a GROUP BY ALL)
  FROM b
+ nested and shadowed: WITH a AS (SELECT 1 AS x FROM sales) SELECT * FROM (WITH a AS (SELECT id AS x FROM sales)
  FROM a)
+ used twice: WITH t AS (SELECT item, count(*) n FROM sales GROUP BY item) SELECT a.item FROM t a, t b WHERE a.n =
  b.n
+ MATERIALIZED: WITH t AS MATERIALIZED (SELECT item FROM sales) SELECT count(*) FROM t
+ NOT MATERIALIZED: WITH t AS NOT MATERIALIZED (SELECT item FROM sales) SELECT count(*) FROM t
+ in a subquery: SELECT id FROM sales WHERE item IN (WITH t AS (SELECT item FROM items) SELECT item FROM t)
- recursive: WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT s.id FROM sales s
  JOIN t ON s.item = t.n -- recursive
- recursive by key: WITH RECURSIVE t(a, b) USING KEY (a) AS (SELECT 1, 0 UNION SELECT a, b + 1 FROM t WHERE b < 5)
  SELECT a, b, (SELECT count(*) FROM sales) FROM t -- recursive
""",
}
