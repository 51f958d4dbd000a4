"""Text on a screen: how wide it is, how it is cut, and what must not reach a terminal as it is."""

import re

from wcwidth import wcswidth, wcwidth

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
ELLIPSIS = "…"


def escape_controls(text: str) -> str:
    """Show control characters, direction marks and invisible ones as escapes, so that data cannot drive a terminal."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    mark = match.group()
    code = ord(mark)
    return _NAMED.get(mark) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def display_width(text: str) -> int:
    """The terminal columns that a text without control characters takes; an East Asian wide character takes two."""
    return len(text) if text.isascii() else max(0, wcswidth(text))


def fit(text: str, width: int) -> str:
    """The text itself when it is at most ``width`` columns wide, else its beginning and an ellipsis."""
    if display_width(text) <= width:
        return text
    used, end = 0, 0
    for mark in text:
        used += max(0, wcwidth(mark))
        if used > width - 1:
            break
        end += 1
    return text[:end] + ELLIPSIS


def pad(text: str, width: int, *, right: bool) -> str:
    """Fill a text with spaces up to a width; ``right`` aligns it to the right."""
    space = " " * (width - display_width(text))
    return space + text if right else text + space
