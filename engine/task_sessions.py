"""Opens sessions of this process's kernel for one task: its views bound, and interrupted when the task is cancelled."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from shoal.executor.cancellation import CancelToken
from shoal.executor.kernel import Kernel, Session
from shoal.executor.scan import scanned_files
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.task_inputs import TaskInputs
from shoal.planner.stage import TaskSpec

_HEAP_SHARE = 8


class TaskSessions:
    """For one task; the scans in ``native_names`` are left to the kernel, which knows files by name."""

    def __init__(
        self, kernel: Kernel, reader: ShuffleReader, spec: TaskSpec, token: CancelToken, native_names: frozenset[str]
    ) -> None:
        self.spec = spec
        self.files = tuple(dict.fromkeys(file for scan in spec.scans for file in scanned_files(scan)))
        self.token = token
        self._kernel = kernel
        self._reader = reader
        self._native = native_names
        self.keep_files = False
        """Whether the files may stay in memory for the next run."""
        self.interrupt: Callable[[], None] = _nothing
        """Stops what the latest session runs."""

    def open(self, stack: ExitStack) -> Session:
        """A new session, in which the task's names are bound, until the stack ends; raises what binding raises."""
        spec = self.spec
        opened = self._kernel.session(
            spec.settings, self.files, join_order=spec.kernel_join_order, keep_files=self.keep_files
        )
        session = self._enter(opened, stack)
        scans = tuple(scan for scan in spec.scans if scan.name not in self._native)
        heap = self._kernel.memory_bytes // _HEAP_SHARE
        TaskInputs(session, self._reader, replace(spec, scans=scans), self.token, heap).bind()
        return session

    def resume(self, session: Session, stack: ExitStack) -> Session:
        """A session that was opened for the same task before and kept; raises ``InterfaceError`` if it is of no use."""
        return self._enter(self._kernel.resumed(session, self.files, keep_files=self.keep_files), stack)

    def _enter(self, opened: AbstractContextManager[Session], stack: ExitStack) -> Session:
        session = stack.enter_context(opened)
        self.interrupt = session.interrupt
        stack.enter_context(self.token.waking(session.interrupt))
        return session


def _nothing() -> None:
    """Before there is a session there is nothing to interrupt."""
