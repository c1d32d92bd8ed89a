"""Learned sources that the operator's rules for issuers replace: what was learned before a rule was written.

Workers learn nothing that a rule replaces (`used`, `issuer_policy.points_of`). What they had learned goes at the next
start, which is when rules come into force. What it gave stays held.

Whose certificates named a source is told by the first of its signers. Where nobody has his certificate any more the
source stays, until it was not used for long enough.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from service.application.crl_fetcher import CrlSigner
from service.application.crl_urls import fetchable_points
from service.application.evidence_store import HeldCrl
from service.application.prefetch.authorities import members
from service.application.prefetch.parts import PrefetchParts
from service.application.prefetch.source_record import SourceRecord
from service.application.trust_stores import TrustStores
from service.core.decision.issuer_policy import policy_for
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy, UrlRule
from service.core.prefetch.inventory import SourceKind


async def forget_replaced(parts: PrefetchParts, stores: TrustStores, policy: Policy) -> None:
    """Forget the learned sources that rules replace.

    Args:
        parts: Who does it.
        stores: For the certificates of those who are in a trust store; those of others are beside their keys.
        policy: The operator's.

    Raises:
        StoreError: the store cannot be read.
    """
    if not any(rule.crl_urls is not None and rule.crl_urls.rule is UrlRule.REPLACE for rule in policy.issuer_rules):
        return
    known_stores = [report.store for report in stores.report() if report.store is not None]
    known = {CrlSigner.of(one): one for store in known_stores for one in members(store)}
    records = parts.inventory.records()

    def replaced() -> tuple[str, ...]:
        deltas = _deltas(parts.crls.held())
        return tuple(key for key in _replaced(records, known, policy) if key not in deltas)

    gone = await asyncio.to_thread(replaced)
    await parts.inventory.forget(gone)
    if gone:
        parts.observer.forgotten(len(gone))


def _replaced(records: Iterable[SourceRecord], known: Mapping[CrlSigner, Certificate], policy: Policy) -> Iterator[str]:
    for record in records:
        key = record.source.key
        if record.source.kind is not SourceKind.LEARNED or not record.signers:
            continue
        issuer = _certificate(record.signers[0]) or known.get(record.signers[0])
        urls = None if issuer is None else policy_for(issuer, policy).crl_urls
        if urls is not None and urls.rule is UrlRule.REPLACE and key not in urls.urls:
            yield key


def _deltas(held: Iterable[HeldCrl]) -> frozenset[str]:
    """Where complete CRLs say that their deltas are (RFC 5280 §5.2.6): no business of the rules, as in `deltas_of`."""
    return frozenset(url for one in held for urls in fetchable_points(one.meta.freshest_crl) for url in urls[:1])


def _certificate(signer: CrlSigner) -> Certificate | None:
    """What is kept beside a signer's key, if it is his."""
    try:
        found = read_certificate(signer.path[0]) if signer.path else None
    except MalformedError:
        return None
    return found if found is not None and CrlSigner.of(found) == signer else None
