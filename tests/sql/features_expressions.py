"""Features of expressions: CASE, casts, literals, nested types, lambdas, JSON, dates, clocks."""

SECTIONS = {
    "Expressions": r"""
+ CASE: SELECT CASE WHEN amount > 0 THEN 'in' WHEN amount < 0 THEN 'out' ELSE 'none' END AS c, id FROM sales
+ simple CASE: SELECT CASE region WHEN 'north' THEN 1 WHEN 'South' THEN 2 END AS c, id FROM sales
+ if: SELECT if(flag, 1, 2), ifnull(item, 0), nullif(item, 3), coalesce(region, 'none') FROM sales
+ CAST: SELECT CAST(id AS VARCHAR), CAST(amount AS INTEGER), CAST(day AS TIMESTAMP) FROM sales
+ ::: SELECT id::DOUBLE, amount::VARCHAR, day::VARCHAR::DATE, '7'::TINYINT FROM sales
+ TRY_CAST: SELECT TRY_CAST(region AS INTEGER), TRY_CAST(id AS TINYINT) FROM sales
+ TRY: SELECT id, TRY(ln(amount)) FROM sales
+ typed literals: SELECT DATE '2020-01-01', TIMESTAMP '2020-01-01 10:00:00', INTERVAL '3' MONTH, TIME '10:30:00'
  FROM items
+ intervals of several parts: SELECT item, INTERVAL '1 day 02:00:00', INTERVAL '2 months ago', INTERVAL '1.5 days' FROM
  items
+ literals of bytes and bits: SELECT x'41FF', B'0101', label FROM items
+ number literals: SELECT 1_000_000, 0xFF, 0b101, 1e3, .5, 123.45 FROM items
+ string literals: SELECT 'it''s', E'a\nb\t\'c', $$dollar 'quoted'$$, $x$tagged$x$, '\x41'::BLOB FROM items
+ arithmetic: SELECT id + 1, id - 1, id * 2, id / 7, id // 7, id % 7, item ^ 2, item ** 2, -id, +id FROM sales
+ division: SELECT id / 0, id // 3, id % 4, 1.0 / 3, 7::FLOAT / 2 FROM sales
+ bits: SELECT id & 7, id | 8, xor(id, 3), ~id, id << 2, id >> 1 FROM sales
+ factorial and @: SELECT @amount, (item % 10)! FROM sales
+ string operators: SELECT region || '!' || id, region || NULL, 'a' ^@ 'a' FROM sales
+ precedence: SELECT NOT flag = true OR item + 2 * 3 ^ 2 > 20 AND region IS NULL AS p, -2 ^ 2, 2 + 3 || 'x' FROM
  sales
+ comparison chain: SELECT (item < 5) = flag, item BETWEEN 1 AND 5 AND flag FROM sales
+ collation in a comparison: SELECT id FROM sales WHERE region COLLATE NOCASE = 'SOUTH'
+ collation in a join: SELECT s.id, i.item FROM sales s JOIN items i ON s.region COLLATE NOCASE = upper(i.region) AND
  s.id = i.item
- collation of groups: SELECT region COLLATE NOCASE AS r, count(*) FROM sales GROUP BY r ORDER BY r -- is left to the
  kernel
+ rows: SELECT (item, region), row(item, region), (item, region) = (3, 'north') FROM sales
+ dot chaining: SELECT region.upper().replace('O', '0'), ('a' || region).length() FROM sales
+ slices of strings: SELECT region[1], region[2:3], region[-2:], region[:2] FROM sales
- positional reference: SELECT #1 FROM (SELECT id FROM sales) -- is left to the kernel
+ AT TIME ZONE: SELECT moment AT TIME ZONE 'Europe/Berlin', moment::TIMESTAMPTZ AT TIME ZONE 'Asia/Tokyo' FROM sales
+ comments: SELECT id /* one */, item /* two */ FROM sales
+ sequence of casts of NULL: SELECT NULL, NULL::INTEGER, nullif(1, 1) FROM items
""",
    "Lists, structs, maps, unions": r"""
+ list literals: SELECT [id, item, NULL], ARRAY[1, 2], list_value(id) FROM sales
+ list index and slices: SELECT nums[1], nums[-1], nums[1:2], nums[2:], tags[:1], nums[1:3:2] FROM sales
+ list functions: SELECT len(nums), list_contains(nums, 2), list_position(nums, 1), list_sort(nums),
  list_reverse(tags) FROM sales
+ list_has_any and operators: SELECT nums && [1, 2], tags @> ['tag 1'], ['tag 1'] <@ tags FROM sales
+ list_concat: SELECT nums || [9], list_concat(nums, [1]), list_append(nums, 5), list_prepend(0, nums) FROM sales
+ list_distinct, unique: SELECT list_sort(list_distinct(nums)), list_unique(nums), array_to_string(tags, '-') FROM
  sales
+ list_transform: SELECT list_transform(nums, lambda x: x + 1) FROM sales
+ lambda over other columns: SELECT list_transform(nums, lambda x: x + item) FROM sales
+ lambda with an index: SELECT list_transform(nums, lambda x, i: x * i) FROM sales
+ list_filter: SELECT list_filter(nums, lambda x: x > 1 AND x < id) FROM sales
+ list_reduce: SELECT list_reduce([1, 2, item], lambda a, b: coalesce(a, 0) + coalesce(b, 0)) FROM sales
+ nested lambdas: SELECT list_transform([nums], lambda l: list_transform(l, lambda x: x + len(l))) FROM sales
+ list comprehension: SELECT [x + 1 for x in nums] FROM sales
+ list comprehension with IF: SELECT [x * item for x in nums if x > 0] FROM sales
+ apply and filter chained: SELECT tags.list_transform(lambda t: t.upper()).list_filter(lambda t: t LIKE '%1') FROM
  sales
+ list_zip, flatten: SELECT list_zip(nums, tags), flatten([nums, [1]]), generate_series(1, item % 4), range(item %
  3) FROM sales
+ struct literals: SELECT {'a': id, 'b': region}, struct_pack(x := id, y := item), row(1, 2) FROM sales
+ struct access: SELECT info.a, info.b, info.c.d, info['a'], struct_extract(info, 'b'), sales.info.a FROM sales
+ struct functions: SELECT struct_insert(info, z := id), struct_keys(info), struct_concat(info, {'q': 1}) FROM sales
+ struct casts: SELECT {'a': id}::STRUCT(a VARCHAR), row(1, 'x')::STRUCT(n INTEGER, s VARCHAR) FROM sales
+ map literals: SELECT MAP {'a': id, 'b': item}, map(['x'], [region]), map_from_entries([(id, item)]) FROM sales
+ map access: SELECT attrs['size'], attrs['none'], map_keys(attrs), map_values(attrs), cardinality(attrs),
  map_extract(attrs, 'kind') FROM sales
+ unions: SELECT union_value(n := id), union_value(s := region)::UNION(n INTEGER, s VARCHAR) FROM sales
+ union access: SELECT u.n, union_tag(u), union_extract(u, 'n') FROM (SELECT union_value(n := id) AS u FROM sales)
+ arrays: SELECT array_value(id, item), [1, 2, 3]::INTEGER[3], array_distance([1.0, 2.0]::FLOAT[2], [price,
  1]::FLOAT[2]) FROM sales
+ nested comparisons: SELECT id FROM sales WHERE info > {'a': 5, 'b': 'b1', 'c': {'d': true}} AND nums < [3]
+ enums: SELECT region::ENUM('north', 'South', 'east') AS e, id FROM sales
""",
    "JSON": r"""
+ ->: SELECT doc::JSON -> 'list', doc::JSON -> '$.n', doc::JSON -> 'list' -> 0 FROM sales
+ ->>: SELECT doc::JSON ->> 'name', doc::JSON ->> '$.list[1]', (doc::JSON ->> 'n')::INTEGER FROM sales
+ -> of a text: SELECT doc ->> 'name' FROM sales WHERE (doc -> 'n') > '3'
+ json_extract: SELECT json_extract(doc, '$.n'), json_extract_string(doc, '$.name'), json_extract(doc, ['$.n',
  '$.list[0]']) FROM sales
+ dot access: SELECT j.n, j.list[1] FROM (SELECT doc::JSON AS j FROM sales)
+ json functions: SELECT json_type(doc), json_keys(doc), json_array_length(doc, '$.list'), json_valid(doc),
  json_structure(doc) FROM sales
+ json_object, json_array: SELECT json_object('a', id, 'b', region), json_array(id, region), to_json(info),
  json_quote(region) FROM sales
+ json_transform: SELECT json_transform(doc, '{"n": "INTEGER"}').n, from_json(doc, '{"list": ["INTEGER"]}') FROM
  sales
+ json_contains: SELECT json_contains(doc, '1'), json_exists(doc, '$.x'), json_value(doc, '$.n'),
  json_merge_patch(doc, '{}') FROM sales
+ grouped: SELECT doc ->> '$.n' AS n, count(*) FROM sales GROUP BY n
""",
    "Once a statement": r"""
+ current_date, today: SELECT id, current_date = today(), day < current_date FROM sales
+ now: SELECT count(*), now() = current_timestamp, now() = get_current_timestamp(), now() = transaction_timestamp()
  FROM sales
+ now in all rows: SELECT count(DISTINCT now()), count(DISTINCT current_time), count(DISTINCT localtimestamp) FROM
  sales
+ age of one: SELECT id, age(moment) > INTERVAL 1 YEAR, moment < localtimestamp FROM sales
- random: SELECT count(*) FROM (SELECT random() AS r FROM sales) WHERE r >= 0 -- another value at each call
- uuid: SELECT count(DISTINCT u) FROM (SELECT uuid() AS u FROM sales) -- another value at each call
- current_setting: SELECT id, current_setting('TimeZone') FROM sales -- is left to the kernel
- version and schema: SELECT id, version() IS NOT NULL, current_schema() FROM sales -- is left to the kernel
""",
}
