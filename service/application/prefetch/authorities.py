"""Who is known here by name: under whose keys CRLs of the operator's own places are tried.

Every certificate of the trust stores and of the configured intermediates that may sign CRLs, and the signers of the
sources that were learned. That a CRL verifies under one of these keys is a fact and no authority: for whose
certificates it counts is decided by the core, for each trust store.
"""

from collections.abc import Iterable

from service.application.crl_fetcher import MAX_ORDER_SIGNERS, MAX_SPKI_OCTETS, CrlSigner, name_digest
from service.core.crl.issuer import may_sign_crls
from service.core.der import tlv
from service.core.der.crl_issuer import read_crl_issuer
from service.core.model.certificate import Certificate
from service.core.model.trust_store import TrustStore


class Authorities:
    """Signers by the digest of their name. Implements `SignerBook`."""

    def __init__(self) -> None:
        """Nobody is known."""
        self._by_name: dict[bytes, tuple[CrlSigner, ...]] = {}

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
        """Know these and nobody else.

        Returns:
            Digests of the names that somebody bears who was not known before.
        """
        found: dict[bytes, dict[CrlSigner, None]] = {}
        certificates = {one: one in store.anchors for store in stores for one in _members(store)}
        signers = (CrlSigner.of(one) for one, is_anchor in certificates.items() if _may_sign(one, is_anchor=is_anchor))
        for signer in (*signers, *learned):
            found.setdefault(signer.name, {}).setdefault(signer)
        by_name = {name: tuple(bearers)[:MAX_ORDER_SIGNERS] for name, bearers in found.items()}
        new = frozenset(name for name, bearers in by_name.items() if set(bearers) - set(self._by_name.get(name, ())))
        self._by_name = by_name
        return new


def _members(store: TrustStore) -> Iterable[Certificate]:
    return (*store.anchors, *store.intermediates)


def _may_sign(certificate: Certificate, *, is_anchor: bool) -> bool:
    """Whether its key may sign CRLs as far as it says itself: what is no anchor says that it is an authority, too.

    Or that it signs CRLs for one: an absent key usage makes nobody a signer who is neither.
    """
    if certificate.public_key.handle is None or len(certificate.public_key.spki) > MAX_SPKI_OCTETS:
        return False
    constraints, usage = certificate.extensions.basic_constraints, certificate.extensions.key_usage
    is_authority = is_anchor or (constraints is not None and constraints.ca) or usage is not None
    return is_authority and may_sign_crls(certificate)
