"""What a supervisor runs: ``python -m shoal.executor OPTIONS``, one worker process; people run ``shoal executor``."""

import asyncio
import ctypes
import logging
import os
import signal
import sys

from shoal.executor.worker import Worker
from shoal.executor.worker_options import ExitCode, Report, WorkerOptions
from shoal.executor.worker_services import WorkerServices
from shoal.planner import codec
from shoal.planner.errors import Error, OperationalError, ProtocolError

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Get SIGTERM when the thread that started this process ends, however it ends; at once if it is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit(ExitCode.INTERRUPTED)


async def live(options: WorkerOptions) -> ExitCode:
    """One life of an executor; errors that end it are told on standard error and to the supervisor."""
    worker = Worker(options, WorkerServices)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop, number)
    try:
        return await worker.run()
    except Error as error:
        sys.stderr.write(f"shoal executor {options.name}: {error}\n")
        worker.report(Report.ENDING, f"ended: {error.message}")
        return ExitCode.REFUSED if isinstance(error, OperationalError) else ExitCode.FAILED


def main() -> None:
    """Run one worker and end the process."""
    try:
        options = codec.decode(WorkerOptions, " ".join(sys.argv[1:]).encode())
    except ProtocolError as error:
        sys.stderr.write(f"this is what Shoal's supervisor runs; use `shoal executor` ({error.message})\n")
        raise SystemExit(ExitCode.USAGE) from error
    if options.parent:
        die_with(options.parent)
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {options.name} %(levelname)s %(message)s")
    code = asyncio.new_event_loop().run_until_complete(live(options))
    sys.stderr.flush()
    # Not sys.exit: a thread that never ends, or DuckDB's own end at interpreter exit, must not hold the process up.
    os._exit(code)


if __name__ == "__main__":
    main()
