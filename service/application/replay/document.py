"""A case as a JSON document, and back.

Rules it keeps: a document says which version it is of, and another is refused; it has everything that its decision
depends on and nothing that a program would run; it is bounded, and where a case has no room in it, says so instead.

What it does not do: say whether what is written is true (`case`).
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from service.application.replay.case import CaseError, ReplayCase, Spent
from service.application.replay.codec import (
    Json,
    Table,
    certificate,
    collected,
    listed,
    members_of,
    moment,
    octets,
    optional,
    record,
    text,
)
from service.application.replay.extent import MAX_CERTIFICATES, TooWideError, narrowed, store_of
from service.application.replay.gathered import evidence
from service.application.replay.ocsp_octets import UnknownOctetsError
from service.application.replay.values import block, leaf, policy, spent
from service.core.decision.assessment import AssessmentRequest
from service.core.decision.block_list import StandingBlocks, index_blocks
from service.core.model.block import Block
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence
from service.core.model.failure import Malformed
from service.core.model.policy import Policy

VERSION: Final = 1
"""Of the documents that are written here, and the only one that is read: another has other members."""

MAX_CASE_OCTETS: Final = 1 << 18
"""256 KiB; a usual case has 5 to 20. What makes one long is a caller's chain or an authority's OCSP response."""

MAX_TABLE: Final = 2 * MAX_CERTIFICATES
"""Certificates of one document, those included that are kept beside CRLs and cannot be read."""


class LeftOut(StrEnum):
    """Why a decision has no case."""

    TOO_LARGE = "too_large"
    """It has more certificates, or more octets, than a document may."""
    UNKNOWN_OCTETS = "unknown_octets"
    """An OCSP response cannot be written down whole: the bits of its signature do not fill octets."""
    FAULT = "fault"
    """Writing it failed, which is our fault; the answer does not depend on it."""


class CaseLeftOutError(CaseError):
    """The document says that there is no case.

    Attributes:
        why: Its reason.
    """

    def __init__(self, why: LeftOut) -> None:
        """Keep the reason."""
        super().__init__(f"the case was left out: {why.value}")
        self.why = why


@dataclass(frozen=True, slots=True)
class _Store:
    """A trust store, as far as it is kept; `presented` came with the request."""

    name: str
    anchors: frozenset[Certificate]
    intermediates: frozenset[Certificate]
    presented: frozenset[Certificate]


@dataclass(frozen=True, slots=True)
class _Blocks:
    """What was blocked of it, and what time it was."""

    now: datetime
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """A case as it is written, without the table and the version."""

    leaf: Certificate | Malformed
    store: _Store
    blocks: _Blocks
    policy: Policy
    at: datetime
    spent: Spent | None
    evidence: Evidence


_certificates = collected(certificate, lambda one: one.fingerprint)

_case = record(
    _Case,
    leaf=leaf,
    store=record(_Store, name=text, anchors=_certificates, intermediates=_certificates, presented=_certificates),
    blocks=record(_Blocks, now=moment, blocks=listed(block)),
    policy=policy,
    at=moment,
    spent=optional(spent),
    evidence=evidence,
)

_TABLE: Final = "certificates"
_VERSION: Final = "version"
_CASE: Final = "case"
_LEFT_OUT: Final = "left_out"


def write_case(case: ReplayCase) -> bytes:
    """The document of a case, or the one that says why there is none; never longer than `MAX_CASE_OCTETS`."""
    try:
        document = _write(narrowed(case))
    except TooWideError:
        return _left_out(LeftOut.TOO_LARGE)
    except UnknownOctetsError:
        return _left_out(LeftOut.UNKNOWN_OCTETS)
    except Exception:  # noqa: BLE001 - the boundary: whoever is answered is answered, whatever is wrong with the record
        return _left_out(LeftOut.FAULT)
    return document if len(document) <= MAX_CASE_OCTETS else _left_out(LeftOut.TOO_LARGE)


def read_case(document: bytes) -> ReplayCase:
    """The case of a document, which may come from anybody.

    Raises:
        CaseLeftOutError: it says that there is none.
        CaseError: it is none, or one of another version.
    """
    if len(document) > MAX_CASE_OCTETS:
        raise CaseError(f"longer than {MAX_CASE_OCTETS} octets")
    return read_case_value(_parsed(document))


def read_case_value(value: object) -> ReplayCase:
    """The same, of a document that was parsed as a part of another one.

    Raises:
        CaseLeftOutError: it says that there is none.
        CaseError: it is none, or one of another version.
    """
    if type(value) is not dict:
        raise CaseError("not an object")
    version = value.get(_VERSION)
    if type(version) is not int or version != VERSION:
        raise CaseError(f"of another version than {VERSION}")
    if _LEFT_OUT in value:
        raise _why(members_of(value, frozenset({_VERSION, _LEFT_OUT}))[_LEFT_OUT])
    members = members_of(value, frozenset({_VERSION, _TABLE, _CASE}))
    return _cased(_case.read(members[_CASE], _read_table(members[_TABLE])))


def _write(case: ReplayCase) -> bytes:
    table, store, blocks = Table(), case.request.store, case.request.blocks
    found = {one.id: one for group in _groups(blocks) for one in group}
    kept = _Case(
        leaf=case.request.leaf,
        store=_Store(store.name, store.anchors, store.intermediates - store.presented, store.presented),
        blocks=_Blocks(blocks.now, tuple(found.values())),
        policy=case.policy,
        at=case.at,
        spent=case.spent,
        evidence=case.evidence,
    )
    written = _case.write(kept, table)
    certificates: Json = [octets.write(one, table) for one in table.octets]
    return _text({_VERSION: VERSION, _TABLE: certificates, _CASE: written})


def _groups(standing: StandingBlocks) -> tuple[tuple[Block, ...], ...]:
    blocks = standing.blocks
    indices = (blocks.by_fingerprint, blocks.by_spki, blocks.by_issuer_and_serial)
    return tuple(group for index in indices for group in index.values())


def _cased(kept: _Case) -> ReplayCase:
    store = kept.store
    return ReplayCase(
        AssessmentRequest(
            kept.leaf,
            store_of(store.name, store.anchors, store.intermediates, store.presented),
            StandingBlocks(index_blocks(kept.blocks.blocks), kept.blocks.now),
        ),
        kept.evidence,
        kept.policy,
        kept.at,
        kept.spent,
    )


def _read_table(value: object) -> Table:
    table = Table()
    if type(value) is not list or len(value) > MAX_TABLE:
        raise CaseError(f"not a list of {MAX_TABLE} certificates at most")
    for number, one in enumerate(value):
        if table.number(octets.read(one, table)) != number:
            raise CaseError("a certificate is there twice")
    return table


def _why(value: object) -> CaseError:
    why = next((one for one in LeftOut if one == value), None)
    return CaseError("left out for a reason that is not known") if why is None else CaseLeftOutError(why)


def _left_out(why: LeftOut) -> bytes:
    return _text({_VERSION: VERSION, _LEFT_OUT: why.value})


def _text(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _parsed(document: bytes) -> object:
    try:
        return json.loads(document, object_pairs_hook=_members, parse_float=_no_number, parse_constant=_no_number)
    except CaseError:
        raise
    except (ValueError, RecursionError):
        raise CaseError("not JSON, or not JSON as it is written here") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CaseError("a member is there twice")
    return found


def _no_number(text_: str) -> object:
    raise CaseError(f"a number that none is written like, of {len(text_)} digits")
