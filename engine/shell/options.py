"""Types of command line options."""

import re

import click

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: str) -> int:
    """Bytes of ``512MB``, ``1.5 GiB``, ``2g``: with an i powers of 1024, without powers of 1000, as DuckDB reads them.

    Raises ``ValueError``.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 512MB or 4GB")
    number, unit, binary = match.groups()
    size = int(float(number) * (1024 if binary else 1000) ** _POWERS[unit.lower()])
    if size <= 0:
        raise ValueError("a size is more than nothing")
    return size


class Size(click.ParamType[int]):
    """An amount of memory, in bytes once it is read."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a size; a wrong one is a usage error."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Address(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``, as a pair once it is read; an IPv6 host stands in brackets."""

    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Read an address; a wrong one is a usage error."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).removeprefix("shoal://").rstrip("/").rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return host, int(port)
