"""Intermediates that lead nowhere: most often their root was forgotten, or somebody's leaf slipped in."""

from collections.abc import Iterable

from service.core.der.signature import SignatureResult, verify
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical


def unchained(store: TrustStore) -> tuple[Certificate, ...]:
    """The store's own intermediates from which no path of names and signatures leads to one of its anchors.

    It is a warning and no verdict: whether such a path may be taken is decided for each request. Intermediates from the
    settings may be part of the path, and are not expected to chain in every store.
    """
    candidates = store.intermediates
    by_issuer: dict[bytes, list[Certificate]] = {}
    for certificate in candidates:
        by_issuer.setdefault(canonical(certificate.issuer.der), []).append(certificate)
    chained: set[Certificate] = set()
    frontier = list(store.anchors)
    while frontier:
        issuer = frontier.pop()
        issued = [one for one in _issued(issuer, by_issuer) if one not in chained]
        chained.update(issued)
        frontier.extend(issued)
    own = (candidates & store.certificates) - chained
    return tuple(sorted(own, key=lambda one: one.subject.text))


def _issued(issuer: Certificate, by_issuer: dict[bytes, list[Certificate]]) -> Iterable[Certificate]:
    for certificate in by_issuer.get(canonical(issuer.subject.der), ()):
        if verify(certificate.signature, issuer.public_key) is SignatureResult.VALID:
            yield certificate
