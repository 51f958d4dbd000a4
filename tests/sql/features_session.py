"""Features of a session: macros and variables in queries, and what is refused. The macros are made by ``SETUP``."""

SETUP = (
    "CREATE MACRO half(x) AS x / 2",
    "CREATE MACRO add_to(x, more := 10) AS x + more",
    "CREATE MACRO area(a) AS a * a, (a, b) AS a * b",
    "CREATE MACRO share(x) AS sum(x) / count(*)",
    "CREATE MACRO largest_of(wanted) AS (SELECT max(amount) FROM sales WHERE region = wanted)",
    "CREATE MACRO above(least) AS TABLE SELECT id, region, amount FROM sales WHERE amount > least",
    "CREATE MACRO typed(x INTEGER) AS x + 1",
    "SET VARIABLE least = 20",
    "SET VARIABLE chosen = ['north', 'east']",
)

SECTIONS = {
    "Macros and variables": r"""
+ scalar macro: SELECT id, half(amount) AS h FROM sales
+ macro with a default and a named argument: SELECT add_to(id), add_to(id, 1) AS a, add_to(id, more := 2) AS b
  FROM sales
+ overloaded macro: SELECT area(id) AS one, area(id, 2) AS two FROM sales
+ macro around aggregates: SELECT region, share(amount) AS s FROM sales GROUP BY region
+ macro with a subquery: SELECT DISTINCT region, largest_of('north') AS l FROM sales
- macro with a subquery of a column: SELECT region, max(largest_of(region)) AS l FROM sales GROUP BY region -- a column
  as the argument of a macro with a subquery
+ macro in WHERE, GROUP BY and ORDER BY: SELECT half(item) AS h, count(*) AS n FROM sales WHERE half(amount) > 3
  GROUP BY half(item) ORDER BY half(item)
+ variable: SELECT id FROM sales WHERE amount > getvariable('least')
+ list in a variable: SELECT count(*) AS n FROM sales WHERE region IN getvariable('chosen')
+ variable in a macro's argument: SELECT sum(add_to(amount, getvariable('least'))) AS s FROM sales
+ table macro: SELECT region, sum(amount) AS s FROM above(20) GROUP BY region
+ table macro with an alias: SELECT a.id, s.item FROM above(getvariable('least')) AS a JOIN sales AS s USING (id)
- macro with types: SELECT typed(id::INTEGER) AS t FROM sales -- the overloads of the macro typed
- macro called as a method: SELECT id.add_to(5) AS t FROM sales -- a macro called by a qualified name or as a method
""",
    "Statements that are refused": r"""
! ATTACH: ATTACH 'other.db' -- ATTACH is not supported: a session has one database
! INSTALL and LOAD: INSTALL httpfs -- INSTALL is not supported: kernels have the extensions
! PRAGMA: PRAGMA enable_profiling -- PRAGMA is not supported: it sets or shows what belongs to one kernel
! CALL: CALL pragma_version() -- CALL is not supported: it runs a function for its effect
! EXPORT and IMPORT: EXPORT DATABASE 'folder' -- EXPORT is not supported: a session has one database
! CHECKPOINT: CHECKPOINT -- CHECKPOINT is not supported: there is no write-ahead log
! VACUUM: VACUUM -- VACUUM is not supported: old versions of tables go by themselves
! transactions: BEGIN TRANSACTION -- BEGIN is not supported: each statement is a transaction of its own
! CREATE SECRET: CREATE SECRET s (TYPE s3) -- CREATE SECRET is not supported
! CREATE SEQUENCE: CREATE SEQUENCE s -- CREATE SEQUENCE is not supported
! CREATE TYPE: CREATE TYPE t AS ENUM ('a') -- CREATE TYPE is not supported
! CREATE INDEX: CREATE INDEX i ON sales (id) -- CREATE INDEX is not supported
! settings of the kernel: SET memory_limit = '1GB' -- the setting memory_limit is not supported
! functions with an effect on a kernel: FROM enable_logging() -- it changes the kernel that runs it
""",
}
