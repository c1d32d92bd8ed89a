"""DNS names and hosts under name constraints (RFC 5280 §4.2.1.10, §7.2).

Names are compared label by label without regard to case, as ASCII: an internationalized label is its A-label. A name is
legible when its labels consist of letters, digits, hyphens and underscores, which are in use, and have a length that
the DNS allows. One with a dot at its end, an empty label, or a wildcard that is not the whole first label is not.
"""

import re

from service.core.names.subtrees import WILDCARD, Reach, Subtree

MAX_HOST_CHARACTERS = 253
"""RFC 1035 §2.3.4: 255 octets in the DNS's own encoding."""

_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)

_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)

_LIKE_A_DNS_NAME = re.compile(
    r"(?:\*\.)?[a-z0-9_](?:-*[a-z0-9_])*(?:\.[a-z0-9_](?:-*[a-z0-9_])*)+", re.ASCII | re.IGNORECASE
)

MAX_COMMON_NAME_CHARACTERS = 256
"""Longer ones are no DNS names."""


def dns_path(value: bytes) -> tuple[str, ...] | None:
    """Where a dNSName lies, or None where it is none."""
    text = value.decode("latin-1").lower()
    if text.startswith("*."):
        domain = labels(text[2:])
        return None if domain is None else (*domain, WILDCARD)
    return labels(text)


def dns_subtree(value: bytes) -> Subtree | None:
    """The subtree of a dNSName base, or None where it is none. The empty base covers everything.

    A leading dot is nothing that RFC 5280 knows for DNS names. Many read it as "subdomains only", some refuse it; it
    excludes all that any of them would, and permits nothing.
    """
    text = value.decode("latin-1").lower()
    if not text:
        return Subtree(())
    if text.startswith("."):
        domain = labels(text[1:])
        return None if domain is None else Subtree(domain, Reach.DISPUTED)
    domain = labels(text)
    return None if domain is None else Subtree(domain)


def host_labels(text: str) -> tuple[str, ...] | None:
    """The labels of the host of a URI or a mailbox, from the right; None for an IP address and what is no host."""
    # ASCII before lower case: U+212A, the Kelvin sign, would become a k.
    found = labels(text.lower()) if text.isascii() else None
    # What ends in a number is an IPv4 address to those who open URLs, in one of its many spellings.
    return None if found is None or _NUMBER.fullmatch(found[0]) else found


def labels(text: str) -> tuple[str, ...] | None:
    """The labels of a name in lower case, from the right, or None where it is none."""
    if len(text) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(text):
        return None
    return tuple(reversed(text.split(".")))


def is_like_a_dns_name(text: str) -> bool:
    """Whether somebody may take a common name for a DNS name: two labels or more, the last no number."""
    return (
        len(text) <= MAX_COMMON_NAME_CHARACTERS
        and _LIKE_A_DNS_NAME.fullmatch(text) is not None
        and _NUMBER.fullmatch(text.lower().rpartition(".")[2]) is None
    )
