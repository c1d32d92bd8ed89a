"""Codecs for evidence: of a CRL its head and the one entry, of an OCSP response all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.application.replay.case import CaseError
from service.application.replay.codec import (
    Codec,
    Table,
    big,
    certificate,
    choice,
    der,
    flag,
    flags,
    listed,
    moment,
    octets,
    optional,
    record,
    text,
    whole,
)
from service.application.replay.ocsp_octets import response_octets
from service.application.replay.values import EVERY_REASON, general_name, name, point
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlEntry, CrlFinding, CrlMeta, IssuingDistributionPoint
from service.core.model.evidence import (
    CrlWanted,
    Evidence,
    GatheredCrls,
    GatheredOcsp,
    OcspWanted,
    Reach,
)
from service.core.model.evidence_tier import Tier
from service.core.model.malformed import MalformedError
from service.core.model.ocsp import OcspFinding, OcspResponse
from service.core.model.reason import Reason, Reasons

_MOST = (1 << 63) - 1

_attempts = listed(record(Attempt, source=text, problem=choice(Problem), detail=text))

_meta = record(
    CrlMeta,
    digest=octets,
    issuer=name,
    algorithm=octets,
    this_update=moment,
    next_update=optional(moment),
    crl_number=optional(big),
    authority_key_identifier=optional(octets),
    issuing_distribution_point=optional(
        record(
            IssuingDistributionPoint,
            names=listed(general_name),
            only_contains_user_certs=flag,
            only_contains_ca_certs=flag,
            only_contains_attribute_certs=flag,
            only_some_reasons=optional(flags(Reasons, EVERY_REASON)),
            indirect_crl=flag,
        )
    ),
    base_crl_number=optional(big),
    freshest_crl=listed(point),
    unsupported=listed(text),
    entries=whole(_MOST),
    size=whole(_MOST),
)

_signer_paths = listed(listed(der))

_crls = record(
    GatheredCrls,
    findings=listed(
        record(
            CrlFinding,
            meta=_meta,
            entry=optional(record(CrlEntry, revoked_at=moment, reason=optional(choice(Reason)))),
            signer_spki=optional(octets),
            source=text,
            tier=choice(Tier),
            repeats_entries=flag,
            signer_paths=_signer_paths,
        )
    ),
    attempts=_attempts,
    names_issuer=flag,
    signer_paths=_signer_paths,
    waiting=flag,
)


def _read_response(value: object, table: Table) -> OcspResponse:
    try:
        return read_ocsp_response(octets.read(value, table))
    except MalformedError as error:
        raise CaseError(f"not an OCSP response: {error.reason}") from None
    except ResponderError:
        raise CaseError("an OCSP response without an answer") from None


_response: Codec[OcspResponse] = Codec(lambda value, table: octets.write(response_octets(value), table), _read_response)

_ocsp = record(
    GatheredOcsp,
    findings=listed(record(OcspFinding, response=_response, source=text, tier=choice(Tier), nonce=optional(octets))),
    attempts=_attempts,
)


@dataclass(frozen=True, slots=True)
class _Crls:
    """What came of one `CrlWanted`, as far as it matters afterwards what was wanted."""

    certificate: Certificate
    issuer: Certificate
    reach: Reach
    found: GatheredCrls


@dataclass(frozen=True, slots=True)
class _Ocsp:
    """The same of one `OcspWanted`."""

    certificate: Certificate
    issuer: Certificate
    reach: Reach
    found: GatheredOcsp


@dataclass(frozen=True, slots=True)
class _Both:
    """All evidence, in the order in which it was gathered, which sentences follow."""

    crls: tuple[_Crls, ...]
    ocsp: tuple[_Ocsp, ...]


_both = record(
    _Both,
    crls=listed(record(_Crls, certificate=certificate, issuer=certificate, reach=choice(Reach), found=_crls)),
    ocsp=listed(record(_Ocsp, certificate=certificate, issuer=certificate, reach=choice(Reach), found=_ocsp)),
)


def _flat(evidence: Evidence) -> _Both:
    return _Both(
        tuple(_Crls(one.certificate, one.issuer, one.reach, found) for one, found in evidence.crls.items()),
        tuple(_Ocsp(one.certificate, one.issuer, one.reach, found) for one, found in evidence.ocsp.items()),
    )


def _read_evidence(value: object, table: Table) -> Evidence:
    flat = _both.read(value, table)
    crls = {CrlWanted(one.certificate, one.issuer, one.reach): one.found for one in flat.crls}
    ocsp = {OcspWanted(one.certificate, one.issuer, one.reach): one.found for one in flat.ocsp}
    _each_once(crls, flat.crls)
    _each_once(ocsp, flat.ocsp)
    return Evidence(crls, ocsp)


def _each_once(found: Mapping[CrlWanted, object] | Mapping[OcspWanted, object], listed_: tuple[object, ...]) -> None:
    if len(found) != len(listed_):
        raise CaseError("evidence about one certificate is there twice")


evidence: Final[Codec[Evidence]] = Codec(lambda value, table: _both.write(_flat(value), table), _read_evidence)
