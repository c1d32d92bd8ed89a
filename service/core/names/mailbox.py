"""Mail addresses under name constraints (RFC 5280 §4.2.1.10, §7.5; RFC 9549, RFC 9598).

The host is compared without regard to case, the local part exactly. What is not legible: a local part in quotes, since
readers differ about what it says and where it ends; a host that is an address literal; the empty base, as in `uri`.

Constraints of form rfc822Name hold for an SmtpUTF8Mailbox, but for its host alone: RFC 9598 §6 takes the local parts
away on both sides. Its host is made of A-labels; U-labels, as RFC 8398 had them, are not legible.
"""

import re

from service.core.der import tlv
from service.core.der.extension import oid
from service.core.model.malformed import MalformedError
from service.core.names.dns import host_labels
from service.core.names.subtrees import HOST_END, WILDCARD, Subtree
from service.core.names.uri import host_subtree

SMTP_UTF8_MAILBOX = oid("1.3.6.1.5.5.7.8.9")
"""id-on-SmtpUTF8Mailbox (RFC 9598 §3)."""

_UTF8_STRING = 0x0C

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~.\u00a0-\U0010ffff-]+"
_MAILBOX = re.compile(rf"(?P<local>{_ATOM})@(?P<host>[^@]+)", re.IGNORECASE)


def mailbox_path(value: bytes) -> tuple[str, ...] | None:
    """Where an rfc822Name lies, or None where it is no mail address."""
    found = _mailbox(value.decode("ascii")) if value.isascii() else None
    return None if found is None else (*found[0], HOST_END, found[1])


def mailbox_subtree(value: bytes) -> Subtree | None:
    """The subtree of an rfc822Name base: a mail address, a host, or a domain after a dot; None where it is none."""
    if b"@" not in value:
        return host_subtree(value)
    path = mailbox_path(value)
    return None if path is None else Subtree(path)


def is_smtp_utf8(value: bytes) -> bool:
    """Whether the content of an otherName is an SmtpUTF8Mailbox, or nobody knows what it is."""
    try:
        start, stop = tlv.expect(value, 0, len(value), tlv.OBJECT_IDENTIFIER)
    except MalformedError:
        return True
    return value[start:stop] == SMTP_UTF8_MAILBOX


def smtp_utf8_path(value: bytes) -> tuple[str, ...] | None:
    """Where an SmtpUTF8Mailbox lies, or None where it is no mail address: with its host, whatever its local part.

    A base with a local part on that host covers some of it: it permits nothing, and excludes it, as §6 has it.

    Args:
        value: The content of the otherName.
    """
    try:
        _, position = tlv.expect(value, 0, len(value), tlv.OBJECT_IDENTIFIER)
        start, stop = tlv.expect(value, position, len(value), tlv.context(0))
        start, end = tlv.expect(value, start, stop, _UTF8_STRING)
        text = value[start:end].decode("utf-8")
    except (MalformedError, UnicodeDecodeError):
        return None
    found = _mailbox(text) if end == stop == len(value) else None
    return None if found is None else (*found[0], HOST_END, WILDCARD)


def _mailbox(text: str) -> tuple[tuple[str, ...], str] | None:
    """The labels of the host and the local part of a mail address."""
    found = _MAILBOX.fullmatch(text)
    host = None if found is None else host_labels(found["host"])
    return None if found is None or host is None else (host, found["local"])
