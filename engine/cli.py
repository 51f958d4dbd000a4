"""The command line: ``shoal`` runs statements, ``shoal serve`` and ``shoal executor`` are the parts of a cluster.

Everything heavy is imported when it is needed: ``shoal --help`` loads click alone.
Exit codes: 0 ok, 1 a statement failed, 2 wrong usage, 3 cannot connect, 130 interrupted.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from shoal.shell.options import Address, Size

_FORMATS = ("table", "csv", "tsv", "json", "jsonl", "markdown", "vertical")

_HELP = """Shoal, a distributed SQL query engine.

Without SQL on the command line or on standard input an interactive shell starts. Results go to standard output,
everything else to standard error.

\b
  shoal -c "SELECT count(*) FROM 'orders.parquet'"
  shoal --data tpch/ -f report.sql --format csv -o report.csv
  shoal --executors 4
  shoal --url shoal://coordinator:7432
"""


def _serve_command() -> click.Command:
    return serve


def _executor_command() -> click.Command:
    return executor


def _tpch_command() -> click.Command:
    from shoal.tpch.cli import tpch

    return tpch


def _tpcds_command() -> click.Command:
    from shoal.tpcds.cli import tpcds

    return tpcds


_SUBCOMMANDS: dict[str, tuple[Callable[[], click.Command], str]] = {
    "executor": (_executor_command, "Run an executor that joins a coordinator."),
    "serve": (_serve_command, "Run a coordinator that clients and executors connect to."),
    "tpcds": (_tpcds_command, "Generate TPC-DS data, run its queries, compare and report."),
    "tpch": (_tpch_command, "Generate TPC-H data, run its queries, compare and report."),
}


class _Shoal(click.Group):
    """The top command: subcommands are loaded when they are called, and every way to fail has its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the subcommands."""
        return sorted(_SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of a name, or None."""
        found = _SUBCOMMANDS.get(cmd_name)
        return found[0]() if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in sorted(_SUBCOMMANDS.items())])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line, run it, and end the process with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = 130
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the exit code is what it returns, or that of its error."""
        try:
            code = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            # Who reads the output has had enough: no reason to complain, nor to try again at exit.
            _close_output()
            return 0
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            return 130
        except Exception as error:  # noqa: BLE001 - the end of the road: an error is shown, not a traceback
            return _report(error)


@click.group(
    cls=_Shoal, invoke_without_command=True, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("-c", "--command", "commands", multiple=True, metavar="SQL", help="Run SQL and end; repeatable.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Run a file of SQL and end, - for standard input; repeatable, after any -c.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write results to a file.")
@click.option(
    "--format", type=click.Choice(_FORMATS), default="table", show_default=True, help="How results are written."
)
@click.option("--limit", type=click.IntRange(min=0), help="Rows written of each result; 0 for all. [1000 on a screen]")
@click.option("--url", help="A coordinator, as shoal://HOST:PORT. [$SHOAL_URL]")
@click.option("--executors", type=click.IntRange(min=0), help="Start a local cluster of so many processes.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads, of each executor if there are any.")
@click.option("--memory", type=Size(), help="Memory of each executor, such as 4GB.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Make a table of each data file, or folder of them, in a directory.",
)
@click.option("--no-progress", is_flag=True, help="Never draw progress.")
@click.option("--version", is_flag=True, is_eager=True, help="Show the version and end.")
@click.pass_context
def cli(ctx: click.Context, /, version: bool, **values: Any) -> int | None:
    """Run statements, unless a subcommand follows."""
    if version:
        from shoal.version import __version__

        click.echo(f"shoal {__version__}")
        ctx.exit(0)
    if ctx.invoked_subcommand is not None:
        return None
    return _run_statements(ctx, values)


def _run_statements(ctx: click.Context, values: dict[str, Any]) -> int:
    from shoal.formats.writer import Format
    from shoal.shell.application import Options, run_application

    url, executors = values["url"], values["executors"]
    if url is None and executors is None:
        url = os.environ.get("SHOAL_URL") or None
    if url is not None and url.removeprefix("shoal://").split("?")[0].strip("/"):
        given = [name for name in ("executors", "threads", "memory", "data") if values[name] is not None]
        if given:
            raise click.UsageError(
                f"--{given[0]} is for a session in this process, not for the coordinator at {url}", ctx
            )
    options = Options(
        url=url,
        executors=executors,
        threads=values["threads"],
        memory=values["memory"],
        data=values["data"],
        commands=values["commands"],
        files=values["files"],
        output=values["output"],
        format=Format(values["format"]),
        limit=values["limit"],
        progress=not values["no_progress"],
    )
    with _ending_on_sigterm():
        return int(run_application(options))


@click.command(help="Run a coordinator that clients and executors connect to.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7432, show_default=True, help="0 for a free one.")
def serve(host: str, port: int) -> None:
    """Run a coordinator until it is told to stop."""
    from shoal.serve import serve_coordinator

    serve_coordinator(host, port)


@click.command(help="Run an executor that joins a coordinator.")
@click.option("--join", type=Address(), required=True, help="The coordinator.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the kernel. [all cores]")
@click.option("--memory", type=Size(), help="Memory, such as 4GB. [most of the machine's]")
@click.option("--name", help="A name that stays the same over restarts. [host and a random part]")
@click.option("--bind", "bind_host", default="", help="The address to serve outputs on. [every interface]")
@click.option("--advertise", "advertise_host", default="", help="The address others reach it under. [found out]")
def executor(
    join: tuple[str, int],
    threads: int | None,
    memory: int | None,
    name: str | None,
    bind_host: str,
    advertise_host: str,
) -> int:
    """Run an executor until it is told to stop; 3 when it cannot join."""
    from shoal.executor.supervisor import run_executor

    return run_executor(join, threads, memory, name=name, bind_host=bind_host, advertise_host=advertise_host)


@contextlib.contextmanager
def _ending_on_sigterm() -> Any:
    """End in order on SIGTERM and SIGHUP, so that what was started is stopped and temporary files go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    previous = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _report(error: Exception) -> int:
    from shoal.planner.errors import Error
    from shoal.shell.application import ExitCode, exit_code_of
    from shoal.shell.messages import print_error, print_problem

    if isinstance(error, Error):
        print_error(error)
        return exit_code_of(error)
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        print_problem(f"cannot write{where}: {error.strerror or error}")
        _flush_or_close()
        return ExitCode.QUERY_ERROR
    if os.environ.get("SHOAL_DEBUG"):
        raise error
    print_problem(
        f"{type(error).__name__}: {error}\n  hint: this is a defect of Shoal; SHOAL_DEBUG=1 shows where it is"
    )
    return ExitCode.QUERY_ERROR


def _flush_or_close() -> None:
    """Write what is left to standard output. If that cannot be, the interpreter's last flush must not try it again."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _close_output()


def _close_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush cannot fail either."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def main() -> None:
    """The entry point of the ``shoal`` command."""
    cli(prog_name="shoal")


if __name__ == "__main__":
    main()
