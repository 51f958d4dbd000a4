"""What ``shoal`` without a subcommand does: connect, register tables, then run scripts or the interactive shell."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from shoal.formats.writer import Format
from shoal.planner.errors import ConnectionFailed, Error, InterfaceError, NoExecutors, VersionMismatch
from shoal.shell.batch import ScriptFailedError, ScriptRunner, read_script, report_failure
from shoal.shell.commands import CommandError, LeaveShell
from shoal.shell.driver import Connection
from shoal.shell.execute import Executor, Settings
from shoal.shell.messages import print_error, print_problem
from shoal.shell.output import Output, OutputFile, StandardOutput
from shoal.shell.script import Script


class ExitCode(IntEnum):
    """How the process ends."""

    OK = 0
    QUERY_ERROR = 1
    USAGE = 2
    CANNOT_CONNECT = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, read. ``memory`` is of each executor, in bytes."""

    url: str | None = None
    executors: int | None = None
    threads: int | None = None
    memory: int | None = None
    data: Path | None = None
    commands: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    output: Path | None = None
    format: Format = Format.TABLE
    limit: int | None = None
    progress: bool = True


def exit_code_of(error: Error) -> ExitCode:
    """The exit code that an error ends the process with."""
    match error:
        case ConnectionFailed() | VersionMismatch():
            return ExitCode.CANNOT_CONNECT
        case _:
            return ExitCode.QUERY_ERROR


def run_application(options: Options) -> ExitCode:
    """Do what the command line says; prints its own errors."""
    try:
        connection = _connect(options)
    except InterfaceError as error:
        print_error(error)
        return ExitCode.USAGE
    except (ConnectionFailed, VersionMismatch, NoExecutors) as error:
        print_error(error)
        return ExitCode.CANNOT_CONNECT
    except Error as error:
        print_error(error)
        return exit_code_of(error)
    with contextlib.closing(connection):
        try:
            return _run(options, connection)
        except ScriptFailedError as failure:
            report_failure(failure)
            return exit_code_of(failure.error) if isinstance(failure.error, Error) else ExitCode.QUERY_ERROR
        except Error as error:
            print_error(error)
            return exit_code_of(error)
        except CommandError as error:
            print_problem(str(error))
            return ExitCode.QUERY_ERROR


def _connect(options: Options) -> Connection:
    import shoal

    return shoal.connect(
        options.url,
        executors=options.executors,
        threads=options.threads,
        memory=options.memory,
        data=options.data,
    )


def _run(options: Options, connection: Connection) -> ExitCode:
    settings = Settings(format=options.format, limit=options.limit, progress=options.progress)
    interactive = not options.commands and not options.files and sys.stdin is not None and sys.stdin.isatty()
    if interactive:
        return _run_shell(options, connection, settings)
    executor = Executor(connection, settings)
    runner = ScriptRunner(executor, verbose=_is_watched())
    with _output(options) as output:
        executor.output = output
        with contextlib.suppress(LeaveShell):
            for command in options.commands:
                runner.run(Script(command))
            for file in options.files or (() if options.commands else (Path("-"),)):
                runner.run(read_script(file))
        runner.commands.close()
    return ExitCode.OK


def _run_shell(options: Options, connection: Connection, settings: Settings) -> ExitCode:
    from prompt_toolkit.output import create_output

    from shoal.shell.interactive import Shell

    with _output(options) as output:
        # Results may go to a file or pipe while the prompt stays on the terminal.
        shell = Shell(connection, settings, _title(options), output=create_output(always_prefer_tty=True))
        shell.send_results_to(output)
        shell.run()
    return ExitCode.OK


@contextlib.contextmanager
def _output(options: Options) -> Iterator[Output]:
    """Standard output, or the file of -o, which appears only when everything went well."""
    if options.output is None:
        yield StandardOutput()
        return
    with OutputFile(options.output) as file:
        yield file


def _is_watched() -> bool:
    """Whether somebody at a terminal sees both results and remarks."""
    return sys.stdout is not None and sys.stdout.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _title(options: Options) -> str:
    """What the status line calls the connection."""
    if options.url and options.url.removeprefix("shoal://").split("?")[0]:
        return options.url.split("?")[0]
    if options.executors:
        return f"local cluster of {options.executors}"
    return "embedded"
