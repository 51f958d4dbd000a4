"""Functions by the sections of DuckDB's manual; all of them are carried as they are written."""

SECTIONS = {
    "Functions": r"""
+ text, case: SELECT lower(region), upper(region), lcase(region), ucase(region), reverse(region), length(region),
  strlen(doc) FROM sales
+ text, parts: SELECT left(region, 2), right(region, 2), substring(region, 2, 2), substring(region FROM 2 FOR 2),
  substr(region, -2), left_grapheme(region, 1), array_extract(region, 2) FROM sales
+ text, trim and pad: SELECT trim(' a '), ltrim(region, 'n'), rtrim(region, 'h'), lpad(region, 8, '*'), rpad(region,
  8, '*'), trim(BOTH 'n' FROM region), trim(LEADING 'n' FROM region) FROM sales
+ text, search: SELECT contains(region, 'o'), starts_with(region, 'n'), suffix(region, 'h'), prefix(region, 'S'),
  position('o' IN region), strpos(region, 't'), instr(region, 'h') FROM sales
+ text, split: SELECT string_split(doc, ','), split_part(doc, ',', 1), str_split_regex(doc, '[,:]'),
  regexp_split_to_array(doc, ',') FROM sales
+ text, change: SELECT replace(region, 'o', '0'), translate(region, 'no', 'NO'), repeat(region, 2), overlay(region
  PLACING 'x' FROM 2 FOR 1), concat(region, NULL, id), concat_ws('-', region, id, NULL), format('{} {}', id,
  region), printf('%05d %s', id, region) FROM sales
+ text, other: SELECT ascii(region), chr(65 + item % 20), unicode(region), md5(region), sha256(region), hash(region)
  = hash(region), to_base64(region::BLOB), hex(region), bar(price, 0, 125, 10), strip_accents('é'),
  nfc_normalize(region), url_encode(doc) FROM sales
+ text, likeness: SELECT levenshtein(region, 'north'), jaccard(region, 'north'), jaro_similarity(region, 'north'),
  jaro_winkler_similarity(region, 'north'), damerau_levenshtein(region, 'south'), editdist3(region, 'x') FROM sales
  WHERE region IS NOT NULL
+ regular expressions: SELECT regexp_matches(region, 'o.*h'), regexp_full_match(region, 'n.*'),
  regexp_replace(region, '[nt]', '#', 'g'), regexp_extract(region, '(.)o', 1), regexp_extract_all(doc, '\d+'),
  regexp_matches(region, 'NORTH', 'i'), regexp_escape('a.b') FROM sales
+ regexp_extract with names: SELECT regexp_extract(doc, '"n": (\d+), "(\w+)"', ['n', 'key']) FROM sales
+ numbers: SELECT abs(amount), ceil(price), floor(price), round(price, 1), round_even(price, 0), trunc(price),
  sign(amount), even(price) FROM sales
+ roots and logs: SELECT sqrt(price), cbrt(price), exp(1), ln(price + 1), log(price + 1), log10(price + 1),
  log2(price + 1), log(2, price + 2), pow(price, 2), power(2, 3), gamma(price / 100 + 1), lgamma(price + 1) FROM
  sales
+ trigonometry: SELECT sin(price), cos(price), tan(price), cot(price + 1), asin(0.5), acos(0.5), atan(price),
  atan2(price, 2), sinh(1), cosh(1), tanh(price), degrees(price), radians(price), pi() FROM sales
+ numbers, other: SELECT greatest(item, 3, id), least(item, 3), gcd(id, 12), lcm(id, 4), factorial(item % 10),
  bit_count(id), isnan(price), isinf(price), isfinite(price), nextafter(price, 2)
  FROM sales
+ dates, parts: SELECT year(day), month(day), day(day), quarter(day), week(day), weekday(day), isodow(day),
  dayofyear(day), yearweek(day), era(day), century(day), decade(day), millennium(day), epoch(moment), julian(day),
  isoyear(day), dayname(day), monthname(day) FROM sales
+ extract: SELECT extract(year FROM day), extract('month' FROM day), date_part('dow', day), date_part(['year',
  'month'], day), extract(epoch FROM moment), extract(hour FROM moment), datepart('minute', moment) FROM sales
+ dates, arithmetic: SELECT day + 3, day - DATE '2020-01-01', day + INTERVAL 1 MONTH, moment - INTERVAL '2 hours',
  moment - TIMESTAMP '2020-01-01', INTERVAL (item) DAY, INTERVAL 3 WEEKS, to_months(item), to_days(3) * 2, day +
  TIME '10:00:00' FROM sales
+ dates, differences: SELECT date_diff('month', day, DATE '2021-01-01'), datediff('day', day, DATE '2021-01-01'),
  date_sub('month', day, DATE '2021-05-05'), datesub('hour', moment, TIMESTAMP '2021-01-01'), age(moment, TIMESTAMP
  '2019-01-01') FROM sales
+ dates, rounding: SELECT date_trunc('month', day), date_trunc('hour', moment), datetrunc('year', moment),
  last_day(day), time_bucket(INTERVAL 2 WEEKS, day), date_add(day, INTERVAL 2 DAY) FROM sales
+ dates, making: SELECT make_date(2020, 1, item % 28 + 1), make_time(1, 2, 3.5), make_timestamp(2020, 1, 2, 3, 4,
  5.5), make_timestamp(id), epoch_ms(id), to_timestamp(id), epoch_ms(moment), epoch_us(moment), epoch_ns(moment)
  FROM sales
+ dates, text: SELECT strftime(day, '%Y/%m/%d %a'), strftime(moment, '%H:%M'), strptime('02/03/2020', '%d/%m/%Y'),
  try_strptime(region, '%Y'), strptime('2020-01-01', ['%Y', '%Y-%m-%d']) FROM sales
+ time zones: SELECT timezone('UTC', moment), moment::TIMESTAMPTZ, extract(timezone FROM moment::TIMESTAMPTZ),
  date_trunc('day', moment::TIMESTAMPTZ), strftime(moment::TIMESTAMPTZ, '%Z') FROM sales
+ blobs and bits: SELECT encode(region), decode(encode(region)), octet_length(region::BLOB), from_hex('41'),
  '0101'::BIT & '0011'::BIT, bitstring('01', 5), get_bit('0101'::BIT, 2), unhex('42'), to_binary(id), bin(item) FROM
  sales
+ types: SELECT typeof(amount), typeof(info), can_cast_implicitly(id, 1.5), enum_range(NULL::ENUM('a', 'b')),
  pg_typeof(id) FROM sales
""",
}
