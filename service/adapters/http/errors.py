"""The one place where what goes wrong on the way to an origin becomes an `OriginError`.

Everything that httpx, httpcore, h11, anyio, ssl and the operating system raise ends here. Cancellation does not: it
is no `Exception`, and passes.

    OriginError                                  as it is: the guard, a limit, a coding
    TimeoutError, *TimeoutException              TIMED_OUT
    RemoteProtocolError, the peer went away      UNREACHABLE
    RemoteProtocolError, else                    MALFORMED
    LocalProtocolError, InvalidURL, ValueError   MALFORMED
    NetworkError, ProxyError, OSError, anyio     UNREACHABLE
    anything else                                INTERNAL: a fault of ours or of a library
"""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import httpcore
import httpx

from service.adapters.http.guard import MAX_SHOWN
from service.application.origin import OriginError
from service.core.model.attempt import Problem

_TIMEOUTS = (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException)
_REMOTE = (httpx.RemoteProtocolError, httpcore.RemoteProtocolError)
# UnicodeError (a name that IDNA cannot encode) and the errors of `ssl` about host names are ValueErrors. `ssl.SSLError`
# is an OSError too, so the order in `_problem` matters: a certificate for another name is UNREACHABLE.
_NOT_REACHED = (
    httpx.NetworkError,
    httpx.ProxyError,
    httpcore.NetworkError,
    httpcore.ProxyError,
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
_UNUSABLE = (httpx.ProtocolError, httpcore.ProtocolError, httpx.InvalidURL, ValueError)

# How h11 and httpcore say that the connection ended where more was due; they have no type for it. Were the words to
# change, a broken connection would be called MALFORMED: as unusable, and tests/adapters/http would say so.
_WENT_AWAY = ("peer closed connection", "Server disconnected")


@contextmanager
def as_origin_errors(authority: str) -> Iterator[None]:
    """Let nothing out but `OriginError` and cancellation.

    Args:
        authority: Host and port that were asked, for the detail.
    """
    try:
        yield
    except OriginError:
        raise
    except Exception as error:
        raise OriginError(_problem(error), f"{authority}: {_reason(error)}") from error


def _problem(error: Exception) -> Problem:
    if isinstance(error, _TIMEOUTS):
        return Problem.TIMED_OUT
    if isinstance(error, _REMOTE):
        return Problem.UNREACHABLE if str(error).startswith(_WENT_AWAY) else Problem.MALFORMED
    if isinstance(error, _NOT_REACHED):
        return Problem.UNREACHABLE
    if isinstance(error, _UNUSABLE):
        return Problem.MALFORMED
    return Problem.INTERNAL


def _reason(error: Exception) -> str:
    """What the innermost exception says: "Connection refused" rather than "All connection attempts failed"."""
    if isinstance(error, _TIMEOUTS):
        return "no answer in the time allowed"
    innermost: BaseException = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    text = (isinstance(innermost, OSError) and innermost.strerror) or str(innermost)
    # An exception may repeat what the peer sent.
    printable = text.encode("unicode_escape").decode("ascii")[: 2 * MAX_SHOWN]
    return printable or type(innermost).__name__
