"""Trust stores: which certificates are anchors, and the index that path building searches."""

from collections.abc import Iterable
from enum import Enum
from hashlib import sha256

from service.core.der.signature import SignatureResult, verify
from service.core.model.certificate import Certificate
from service.core.model.key import KeyKind
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

    Where the algorithm is one that nothing here verifies, the names decide: old roots are signed with MD2. A key that
    leaves its parameters to its issuer is not its own issuer's.
    """
    return (
        same_name(certificate.subject, certificate.issuer)
        and certificate.public_key.kind is not KeyKind.DSA_INHERITING
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
    """The store with more intermediates: those of one request, laid over its index instead of building it again."""
    added = frozenset(more) - store.anchors - store.intermediates
    if not added:
        return store
    over = _by_subject(added)
    for subject, certificates in over.items():
        over[subject] = (*store.by_subject.get(subject, ()), *certificates)
    version = sha256(store.version + _fingerprints(added)).digest()
    by_subject = {**store.by_subject, **over}
    intermediates, presented = store.intermediates | added, store.presented | added
    return TrustStore(store.name, version, store.certificates, store.anchors, intermediates, by_subject, presented)


def with_every_anchor(store: TrustStore) -> TrustStore:
    """The store with each of its own certificates an anchor."""
    return _index(store.name, store.certificates, store.certificates, store.intermediates - store.certificates)


def _index(
    name: str, own: frozenset[Certificate], anchors: frozenset[Certificate], intermediates: frozenset[Certificate]
) -> TrustStore:
    version = sha256(b"".join(map(_fingerprints, (own, anchors, intermediates)))).digest()
    by_subject = _by_subject(anchors)
    for subject, certificates in _by_subject(intermediates).items():
        by_subject[subject] = (*by_subject.get(subject, ()), *certificates)
    return TrustStore(name, version, own, anchors, intermediates, by_subject)


def _by_subject(certificates: frozenset[Certificate]) -> dict[bytes, tuple[Certificate, ...]]:
    found: dict[bytes, list[Certificate]] = {}
    for certificate in sorted(certificates, key=lambda one: one.fingerprint):
        found.setdefault(canonical(certificate.subject.der), []).append(certificate)
    return {subject: tuple(each) for subject, each in found.items()}


def _fingerprints(certificates: frozenset[Certificate]) -> bytes:
    return len(certificates).to_bytes(4, "big") + b"".join(sorted(one.fingerprint for one in certificates))
