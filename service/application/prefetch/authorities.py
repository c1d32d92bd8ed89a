"""Who is known here by name: under whose keys CRLs of the operator's own places are tried.

Every certificate of the trust stores and of the configured intermediates that may sign CRLs, and the signers of the
sources that were learned. That a CRL verifies under one of these keys is a fact and no authority: for whose
certificates it counts is decided by the core, for each trust store. So that it can be decided where a signer's
certificate is in another store alone, it is kept beside the CRL with those above it, as it is for those whom workers
name.
"""

from collections.abc import Iterable
from dataclasses import replace

from service.application.crl_fetcher import MAX_AUTHORITIES, MAX_ORDER_SIGNERS, MAX_SPKI_OCTETS, CrlSigner, name_digest
from service.application.signer_paths import certifiers, encoded
from service.core.crl.issuer import may_sign_crls
from service.core.der import tlv
from service.core.der.crl_issuer import read_crl_issuer
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath
from service.core.path.trust_store import AnchorRule, build_trust_store, is_self_signed

_POLICY = Policy()
"""For how much looking for one path may cost; nothing else of it matters here."""


class Authorities:
    """Signers by the digest of their name. Implements `SignerBook`."""

    def __init__(self) -> None:
        """Nobody is known."""
        self._by_name: dict[bytes, tuple[CrlSigner, ...]] = {}
        self._of_stores: tuple[frozenset[bytes], tuple[CrlSigner, ...]] = (frozenset(), ())

    def for_crl(self, data: tlv.Buffer) -> tuple[CrlSigner, ...]:
        """Those who bear the name of a CRL's issuer.

        Raises:
            MalformedError: its issuer's name cannot be read.
        """
        return self.for_name(name_digest(read_crl_issuer(data)))

    def for_name(self, name: bytes) -> tuple[CrlSigner, ...]:
        """Those who bear a name."""
        return self._by_name.get(name, ())

    def replace(self, stores: Iterable[TrustStore], learned: Iterable[CrlSigner]) -> frozenset[bytes]:
        """Know these and nobody else; stores that have not changed cost nothing.

        Returns:
            Digests of the names that somebody bears who was not known before.
        """
        by_version = {store.version: store for store in stores}
        if self._of_stores[0] != by_version.keys():
            self._of_stores = (frozenset(by_version), _signers(tuple(by_version.values())))
        found: dict[bytes, dict[CrlSigner, CrlSigner]] = {}
        for signer in (*self._of_stores[1], *learned):
            bearers = found.setdefault(signer.name, {})
            bearers[signer] = _together(bearers.get(signer, signer), signer)
        by_name = {name: tuple(bearers.values())[:MAX_ORDER_SIGNERS] for name, bearers in found.items()}
        new = frozenset(name for name, bearers in by_name.items() if set(bearers) - set(self._by_name.get(name, ())))
        self._by_name = by_name
        return new


def members(store: TrustStore) -> Iterable[Certificate]:
    """Everybody who is in a trust store."""
    return (*store.anchors, *store.intermediates)


def _signers(stores: Iterable[TrustStore]) -> tuple[CrlSigner, ...]:
    """Those of trust stores, each with its path."""
    homes: dict[Certificate, list[TrustStore]] = {}
    for store in stores:
        for one in members(store):
            homes.setdefault(one, []).append(store)
    anchors = frozenset(one for one, own in homes.items() if any(one in store.anchors for store in own))
    roots = frozenset(filter(is_self_signed, anchors))
    # Of an anchor that is no root, another store may have whoever certified it: by whose key its CRL is found there.
    together = build_trust_store("all together", roots, homes, AnchorRule.EVERY)
    signers = []
    # Of a key that has several certificates, it is the same one's path each time.
    for one in sorted(homes, key=lambda certificate: certificate.fingerprint):
        if _may_sign(one, is_anchor=one in anchors):
            paths = (_path(one, store) for store in (together, *homes[one]))
            signers.append(_signer(next(filter(None, paths), (one,)), roots))
    return tuple(signers)


def _path(certificate: Certificate, store: TrustStore) -> tuple[Certificate, ...]:
    """A certificate and those above it in a store, the anchor last; nothing where no path leads to one."""
    if certificate in store.anchors:
        return (certificate,)
    try:
        for path in build_paths(certificate, store, _POLICY, Budget(_POLICY.limits)):
            if isinstance(path, CertificationPath):
                return (*path.certificates, path.anchor)
    except BudgetExhaustedError:
        pass
    return ()


def _signer(path: tuple[Certificate, ...], roots: frozenset[Certificate]) -> CrlSigner:
    """The first of a path, which may end below a root; a root is certified by nobody else, and is not kept."""
    return CrlSigner.of(path[0], encoded(path[:-1] if path[-1] in roots else path), certifiers(path))


def _together(known: CrlSigner, more: CrlSigner) -> CrlSigner:
    """What is known of one signer from two places: the first path, and the keys of both as far as there is room."""
    room = MAX_AUTHORITIES - len(known.authorities)
    authorities = known.authorities.union(sorted(more.authorities - known.authorities)[:room])
    return replace(known, path=known.path or more.path, authorities=authorities)


def _may_sign(certificate: Certificate, *, is_anchor: bool) -> bool:
    """Whether its key may sign CRLs as far as it says itself: what is no anchor says that it is an authority, too.

    Or that it signs CRLs for one: an absent key usage makes nobody a signer who is neither.
    """
    if certificate.public_key.handle is None or len(certificate.public_key.spki) > MAX_SPKI_OCTETS:
        return False
    constraints, usage = certificate.extensions.basic_constraints, certificate.extensions.key_usage
    is_authority = is_anchor or (constraints is not None and constraints.ca) or usage is not None
    return is_authority and may_sign_crls(certificate)
