"""Trust stores: which certificates are anchors, and the index that path building searches."""

from collections.abc import Iterable
from enum import Enum
from hashlib import sha256

from service.core.der.signature import SignatureResult, verify
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical, same_name


class AnchorRule(Enum):
    """Which certificates of a store are trust anchors."""

    SELF_SIGNED = "self-signed"
    """The self-signed ones, the others are intermediates; all of them where none is self-signed."""
    EVERY = "every"
    """Every certificate of the store: a path may end at an intermediate (partial chain)."""


def is_self_signed(certificate: Certificate) -> bool:
    """Whether a certificate names itself as its issuer and verifies under its own key.

    Where the algorithm is one that nothing here verifies, the names decide: old roots are signed with MD2.
    """
    return (
        same_name(certificate.subject, certificate.issuer)
        and verify(certificate.signature, certificate.public_key) is not SignatureResult.INVALID
    )


def build_trust_store(
    name: str,
    certificates: Iterable[Certificate],
    intermediates: Iterable[Certificate] = (),
    rule: AnchorRule = AnchorRule.SELF_SIGNED,
) -> TrustStore:
    """A trust store from its certificates.

    Args:
        name: What requests call it.
        certificates: The store's own: anchors and intermediates after `rule`.
        intermediates: More intermediates, from the settings or a request; never anchors.
        rule: Which of `certificates` are anchors.
    """
    own = frozenset(certificates)
    anchors = own if rule is AnchorRule.EVERY else frozenset(filter(is_self_signed, own)) or own
    return _index(name, own, anchors, (own | frozenset(intermediates)) - anchors)


def with_intermediates(store: TrustStore, more: Iterable[Certificate]) -> TrustStore:
    """The store with more intermediates: those of one request."""
    added = frozenset(more) - store.anchors - store.intermediates
    return _index(store.name, store.certificates, store.anchors, store.intermediates | added) if added else store


def with_every_anchor(store: TrustStore) -> TrustStore:
    """The store with each of its own certificates an anchor."""
    return _index(store.name, store.certificates, store.certificates, store.intermediates - store.certificates)


def _index(
    name: str, own: frozenset[Certificate], anchors: frozenset[Certificate], intermediates: frozenset[Certificate]
) -> TrustStore:
    by_subject: dict[bytes, tuple[Certificate, ...]] = {}
    digest = sha256()
    for group in (anchors, intermediates):
        digest.update(len(group).to_bytes(4, "big"))
        for certificate in sorted(group, key=lambda one: one.fingerprint):
            digest.update(certificate.fingerprint)
            key = canonical(certificate.subject.der)
            by_subject[key] = (*by_subject.get(key, ()), certificate)
    return TrustStore(name, digest.digest(), own, anchors, intermediates, by_subject)
