"""The line after a result: how many rows, how long it took."""

from shoal.shell.execute import Outcome


def describe_outcome(outcome: Outcome, *, timing: bool) -> str:
    """``3 rows in 0.012 s``; says so when rows were left out."""
    seconds = f"{outcome.seconds:.3f} s" if outcome.seconds < 10 else f"{outcome.seconds:.1f} s"
    if outcome.rows is None:
        return f"done in {seconds}" if timing else "done"
    rows = f"{outcome.rows:,} row{'' if outcome.rows == 1 else 's'}"
    if outcome.cut:
        rows = f"first {rows} shown, there are more (\\limit 0 or --limit 0 shows all),"
    return f"{rows} in {seconds}" if timing else rows.rstrip(",")
