"""Nonces (RFC 9654): an answer to somebody else's question, or to none, is not known to be new.

Each of the operator's settings, what came back, and from where: an answer out of the request answers no question that
was just put. A nonce takes `good` away and never `revoked`, which is signed and in its time whomever it answered.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Final, Literal

from service.core.model.policy import OcspNonce
from tests.conformance.case import REQUIRING, Case, Corpus
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    SOUND,
    SUB,
    case,
    ocsp,
)
from tests.conformance.world import NONCE
from tests.pki import OcspOverrides

Came = Literal["same", "other", "longer", "none"]
From = Literal["responder", "request"]
Status = Literal["good", "revoked"]

_CAME: Final[Mapping[Came, bytes | None]] = {
    "same": NONCE,
    "other": NONCE[::-1],
    "longer": NONCE + b"\x00",
    "none": None,
}
_SENT: Final[tuple[From, ...]] = ("responder", "request")
_STATUSES: Final[tuple[Status, ...]] = ("good", "revoked")

_BELIEVED: Final[Mapping[tuple[OcspNonce, From], frozenset[Came]]] = {
    (OcspNonce.OFF, "responder"): frozenset(_CAME),
    (OcspNonce.OFF, "request"): frozenset(_CAME),
    (OcspNonce.REQUEST, "responder"): frozenset({"same", "none"}),
    (OcspNonce.REQUEST, "request"): frozenset(_CAME),
    (OcspNonce.REQUIRE, "responder"): frozenset({"same"}),
    (OcspNonce.REQUIRE, "request"): frozenset(),
}
"""Which nonce lets a good answer count, by the setting and by where the answer is from."""


def nonces() -> Corpus:
    """Every setting with everything that can come back."""
    made = (_case(*one) for one in product(OcspNonce, _SENT, _CAME, _STATUSES))
    return Corpus("OCSP nonces", "where a new answer is asked for, an old one lets nothing pass", tuple(made))


def _case(setting: OcspNonce, sent: From, came: Came, status: Status) -> Case:
    name = f"{setting}-{sent}-{came}-{status}"
    url = f"http://ocsp.example/{name}"
    leaf = SUB.issue(name, ocsp_urls=url)
    said: OcspOverrides = {"status": status, "nonce": _CAME[came]}
    answer = SUB.ocsp(leaf, **said)
    believed = SOUND if came in _BELIEVED[setting, sent] else LEAF_UNANSWERED
    return case(
        name,
        f"Nonces: {setting}; the answer is the {sent}'s and its nonce {came} (RFC 9654 §2.1).",
        (leaf, SUB),
        ABOUT_SUB + (ocsp(answer) if sent == "request" else ocsp()),
        LEAF_REVOKED if status == "revoked" else believed,
        policy=replace(REQUIRING, ocsp_nonce=setting),
        responders=((url, answer),) if sent == "responder" else (),
    )
