"""Where results go: standard output, or a file that appears under its name only when everything has been written."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, cast

from shoal.formats.writer import Expanded, Layout

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Output(Protocol):
    """A destination of results."""

    @property
    def stream(self) -> BinaryIO:
        """Where the bytes go."""

    @property
    def is_screen(self) -> bool:
        """Whether somebody looks at it right now."""

    def layout(self, expanded: Expanded) -> Layout:
        """How a display format may use it."""


class StandardOutput:
    """The process's standard output, as it is at each use."""

    @property
    def stream(self) -> BinaryIO:
        """Where the bytes go; they are swallowed when standard output is closed."""
        if sys.stdout is None:
            return cast(BinaryIO, _Nowhere())
        sys.stdout.flush()
        return sys.stdout.buffer

    @property
    def is_screen(self) -> bool:
        """Whether it is a terminal."""
        return sys.stdout is not None and sys.stdout.isatty()

    def layout(self, expanded: Expanded) -> Layout:
        """As wide as the terminal, in colour unless that is not wanted; a file or pipe has no width."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        if not self.is_screen:
            return Layout(encoding=encoding, expanded=Expanded.OFF if expanded is Expanded.AUTO else expanded)
        width = shutil.get_terminal_size().columns
        return Layout(width=width, colour=wants_colour(), encoding=encoding, expanded=expanded)


class _Nowhere(io.RawIOBase):
    """A stream that swallows what is written."""

    def write(self, data: "ReadableBuffer") -> int:
        """Take everything."""
        return memoryview(data).nbytes


class OutputFile:
    """A file written beside its place and renamed into it when the ``with`` block ends well; removed otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary: Path | None = None
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Create the temporary file; raises ``OSError``."""
        if self._path.exists() and not self._path.is_file():
            # A pipe or a device cannot be replaced: it is written as it is.
            self._stream = self._path.open("wb")
            return self
        folder = self._path.resolve().parent
        number, name = tempfile.mkstemp(prefix=f".{self._path.name}.", suffix=".part", dir=folder)
        self._temporary = Path(name)
        self._stream = os.fdopen(number, "wb")
        with contextlib.suppress(OSError):
            self._temporary.chmod(self._path.stat().st_mode & 0o777 if self._path.exists() else 0o666 & ~_umask())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None:
                self._stream.close()
            if self._temporary is not None and kind is None:
                self._temporary.replace(self._path.resolve())
                self._temporary = None
        finally:
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    @property
    def stream(self) -> BinaryIO:
        """The temporary file."""
        assert self._stream is not None, "the with block has not begun"
        return self._stream

    @property
    def is_screen(self) -> bool:
        """Nobody looks at a file while it is written."""
        return False

    def layout(self, expanded: Expanded) -> Layout:
        """A file is as wide as it must be."""
        return Layout(expanded=Expanded.OFF if expanded is Expanded.AUTO else expanded)


def wants_colour() -> bool:
    """Whether colours may be used on a terminal (see no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
