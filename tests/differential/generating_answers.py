"""Hypothesis strategies for the OCSP answers about a path, of authorities and of their delegates.

Rules: everything about the path is good.
"""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.differential.draft import Certified, Draft, Replied
from tests.differential.drawing import rarely
from tests.pki import NOW, CertificateOverrides, hours


@st.composite
def with_replies(draw: st.DrawFn, draft: Draft) -> Draft:
    """Every certificate of the path with an answer about it."""
    replies, beside = list[Replied](), list[Certified]()
    for one in draft.path:
        says: Any = {
            "responder_id": draw(st.sampled_from(("name", "key"))),
            "cert_id_hash": draw(rarely("sha1", "sha256")),
        }
        if draw(st.integers(0, 3)) == 0:
            says |= {"this_update": NOW - hours(1 / 60), "produced_at": NOW - hours(1 / 60), "next_update": None}
        delegate = ""
        if draw(st.booleans()):
            delegate = f"ocsp-{one.label}"
            told = CertificateOverrides(extended_key_usage=("OCSPSigning",), no_check=True)
            beside.append(Certified(delegate, f"CN=OCSP for {one.label},O=Org", one.issuer, told))
        replies.append(Replied(one.label, delegate, says))
    path = tuple(one.saying(ocsp_urls=f"http://ocsp.example/{one.label}") for one in draft.path)
    return replace(draft, path=path, beside=tuple(beside), replies=tuple(replies))
