"""One request and one answer a connection, each a line of JSON. This module has orders; `requests` has the others."""

import json
from base64 import b64decode, b64encode

from service.application.crl_fetcher import (
    KEY_DIGEST_OCTETS,
    MAX_AUTHORITIES,
    MAX_ORDER_PATH_OCTETS,
    MAX_ORDER_SIGNERS,
    CrlOrder,
    CrlSigner,
)
from service.core.model.attempt import Attempt, Problem

MAX_LINE_BYTES = 256 * 1024
"""An order holds a few URLs, 21 keys of 4 KiB and 64 KiB of certificates at most, a report a few attempts; a
certificate of 1 MiB cannot make one of either."""


class MessageError(ValueError):
    """A line that is no message."""


def encode_order(order: CrlOrder) -> bytes:
    """The line that asks for a CRL.

    Raises:
        MessageError: its URLs are too long.
    """
    return line({"kind": "order", **order_document(order)})


def decode_order(text: bytes) -> CrlOrder:
    """The order in a line.

    Raises:
        MessageError: it is none.
    """
    try:
        return read_order(json.loads(text))
    except (ValueError, TypeError) as error:
        raise error if isinstance(error, MessageError) else MessageError("not an order") from error


def order_document(order: CrlOrder) -> dict[str, object]:
    """An order as a part of a message."""
    signers = [
        [
            _text(signer.name),
            _text(signer.spki),
            [_text(der) for der in signer.path],
            [_text(digest) for digest in sorted(signer.authorities)],
        ]
        for signer in order.signers
    ]
    return {"urls": order.urls, "signers": signers}


def read_order(document: object) -> CrlOrder:
    """The order in a part of a message.

    Raises:
        MessageError: it is none.
    """
    if not isinstance(document, dict):
        raise MessageError("not an order")
    try:
        urls = tuple(str(url) for url in document["urls"])
        signers = tuple(_signer(*signer) for signer in document["signers"])
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not an order") from error
    if len(signers) > MAX_ORDER_SIGNERS:
        raise MessageError(f"an order for {len(signers)} keys; the limit is {MAX_ORDER_SIGNERS}")
    octets = sum(len(der) for signer in signers for der in signer.path)
    if octets > MAX_ORDER_PATH_OCTETS:
        raise MessageError(f"an order with {octets} octets of certificates; the limit is {MAX_ORDER_PATH_OCTETS}")
    return CrlOrder(urls, signers)


def encode_report(attempts: tuple[Attempt, ...]) -> bytes:
    """The line that says what came of an order."""
    return line({"attempts": [[attempt.source, attempt.problem.value, attempt.detail] for attempt in attempts]})


def decode_report(text: bytes) -> tuple[Attempt, ...]:
    """The report in a line.

    Raises:
        MessageError: it is none.
    """
    try:
        attempts = json.loads(text)["attempts"]
        return tuple(Attempt(str(source), Problem(problem), str(detail)) for source, problem, detail in attempts)
    except (ValueError, TypeError, KeyError) as error:
        raise MessageError("not a report") from error


def line(message: object) -> bytes:
    """A message as it is sent.

    Raises:
        MessageError: it is too long.
    """
    encoded = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(encoded) > MAX_LINE_BYTES:
        raise MessageError(f"a message of {len(encoded)} bytes; the limit is {MAX_LINE_BYTES}")
    return encoded


def _signer(name: str, spki: str, path: list[str], authorities: list[str]) -> CrlSigner:
    digests = frozenset(map(_octets, authorities))
    if len(digests) > MAX_AUTHORITIES or any(len(one) != KEY_DIGEST_OCTETS for one in digests):
        raise ValueError("not the digests of a few keys")
    return CrlSigner(_octets(name), _octets(spki), tuple(map(_octets, path)), digests)


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    return b64decode(text, validate=True)
