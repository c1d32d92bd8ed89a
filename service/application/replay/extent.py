"""What of a trust store, of the blocks and of the rules for issuers one decision can have looked at.

A trust store is searched by names alone: what bears none of the names that lead on from the certificates and the
evidence at hand could have been absent. So the extent is everything that bears one, more than a path needs perhaps and
never less: a replay finds for each name exactly what was found then, and spends the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from service.application.replay.case import ReplayCase
from service.core.crl.scope import crl_issuers
from service.core.decision.assessment import AssessmentRequest
from service.core.decision.block_list import StandingBlocks, index_blocks
from service.core.decision.issuer_policy import matching_rule
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.malformed import MalformedError
from service.core.model.policy import IssuerRule, Policy
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical
from service.core.path.trust_store import AnchorRule, build_trust_store, with_intermediates

MAX_CERTIFICATES: Final = 256
"""Of one case, of those in the trust store and in the evidence: a bridge between authorities has some two hundred."""


class TooWideError(Exception):
    """The decision may have looked at more certificates than a case has room for."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """What bears a name that was looked for, or came with the evidence.

    Attributes:
        names: Those that a search may have gone through, canonical.
        certificates: Everything at hand that bears one.
    """

    names: frozenset[bytes]
    certificates: tuple[Certificate, ...]


def narrowed(case: ReplayCase) -> ReplayCase:
    """The case without what its decision cannot have looked at; it comes to the same verdict.

    Raises:
        TooWideError: too much is left.
    """
    leaf = case.request.leaf
    if not isinstance(leaf, Certificate):
        store, blocks = _part_of(case.request.store, frozenset()), case.request.blocks
        request = AssessmentRequest(leaf, store, StandingBlocks(index_blocks(()), blocks.now))
        return replace(case, request=request, evidence=Evidence(), policy=_without_rules(case.policy))
    extent = _extent(leaf, case.request.store, case.evidence, case.policy)
    request = AssessmentRequest(
        leaf,
        _part_of(case.request.store, extent.names),
        _blocks_on(case.request.blocks, extent.certificates),
    )
    return replace(case, request=request, policy=_for_issuers(case.policy, extent.certificates))


def store_of(
    name: str, anchors: Iterable[Certificate], intermediates: Iterable[Certificate], presented: Iterable[Certificate]
) -> TrustStore:
    """A trust store with these anchors, whatever they are signed with, indexed as those of the service are."""
    return with_intermediates(build_trust_store(name, anchors, intermediates, AnchorRule.EVERY), presented)


def _extent(leaf: Certificate, store: TrustStore, evidence: Evidence, policy: Policy) -> _Extent:
    names: set[bytes] = set()
    certificates: dict[Certificate, None] = {}
    waiting = [leaf, *_in_evidence(evidence)]
    for gathered in evidence.crls.values():
        names.update(canonical(finding.meta.issuer.der) for finding in gathered.findings)
    for name in tuple(names):
        waiting.extend(store.by_subject.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one in certificates:
            continue
        certificates[one] = None
        if len(certificates) > MAX_CERTIFICATES:
            raise TooWideError
        for name in _leading_on(one):
            if name not in names:
                names.add(name)
                waiting.extend(store.by_subject.get(name, ()))
    return _Extent(frozenset(names), (*certificates, *policy.trusted_responders))


def _leading_on(certificate: Certificate) -> Iterator[bytes]:
    """Under which names a search that has come to a certificate looks further."""
    yield canonical(certificate.subject.der)
    yield from (canonical(name.der) for name in crl_issuers(certificate))


def _in_evidence(evidence: Evidence) -> Iterator[Certificate]:
    """What evidence is about, whose it is, and what came with it."""
    wanted: tuple[Wanted, ...] = (*evidence.crls, *evidence.ocsp)
    for one in wanted:
        yield one.certificate
        yield one.issuer
    for gathered in evidence.crls.values():
        paths = (*gathered.signer_paths, *(path for finding in gathered.findings for path in finding.signer_paths))
        yield from _readable(der for path in paths for der in path)
    for answers in evidence.ocsp.values():
        yield from _readable(der for finding in answers.findings for der in finding.response.certificates)


def _readable(ders: Iterable[bytes]) -> Iterator[Certificate]:
    """The certificates among octets that are meant to be some."""
    for der in dict.fromkeys(ders):
        try:
            yield read_certificate(der)
        except MalformedError:
            continue


def _part_of(store: TrustStore, names: frozenset[bytes]) -> TrustStore:
    """Everything of a store that bears one of some names."""
    bearers = [one for name in names for one in store.by_subject.get(name, ())]
    return store_of(
        store.name,
        [one for one in bearers if one in store.anchors],
        [one for one in bearers if one not in store.anchors and one not in store.presented],
        [one for one in bearers if one in store.presented],
    )


def _blocks_on(blocks: StandingBlocks, certificates: Iterable[Certificate]) -> StandingBlocks:
    """The blocks that deny one of some certificates."""
    found = {block.id: block for block in map(blocks.find, certificates) if block is not None}
    return StandingBlocks(index_blocks(found.values()), blocks.now)


def _for_issuers(policy: Policy, certificates: tuple[Certificate, ...]) -> Policy:
    """The policy with the rules about one of some certificates, and the exemptions of these."""
    if not policy.issuer_rules:
        return policy
    found = {matched.rule for one in certificates if (matched := matching_rule(one, policy.issuer_rules)) is not None}
    serial_numbers = frozenset(one.serial_number for one in certificates)
    rules = tuple(_exempting(rule, serial_numbers) for rule in policy.issuer_rules if rule in found)
    return replace(policy, issuer_rules=rules)


def _exempting(rule: IssuerRule, serial_numbers: frozenset[int]) -> IssuerRule:
    return replace(rule, exemptions=tuple(one for one in rule.exemptions if one.serial_number in serial_numbers))


def _without_rules(policy: Policy) -> Policy:
    return replace(policy, issuer_rules=(), trusted_responders=())
