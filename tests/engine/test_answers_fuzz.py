"""A few random statements of fixed seeds; ``make fuzz`` tries as many as there is time for."""

from tests.fuzz import Fuzzer
from tests.fuzz_queries import Generator

FIRST_SEED = 20_000
SECONDS = 5.0


def test_random_statements_give_duckdbs_answers() -> None:
    with Fuzzer() as fuzzer:
        tried = list(fuzzer.findings(FIRST_SEED, SECONDS, most=60))
    assert tried
    assert [str(finding) for finding in tried if finding is not None] == []


def test_the_same_seed_makes_the_same_statement() -> None:
    statements = [Generator(seed).statement() for seed in range(200)]
    assert statements == [Generator(seed).statement() for seed in range(200)]
    assert len(set(statements)) == 200


def test_a_wrong_answer_is_found() -> None:
    """A fuzzer that finds nothing may be blind: with other rows on one side it must say so."""
    with Fuzzer() as fuzzer:
        fuzzer.duck.execute("DELETE FROM a WHERE id < 700")
        tried = fuzzer.findings(FIRST_SEED, 4 * SECONDS)
        assert any(finding is not None for finding in tried)
