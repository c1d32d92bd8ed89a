"""Codecs for what a decision is asked: certificates, policy, blocks and the values that they share with evidence."""

from typing import Final

from service.application.replay.case import CaseError, Spent
from service.application.replay.codec import (
    Codec,
    Table,
    big,
    certificate,
    choice,
    collected,
    duration,
    flag,
    flags,
    listed,
    moment,
    octets,
    one_of,
    optional,
    record,
    text,
    whole,
)
from service.core.der.name import read_name
from service.core.model.block import Block, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.failure import Malformed
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.model.policy import (
    EvidenceOrder,
    Exemption,
    IssuerMatch,
    IssuerRule,
    KeyPurpose,
    OcspNonce,
    Policy,
    PolicyInputs,
    Profile,
    RevocationMode,
    RevocationScope,
    UrlRule,
    Urls,
    WeakAlgorithm,
)
from service.core.model.reason import Reasons
from service.core.names.comparison import canonical

MAX_LIMIT: Final = 100_000
"""The most that a budget of a case may grant: whoever replays one that a stranger wrote pays for it."""

EVERY_REASON: Final = 0x1FF


def _read_name(value: object, table: Table) -> Name:
    try:
        return read_name(octets.read(value, table))
    except MalformedError as error:
        raise CaseError(f"not a name: {error.reason}") from None


name: Final[Codec[Name]] = Codec(lambda value, table: octets.write(value.der, table), _read_name)

_general_name = record(GeneralName, kind=choice(GeneralNameKind), value=octets)


def _read_general_name(value: object, table: Table) -> GeneralName:
    found = _general_name.read(value, table)
    if found.kind is GeneralNameKind.DIRECTORY_NAME:
        try:
            canonical(read_name(found.value).der)
        except MalformedError as error:
            raise CaseError(f"not a name: {error.reason}") from None
    return found


general_name: Final[Codec[GeneralName]] = Codec(_general_name.write, _read_general_name)

point: Final = record(
    DistributionPoint,
    names=listed(general_name),
    reasons=flags(Reasons, EVERY_REASON),
    crl_issuer=listed(general_name),
)

leaf: Final[Codec[Certificate | Malformed]] = one_of(
    certificate=(Certificate, certificate), malformed=(Malformed, record(Malformed, reason=text))
)

block: Final = record(
    Block,
    id=text,
    match=one_of(
        fingerprint=(FingerprintMatch, record(FingerprintMatch, digest=octets)),
        key=(SpkiMatch, record(SpkiMatch, digest=octets)),
        issuer_and_serial_number=(
            IssuerSerialMatch,
            record(IssuerSerialMatch, issuer=text, issuer_key=octets, serial_number=big),
        ),
    ),
    reason=text,
    created_at=moment,
    created_by=text,
    until=optional(moment),
)

spent: Final = record(Spent, resource=text, limit=whole(MAX_LIMIT))

_urls = record(Urls, urls=listed(text), rule=choice(UrlRule))

_exemptions = listed(record(Exemption, serial_number=big, until=moment, reason=text))

_rule = record(
    IssuerRule,
    match=record(IssuerMatch, name=optional(octets), key_identifier=optional(octets), spki=optional(octets)),
    place=text,
    revocation_mode=optional(choice(RevocationMode)),
    revocation_scope=optional(choice(RevocationScope)),
    evidence_order=optional(choice(EvidenceOrder)),
    grace=optional(duration),
    ocsp_nonce=optional(choice(OcspNonce)),
    crl_urls=optional(_urls),
    ocsp_urls=optional(_urls),
    exemptions=_exemptions,
)

_limit = whole(MAX_LIMIT)

policy: Final = record(
    Policy,
    revocation_mode=choice(RevocationMode),
    revocation_scope=choice(RevocationScope),
    evidence_order=choice(EvidenceOrder),
    profile=choice(Profile),
    key_purpose=choice(KeyPurpose),
    weak_algorithms=collected(choice(WeakAlgorithm), str),
    policies=record(
        PolicyInputs,
        initial_policy_set=collected(text, str),
        require_explicit_policy=flag,
        inhibit_policy_mapping=flag,
        inhibit_any_policy=flag,
    ),
    max_evidence_age=optional(duration),
    max_path_length=optional(_limit),
    clock_skew=duration,
    grace=duration,
    max_verdict_ttl=duration,
    limits=record(
        Limits,
        signatures=_limit,
        steps=_limit,
        paths=_limit,
        names=_limit,
        policies=_limit,
        path_length=_limit,
        rounds=_limit,
    ),
    ocsp_nonce=choice(OcspNonce),
    trusted_responders=listed(certificate),
    issuer_rules=listed(_rule),
    crl_urls=_urls,
    ocsp_urls=_urls,
    exemptions=_exemptions,
)
