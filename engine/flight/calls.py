"""What every call to the coordinator goes through: whose session it is, and errors as statuses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie
from typing import NoReturn, Protocol, TypeVar

import grpc

from shoal.flight.requests import SESSION_KEY
from shoal.flight.sessions import ClientSession, Sessions
from shoal.flight.status import code_of, details_of, metadata_of
from shoal.planner.errors import Error, InternalError

QUICK_THREADS = 8

_LOG = logging.getLogger(__name__)
_NAME_LENGTH = 256
_T = TypeVar("_T")


class CallContext(Protocol):
    """What is used of ``grpc.aio.ServicerContext``."""

    def invocation_metadata(self) -> object:
        """The client's metadata: pairs."""

    def peer(self) -> str:
        """The client's address."""

    async def abort(self, code: grpc.StatusCode, details: str, trailing_metadata: object) -> NoReturn:
        """End the call."""

    async def send_initial_metadata(self, metadata: object) -> None:
        """Send metadata before the first message."""


class Calls:
    """Runs what calls ask for, away from the loop, in threads that statements cannot use up."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "shoal-call")

    async def quick(self, function: Callable[[], _T]) -> _T:
        """What a function that blocks only a little returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, function)

    async def session(self, context: CallContext) -> ClientSession:
        """The session of a call; raises ``ConnectionFailed`` if our client names one that is gone."""
        name, own = session_name(context)
        return await self.quick(lambda: self.sessions.get(name, own=own))

    def close(self) -> None:
        """End the threads; idempotent."""
        self._quick.shutdown(wait=False, cancel_futures=True)


@asynccontextmanager
async def answering(context: CallContext, sql: list[str] | None = None) -> AsyncIterator[None]:
    """Turn errors inside the block into the call's status. ``sql`` holds, if anything, the client's statement."""
    try:
        yield
    except Error as error:
        await _abort(context, error, sql)
    except (grpc.aio.AbortError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is told and the service goes on
        _LOG.exception("a call of a client failed")
        await _abort(context, InternalError(f"{type(error).__name__}: {error}"), sql)


async def _abort(context: CallContext, error: Error, sql: list[str] | None) -> NoReturn:
    _, own = session_name(context)
    metadata = metadata_of(error, sql[0] if sql else "", own=own)
    await context.abort(code_of(error), details_of(error), metadata)


def session_name(context: CallContext) -> tuple[str, bool]:
    """What names the session of a call, and whether the client is ours.

    Clients of others have the token that the handshake gave them, or a cookie, or else just their connection.
    """
    metadata = dict(context.invocation_metadata() or ())  # type: ignore[call-overload]
    own = _text(metadata.get(SESSION_KEY))
    if own:
        return own, True
    authorization = _text(metadata.get("authorization"))
    if authorization.lower().startswith("bearer "):
        return f"token {authorization[7:]}"[:_NAME_LENGTH], False
    try:
        cookie = SimpleCookie(_text(metadata.get("cookie"))).get(SESSION_KEY)
    except CookieError:
        cookie = None
    if cookie is not None:
        return f"cookie {cookie.value}"[:_NAME_LENGTH], False
    return f"peer {context.peer()}", False


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
