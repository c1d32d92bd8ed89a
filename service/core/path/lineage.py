"""Who stands behind the name of somebody in a path."""

from collections.abc import Iterable, Iterator

from service.core.model.certificate import Certificate
from service.core.names.comparison import canonical


def lineage(path: Iterable[Certificate]) -> Iterator[Certificate]:
    """Those of a path that bear the name of its first, one after the other, and the first of another name.

    An authority certifies its own next key; whoever has another name has certified the authority.

    Args:
        path: The certificate in question first, those above it after it.
    """
    name = None
    for certificate in path:
        own = canonical(certificate.subject.der)
        name = name or own
        yield certificate
        if own != name:
            return
