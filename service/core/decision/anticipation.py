"""What an assessment will most likely want first, told by names alone.

Whoever gathers it before the first call saves that call: most chains are what their names say. It decides nothing. What
is anticipated in vain was looked up in vain, on this host; what is not, the assessment asks for.
"""

from collections.abc import Iterator

from service.core.decision.authority_keys import authority_keys
from service.core.decision.issuer_policy import policy_for
from service.core.decision.revocation import METHODS
from service.core.model.certificate import Certificate
from service.core.model.evidence import CrlWanted, OcspWanted, Reach, Wanted
from service.core.model.policy import Policy, RevocationMode, RevocationScope
from service.core.model.trust_store import TrustStore
from service.core.model.verdict import Method
from service.core.names.comparison import canonical

MAX_ANTICIPATED = 4
"""Certificates of one chain: longer ones are asked about as the assessment goes on."""


MAX_NAMES = 16
"""Names of a certificate's distribution points: nobody has signed it yet as far as is known here, and each costs."""


def anticipated(leaf: Certificate, store: TrustStore, policy: Policy) -> frozenset[Wanted]:
    """The held evidence about a chain as its names suggest it.

    Args:
        leaf: The certificate in question.
        store: Anchors and intermediates.
        policy: For the methods admitted, mode and scope.
    """
    found: set[Wanted] = set()
    for certificate, issuer in _links(leaf, store):
        own = policy_for(issuer, policy)
        is_out_of_scope = own.revocation_scope is RevocationScope.LEAF and certificate is not leaf
        if own.revocation_mode is RevocationMode.OFF or is_out_of_scope:
            continue
        # Nobody else at hand bears the issuer's name, and no other is named: there are no other signers to tell of.
        authorities = authority_keys(certificate, issuer, store)
        found.add(CrlWanted(certificate, issuer, Reach.HELD, authorities=authorities))
        if Method.OCSP in METHODS[own.evidence_order]:
            found.add(OcspWanted(certificate, issuer, Reach.HELD))
    return frozenset(found)


def _links(leaf: Certificate, store: TrustStore) -> Iterator[tuple[Certificate, Certificate]]:
    """Certificates and their issuers, from a leaf up to an anchor, as far as each name has one bearer."""
    certificate = leaf
    for _ in range(MAX_ANTICIPATED):
        bearers = store.by_subject.get(canonical(certificate.issuer.der), ())
        if certificate in store.anchors or len(bearers) != 1 or not _is_usual(certificate):
            return
        yield certificate, bearers[0]
        certificate = bearers[0]


def _is_usual(certificate: Certificate) -> bool:
    """Whether a look at what is held about a certificate costs little: it names a few places, and no CRL issuers."""
    points = (*certificate.extensions.crl_distribution_points, *certificate.extensions.freshest_crl)
    return sum(len(point.names) for point in points) <= MAX_NAMES and not any(point.crl_issuer for point in points)
