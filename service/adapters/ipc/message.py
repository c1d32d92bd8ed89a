"""One order and one report a connection, each a line of JSON."""

import json

from service.application.crl_fetcher import CrlOrder
from service.core.model.attempt import Attempt, Problem

MAX_LINE_BYTES = 256 * 1024
"""An order holds a few URLs and a key, a report a few attempts; a certificate of 1 MiB cannot make one of either."""


class MessageError(ValueError):
    """A line that is no message."""


def encode_order(order: CrlOrder) -> bytes:
    """The line that asks for a CRL."""
    return _line({"urls": order.urls, "signer_spki": order.signer_spki.hex()})


def decode_order(line: bytes) -> CrlOrder:
    """The order in a line.

    Raises:
        MessageError: it is none.
    """
    try:
        message = json.loads(line)
        urls = tuple(str(url) for url in message["urls"])
        return CrlOrder(urls, bytes.fromhex(message["signer_spki"]))
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an order") from error


def encode_report(attempts: tuple[Attempt, ...]) -> bytes:
    """The line that says what came of an order."""
    return _line({"attempts": [[attempt.source, attempt.problem.value, attempt.detail] for attempt in attempts]})


def decode_report(line: bytes) -> tuple[Attempt, ...]:
    """The report in a line.

    Raises:
        MessageError: it is none.
    """
    try:
        attempts = json.loads(line)["attempts"]
        return tuple(Attempt(str(source), Problem(problem), str(detail)) for source, problem, detail in attempts)
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not a report") from error


def _line(message: object) -> bytes:
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise MessageError(f"a message of {len(line)} bytes; the limit is {MAX_LINE_BYTES}")
    return line
