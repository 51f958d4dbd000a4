"""Features of grouping: GROUP BY in all its forms, HAVING, FILTER, and every aggregate."""

SECTIONS = {
    "GROUP BY": r"""
+ columns: SELECT region, flag, count(*) FROM sales GROUP BY region, flag
+ expressions: SELECT year(day), month(day), sum(amount) FROM sales GROUP BY year(day), month(day)
+ positions: SELECT item % 3, region, count(*) FROM sales GROUP BY 1, 2
+ aliases: SELECT upper(region) AS r, count(*) FROM sales GROUP BY r
+ ALL: SELECT region, flag, count(*), sum(amount) FROM sales GROUP BY ALL
+ ALL with an expression over an aggregate: SELECT region, item % 2, sum(amount) / count(*) FROM sales GROUP BY ALL
+ no groups: SELECT count(*), sum(amount) FROM sales
+ one group: SELECT count(*), sum(amount) FROM sales GROUP BY ()
+ one group of no rows: SELECT count(*), sum(amount) FROM nothing GROUP BY ()
+ no rows: SELECT count(*), sum(amount), max(region) FROM nothing
+ no rows in groups: SELECT item, count(*) FROM nothing GROUP BY item
+ by structs and lists: SELECT info, nums, count(*) FROM sales GROUP BY info, nums
+ HAVING: SELECT item, count(*) AS n FROM sales GROUP BY item HAVING sum(amount) > 0 AND n > 70
+ HAVING without groups: SELECT sum(amount) FROM sales HAVING count(*) > 100
+ HAVING with a subquery: SELECT item FROM sales GROUP BY item HAVING sum(amount) > (SELECT avg(weight) FROM items)
+ GROUPING SETS: SELECT region, flag, count(*) FROM sales GROUP BY GROUPING SETS ((region, flag), (region), ())
+ GROUPING SETS with a repeated set: SELECT region, count(*) FROM sales GROUP BY GROUPING SETS ((region), (region),
  ())
+ ROLLUP: SELECT region, flag, sum(amount), avg(price), count(DISTINCT item) FROM sales GROUP BY ROLLUP (region,
  flag)
+ CUBE: SELECT region, flag, item % 2, count(*) FROM sales GROUP BY CUBE (region, flag, item % 2)
+ ROLLUP of tuples: SELECT region, flag, item % 2 AS m, count(*) FROM sales GROUP BY ROLLUP ((region, flag), item %
  2)
+ columns beside ROLLUP: SELECT region, flag, count(*) FROM sales GROUP BY region, ROLLUP (flag)
+ CUBE beside ROLLUP: SELECT region, flag, item % 2 AS m, count(*) FROM sales GROUP BY CUBE (region), ROLLUP (flag,
  m)
+ nested GROUPING SETS: SELECT region, flag, count(*) FROM sales GROUP BY GROUPING SETS (ROLLUP (region), CUBE
  (flag))
+ GROUPING: SELECT region, flag, GROUPING(region), GROUPING(region, flag), count(*) FROM sales GROUP BY CUBE
  (region, flag)
+ GROUPING_ID: SELECT region, flag, GROUPING_ID(region, flag) AS g FROM sales GROUP BY ROLLUP (region, flag) HAVING
  g < 3
+ grouping sets over no rows: SELECT item, count(*) FROM nothing GROUP BY ROLLUP (item)
+ the empty grouping set over no rows: SELECT count(*) FROM nothing GROUP BY GROUPING SETS ((), ())
+ grouping sets in order: SELECT region, sum(amount) AS s FROM sales GROUP BY ROLLUP (region) ORDER BY
  GROUPING(region), s
""",
    "Aggregates": r"""
+ count, sum, avg, min, max: SELECT item, count(*), count(flag), sum(amount), avg(price), min(day), max(region) FROM
  sales GROUP BY item
+ count(): SELECT count() FROM sales
+ DISTINCT: SELECT region, count(DISTINCT item), sum(DISTINCT amount) FROM sales GROUP BY region
+ DISTINCT without groups: SELECT count(DISTINCT item), sum(DISTINCT item) FROM sales
+ DISTINCT over rows: SELECT count(DISTINCT (item, region)) FROM sales
+ FILTER: SELECT region, count(*) FILTER (flag), sum(amount) FILTER (WHERE amount > 0) FROM sales GROUP BY region
+ FILTER of DISTINCT: SELECT region, count(DISTINCT item) FILTER (WHERE flag) FROM sales GROUP BY region
+ of expressions: SELECT region, sum(amount * 2 + price), max(length(doc)) FROM sales GROUP BY region
+ in expressions: SELECT region, sum(amount) / count(*) * 100 AS mean FROM sales GROUP BY region
+ list with an order: SELECT item, list(id ORDER BY id DESC) FROM sales GROUP BY item
+ array_agg with an order: SELECT region, array_agg(id ORDER BY amount, id) FROM sales GROUP BY region
+ string_agg with an order: SELECT flag, string_agg(region, '; ' ORDER BY id) FROM sales GROUP BY flag
+ string_agg of DISTINCT: SELECT flag, string_agg(DISTINCT region, ',' ORDER BY region) FROM sales GROUP BY flag
+ list of DISTINCT: SELECT flag, list_sort(list(DISTINCT region)) FROM sales GROUP BY flag
+ first and last with an order: SELECT item, first(id ORDER BY id), last(id ORDER BY id) FROM sales GROUP BY item
+ any_value with an order: SELECT item, any_value(region ORDER BY id) FROM sales GROUP BY item
+ ordered, without groups: SELECT list(id ORDER BY id) FROM sales WHERE id < 50
+ arg_min, arg_max: SELECT item, arg_min(id, amount * 10000 + id), arg_max(id, amount * 10000 + id) FROM sales GROUP
  BY item
+ arg_max of several: SELECT item, arg_max(id, amount * 10000 + id, 3), max(id, 2), min(id, 2) FROM sales GROUP BY
  item
+ bool_and, bool_or: SELECT item, bool_and(flag), bool_or(flag) FROM sales GROUP BY item
+ bit_and, bit_or, bit_xor: SELECT region, bit_and(item), bit_or(item), bit_xor(item) FROM sales GROUP BY region
+ bitstring_agg: SELECT region, bitstring_agg(item, 0, 40) FROM sales GROUP BY region
+ count_if, countif: SELECT region, count_if(amount > 0), countif(flag) FROM sales GROUP BY region
+ product: SELECT item, product(1 + abs(item) / 1000) FROM sales GROUP BY item
- geomean: SELECT item, geomean(1 + price) FROM sales GROUP BY item -- is left to the kernel
+ fsum, kahan_sum, favg: SELECT item, round(fsum(price), 6), round(kahan_sum(price), 6), round(favg(price), 6) FROM
  sales GROUP BY item
+ histogram: SELECT region, histogram(item) FROM sales GROUP BY region
+ histogram of given bins: SELECT region, histogram(item, [10, 20, 30]) FROM sales GROUP BY region
+ histogram_exact: SELECT region, histogram_exact(item, [1, 2, 3]) FROM sales GROUP BY region
+ median, mad, mode: SELECT item, median(price), mad(price), mode(item) FROM sales GROUP BY item
+ quantile_cont, quantile_disc: SELECT item, quantile_cont(price, 0.3), quantile_disc(price, [0.25, 0.75]) FROM
  sales GROUP BY item
+ WITHIN GROUP: SELECT item, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM sales GROUP BY item
+ WITHIN GROUP, falling: SELECT item, percentile_disc(0.2) WITHIN GROUP (ORDER BY price DESC) FROM sales GROUP BY
  item
+ mode WITHIN GROUP: SELECT item % 2 AS m, mode() WITHIN GROUP (ORDER BY item % 2) FROM sales GROUP BY m
+ approx_count_distinct: SELECT region, approx_count_distinct(item) BETWEEN 30 AND 50 FROM sales GROUP BY region
+ approx_quantile: SELECT approx_quantile(price, 0.5) BETWEEN 50 AND 75 FROM sales
- approx_top_k: SELECT len(approx_top_k(item, 3)) FROM sales -- is left to the kernel
+ reservoir_quantile: SELECT reservoir_quantile(price, 0.5) > 0 FROM sales
+ entropy: SELECT region, round(entropy(item), 9) FROM sales GROUP BY region
+ variance and deviation: SELECT item, var_pop(price), var_samp(price), variance(price), stddev(price),
  stddev_pop(price), sem(price) FROM sales GROUP BY item
+ skewness, kurtosis: SELECT item, skewness(price), kurtosis(price), kurtosis_pop(price) FROM sales GROUP BY item
+ corr and covar: SELECT region, corr(price, amount), covar_pop(price, amount), covar_samp(price, amount) FROM sales
  GROUP BY region
+ regr_*: SELECT region, regr_slope(price, amount), regr_intercept(price, amount), regr_r2(price, amount),
  regr_count(price, amount), regr_avgx(price, amount), regr_avgy(price, amount), regr_sxx(price, amount),
  regr_sxy(price, amount), regr_syy(price, amount) FROM sales GROUP BY region
- weighted_avg: SELECT region, weighted_avg(price, item) FROM sales GROUP BY region -- is left to the kernel
- json_group_array: SELECT item, json_array_length(json_group_array(id)) FROM sales GROUP BY item -- is left to the
  kernel
- json_group_object: SELECT region, json_type(json_group_object(item, id)) FROM sales WHERE item < 9 GROUP BY region
  -- is left to the kernel
+ list aggregates: SELECT id, list_sum(nums), list_aggregate(nums, 'max'), list_avg(nums) FROM sales
- of an outer query: SELECT item, (SELECT max(label || sum(s.amount)) FROM items WHERE item = 3) FROM sales s GROUP
  BY item -- the kernel does not take an expression as the planner wrote it
""",
}
