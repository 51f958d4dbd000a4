"""Hints for a word that is near to one that would have been right. Imports names."""

import difflib

from shoal.planner.names import shown_name


def suggest(word: str, candidates: tuple[str, ...]) -> str | None:
    """A hint that names what is near a word, or None; compares without case."""
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    near = difflib.get_close_matches(word.casefold(), list(by_fold), n=3, cutoff=0.6)
    if not near:
        return None
    return "did you mean " + " or ".join(f"{shown_name(by_fold[name])}" for name in near) + "?"
