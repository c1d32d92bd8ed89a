"""URIs under name constraints (RFC 5280 §4.2.1.10): the constraint is on the host, and on nothing else.

A URI without an authority (`urn:`, `mailto:`), with an IP address for its host, or that two readers may understand
differently is not legible, and refused where URIs are constrained, as the RFC demands. The empty base is not legible:
it covers everything to some, as that of a dNSName does, and nothing to others.
"""

import re

from service.core.names.dns import host_labels
from service.core.names.subtrees import HOST_END, Reach, Subtree

_URI = re.compile(
    r"[a-z][a-z0-9+.-]*://"
    r"(?:[a-z0-9._~!$&'()*+,;=:%-]*@)?"  # user information: no second @, nothing that ends an authority
    r"(?P<host>[a-z0-9._-]+)"
    r"(?::[0-9]*)?"
    r"(?:[/?#][\x21-\x7e]*)?",
    re.ASCII | re.IGNORECASE,
)


def uri_path(value: bytes) -> tuple[str, ...] | None:
    """Where the host of a uniformResourceIdentifier lies, or None where it has none that can be compared."""
    found = _URI.fullmatch(value.decode("latin-1"))
    host = None if found is None else host_labels(found["host"])
    return None if host is None else (*host, HOST_END)


def host_subtree(value: bytes) -> Subtree | None:
    """The subtree of a base that is a host, or a domain after a dot; None where it is neither.

    A host is that host alone, and `.domain` every host below the domain but not the domain.
    """
    text = value.decode("latin-1")
    if text.startswith("."):
        domain = host_labels(text[1:])
        return None if domain is None else Subtree(domain, Reach.SUBDOMAINS)
    host = host_labels(text)
    return None if host is None else Subtree((*host, HOST_END))
