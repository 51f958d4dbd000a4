"""What tells one benchmark from another: its tables, its queries, and the program that generates its data."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark as the generator and the runner see it; plain data alone, so that it can be told to a process.

    ``key`` is the subcommand, ``texts`` the package with its ``q01.sql`` ..., ``generator`` a program of PyPI and its
    first words, ``sizes`` tables whose rows tell the scale, with their rows at scale 1: the first one tells a scale
    below 1, the last one any other. ``fraction`` is a number in the texts, as they write it, that the specification
    divides by the scale.
    """

    key: str
    title: str
    tables: tuple[str, ...]
    queries: int
    texts: str
    generator: tuple[str, ...]
    sizes: tuple[tuple[str, int], ...]
    fraction: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all queries."""
        return tuple(range(1, self.queries + 1))

    def query_text(self, number: int, scale: float = 1.0) -> str:
        """The SQL of one query for data of a scale factor."""
        text = files(self.texts).joinpath(f"q{number:02}.sql").read_text(encoding="utf-8")
        return text.replace(self.fraction, f"{float(self.fraction) / scale:.10f}") if self.fraction else text

    def parse_selection(self, text: str) -> tuple[int, ...]:
        """The query numbers that a text such as ``1,3-5`` names, ascending and without repeats.

        Raises ``ValueError`` when it is not a list of numbers, and ranges of them, of queries that there are.
        """
        chosen: set[int] = set()
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            low, high = int(first), int(last if dash else first)
            numbers = range(low, high + 1)
            if not numbers or low < 1 or high > self.queries:
                raise ValueError(f"{part.strip()!r} is not a query, or a range of queries, from 1 to {self.queries}")
            chosen.update(numbers)
        return tuple(sorted(chosen))


TPCH = Suite(
    key="tpch",
    title="TPC-H",
    tables=("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"),
    queries=22,
    texts="shoal.tpch.queries",
    generator=("tpchgen-cli", "parquet"),
    sizes=(("supplier", 10_000),),
    fraction="0.0001000000",
)
"""TPC-H, revision 3. Query 11 is the one whose FRACTION depends on the scale."""
