"""Which sources verdicts rested on, as a worker remembers it until it tells the prefetcher.

Only certificates of a path that was validated are looked at, once each: a URL of any other certificate is nobody's
source, and neither is one that the operator's rule for the issuer replaces. What is remembered is bounded, and what
finds no room is remembered the next time.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.crl_urls import MAX_DISTRIBUTION_POINTS, MAX_URLS, fetchable_points
from service.application.signer_paths import certifiers, encoded
from service.core.decision.issuer_policy import deltas_of, points_of, policy_for
from service.core.model.certificate import Certificate
from service.core.model.failure import Code
from service.core.model.policy import Policy
from service.core.model.signer_path import SignerPath
from service.core.model.verdict import Verdict

MAX_USED: Final = 4096
"""Sources that are remembered between two reports: twice the partitions of one large AWS Private CA."""

MAX_SIGNERS: Final = 64
"""Signers of CRLs that are remembered likewise: few authorities have one that is another key than theirs."""

MAX_SEEN: Final = 16_384
"""Certificates that are known to add nothing; they are a digest each."""

_RESTING: Final = frozenset({Code.OK, Code.REVOKED})
"""Verdicts that say that evidence was needed and had."""


class UsedSources:
    """The sources of one worker since its last report."""

    def __init__(self, policy: Policy) -> None:
        """None was used.

        Args:
            policy: The operator's, with the rules for issuers.
        """
        self._policy = policy
        self._used: dict[tuple[tuple[str, ...], CrlSigner], CrlOrder] = {}
        self._seen: set[bytes] = set()
        self._signers: dict[bytes, CrlSigner] = {}

    def note(self, verdict: Verdict) -> None:
        """Remember what a verdict may have rested on; microseconds where its certificates were seen before."""
        if verdict.code not in _RESTING:
            return
        for certificate, above in _links(verdict):
            if certificate.fingerprint not in self._seen:
                self._remember(certificate, above)
        for element in verdict.path:
            if element.revocation.signer is not None:
                self._remember_signer(element.revocation.signer)

    def take_signers(self) -> tuple[CrlSigner, ...]:
        """The signers of CRLs since the last time that are others than the issuers, each with its path.

        It is kept beside what they have signed, so that a request that leaves their certificates out is decided as if
        it had not: whoever had the CRL fetched may have had another path.
        """
        signers, self._signers = self._signers, {}
        return tuple(signers.values())

    def take(self) -> tuple[CrlOrder, ...]:
        """Everything since the last time, each as an order that would fetch it."""
        used, self._used, self._seen = self._used, {}, set()
        return tuple(used.values())

    def _remember_signer(self, signer: SignerPath) -> None:
        certificate = signer.certificates[0]
        if certificate.fingerprint not in self._signers and len(self._signers) < MAX_SIGNERS:
            path = encoded(signer.certificates)
            self._signers[certificate.fingerprint] = CrlSigner.of(certificate, path, signer.authorities)

    def _remember(self, certificate: Certificate, above: tuple[Certificate, ...]) -> None:
        if len(self._seen) < MAX_SEEN:
            self._seen.add(certificate.fingerprint)
        for order in orders_for(certificate, above, self._policy):
            # Two issuers may name the same URL, and others beside it: whoever comes first keeps nobody out.
            if len(self._used) < MAX_USED:
                self._used.setdefault((order.urls, order.signers[0]), order)


def orders_for(certificate: Certificate, above: tuple[Certificate, ...], policy: Policy) -> Iterator[CrlOrder]:
    """Orders for what a certificate names where its CRLs are.

    Args:
        certificate: One of a path to an anchor.
        above: Those above it, its issuer first and the anchor last.
        policy: The operator's, with the rules for issuers.
    """
    policy = policy_for(above[0], policy)
    points = fetchable_points((*points_of(certificate, policy), *deltas_of(certificate, policy)))
    # The path of an anchor is not kept: it is in the trust store.
    signer = CrlSigner.of(above[0], encoded(above[:-1]), certifiers(above))
    for urls in points[:MAX_DISTRIBUTION_POINTS]:
        yield CrlOrder(urls[:MAX_URLS], (signer,))


def _links(verdict: Verdict) -> Iterator[tuple[Certificate, tuple[Certificate, ...]]]:
    """Each certificate of the path but the anchor, and those above it."""
    chain = tuple(element.certificate for element in verdict.path)
    if verdict.anchor is not None and verdict.anchor not in chain:
        chain = (*chain, verdict.anchor)
    for index, (certificate, _) in enumerate(pairwise(chain)):
        yield certificate, chain[index + 1 :]
