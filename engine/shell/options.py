"""Types of command line options; the reading itself is the executor's, imported when there is something to read."""

import click


class Size(click.ParamType[int]):
    """An amount of memory such as ``512MiB`` or ``4GB``, in bytes once it is read."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a size; a wrong one is a usage error."""
        from shoal.executor.resources import parse_size
        from shoal.planner.errors import InterfaceError

        if isinstance(value, int):
            return value
        try:
            return parse_size(str(value))
        except InterfaceError as error:
            self.fail(error.message, param, ctx)


class Address(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``, with or without ``shoal://``, as a pair once it is read; an IPv6 host stands in brackets."""

    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Read an address; a wrong one is a usage error."""
        from shoal.executor.resources import split_address
        from shoal.planner.errors import InterfaceError

        if isinstance(value, tuple):
            return value
        try:
            return split_address(str(value).removeprefix("shoal://").rstrip("/"))
        except InterfaceError as error:
            self.fail(error.message, param, ctx)
