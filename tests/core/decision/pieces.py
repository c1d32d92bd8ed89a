"""Pieces of evidence to draw from: about the leaf and about Sub, of several ages, sound and unsound.

Rules: each piece knows what it is, so that a test need not guess. No two pieces are the same octets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Final, Literal

from tests.core.decision.chains import BOTH, Chain, chain
from tests.core.decision.shell import Shelf
from tests.pki import NOW, Authority, CrlOverrides, Issued, IssuingDistributionPoint, OcspOverrides, days, key

CHAIN: Final[Chain] = chain(leaf=BOTH, sub=BOTH)
SHARD: Final = "http://crl.example/delegates"
DELEGATE: Final = CHAIN.sub.ocsp_responder("OCSP", not_after=NOW + timedelta(seconds=25))
UNCHECKED_DELEGATE: Final = CHAIN.sub.ocsp_responder("Delegate", no_check=False, crl_urls=SHARD)
NAMESAKE: Final = Authority.root("Sub", key=key("p256", 7))


@dataclass(frozen=True, slots=True)
class Piece:
    """One CRL or OCSP response."""

    method: Literal["crl", "ocsp"]
    subject: str
    says: str
    this_update: datetime
    encoded: bytes


def shelf(pieces: Sequence[Piece]) -> Shelf:
    """The pieces in this order."""
    return Shelf(
        tuple(piece.encoded for piece in pieces if piece.method == "crl"),
        tuple(piece.encoded for piece in pieces if piece.method == "ocsp"),
    )


def _aged(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


AGES: Final = [_aged(minutes) for minutes in (1, 30, 60)]
LASTING: Final = [NOW + days(1), NOW - timedelta(seconds=40), NOW - days(1)]
"""Long, for another twenty seconds of tolerance, and no longer."""


def _sound() -> list[Piece]:
    pieces = []
    members: list[tuple[str, Authority, Issued]] = [
        ("leaf", CHAIN.sub, CHAIN.leaf),
        ("Sub", CHAIN.root, CHAIN.sub.issued),
    ]
    for (name, issuer, member), age, until in product(members, AGES, LASTING):
        for listed in (False, True):
            serials = [member.serial] if listed else []
            says = "revoked" if listed else "good"
            crl = issuer.crl(revoked=serials, this_update=age, next_update=until)
            answer = issuer.ocsp(member, status="revoked" if listed else "good", this_update=age, next_update=until)
            pieces += [Piece("crl", name, says, age, crl), Piece("ocsp", name, says, age, answer)]
        unknown = issuer.ocsp(member, status="unknown", this_update=age, next_update=until)
        pieces.append(Piece("ocsp", name, "unknown", age, unknown))
    return pieces


def _delegated(responder: Issued) -> list[Piece]:
    pieces = []
    says: Literal["good", "revoked"]
    for age in AGES:
        for says in ("good", "revoked"):
            answer = CHAIN.sub.ocsp(CHAIN.leaf, status=says, responder=responder, this_update=age)
            pieces.append(Piece("ocsp", "leaf", says, age, answer))
    return pieces


def _shards(*revoked: int) -> list[Piece]:
    """CRLs about the delegate without nocheck, which do not cover the leaf."""
    scope, age = IssuingDistributionPoint([SHARD]), _aged(10)
    crls = (CHAIN.sub.crl(idp=scope, revoked=revoked, this_update=age, next_update=until) for until in LASTING)
    return [Piece("crl", "Delegate", "revoked" if revoked else "good", age, crl) for crl in crls]


def _worthless() -> list[Piece]:
    """What proves nothing about the leaf or Sub, whatever it says of them."""
    crls: list[CrlOverrides] = [
        {"corrupt_signature": True},
        {"signing_key": NAMESAKE.key},
        {"next_update": NOW - days(1)},
        {"next_update": None},
        {"this_update": NOW + days(1), "next_update": NOW + days(2)},
        {"idp": IssuingDistributionPoint(["http://elsewhere.example/"])},
        {"idp": IssuingDistributionPoint(only_attribute=True)},
        {"idp": IssuingDistributionPoint(["http://elsewhere.example/"], indirect=True)},
        {"issuer_name": "Other"},
    ]
    answers: list[OcspOverrides] = [
        {"corrupt_signature": True},
        {"signing_key": NAMESAKE.key},
        {"responder": CHAIN.leaf},
        {"responder": CHAIN.root.ocsp_responder("OCSP")},
        {"responder": NAMESAKE.ocsp_responder("OCSP")},
        {"next_update": NOW - days(1)},
        {"next_update": None},
        {"this_update": NOW + days(1), "next_update": NOW + days(2)},
        {"produced_at": NOW + days(1)},
        {"cert_id_issuer": NAMESAKE.issued},
        {"cert_id_hash": "md5"},
    ]
    pieces = []
    for listed in (False, True):
        serials = [CHAIN.leaf.serial] if listed else []
        pieces += [
            Piece("crl", "leaf", "nothing", NOW, CHAIN.sub.crl(**(overrides | {"revoked": serials})))
            for overrides in crls
        ]
        status: Literal["good", "revoked"] = "revoked" if listed else "good"
        pieces += [
            Piece("ocsp", "leaf", "nothing", NOW, CHAIN.sub.ocsp(CHAIN.leaf, **(overrides | {"status": status})))
            for overrides in answers
        ]
    return pieces


SOUND: Final = [*_sound(), *_delegated(DELEGATE)]
"""Evidence that stands on its own."""

VOUCHED: Final = [*_delegated(UNCHECKED_DELEGATE), *_shards()]
"""Answers that count while a CRL vouches for the delegate, and CRLs that do."""

DISCREDITING: Final = _shards(UNCHECKED_DELEGATE.serial)
"""CRLs that take that delegate's answers away."""

WORTHLESS: Final = _worthless()
