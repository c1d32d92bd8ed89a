"""What an assessment will most likely want first, told by names alone.

Whoever gathers it before the first call saves that call: most chains are what their names say. It decides nothing. What
is anticipated in vain was looked up in vain, on this host; what is not, the assessment asks for.
"""

from collections.abc import Iterator

from service.core.crl.issuer import candidate_signers
from service.core.decision.revocation import METHODS
from service.core.model.certificate import Certificate
from service.core.model.evidence import CrlWanted, OcspWanted, Reach, Wanted
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Method
from service.core.names.comparison import canonical

MAX_ANTICIPATED = 4
"""Certificates of one chain: longer ones are asked about as the assessment goes on."""


def anticipated(leaf: Certificate, store: TrustStore, policy: Policy) -> frozenset[Wanted]:
    """The held evidence about a chain as its names suggest it.

    Args:
        leaf: The certificate in question.
        store: Anchors and intermediates.
        policy: For the methods admitted, mode and scope.
    """
    if policy.revocation_mode is RevocationMode.OFF:
        return frozenset()
    found: set[Wanted] = set()
    for certificate, issuer in _links(leaf, store, 1 if policy.revocation_scope is RevocationScope.LEAF else None):
        signers = candidate_signers(certificate, issuer, store)
        found.add(CrlWanted(certificate, issuer, Reach.HELD, signers))
        if Method.OCSP in METHODS[policy.evidence_order]:
            found.add(OcspWanted(certificate, issuer, Reach.HELD))
    return frozenset(found)


def _links(leaf: Certificate, store: TrustStore, limit: int | None) -> Iterator[tuple[Certificate, Certificate]]:
    """Certificates and their issuers, from a leaf up to an anchor, as far as each name has one bearer."""
    certificate = leaf
    for _ in range(limit or MAX_ANTICIPATED):
        bearers = store.by_subject.get(canonical(certificate.issuer.der), ())
        if certificate in store.anchors or len(bearers) != 1:
            return
        yield certificate, bearers[0]
        certificate = bearers[0]
