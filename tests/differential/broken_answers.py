"""What can be broken in the OCSP answer about a certificate, and in who signs it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Unpack

from tests.differential.draft import OTHER_KEY, ROOT, UNKNOWN, Change, Draft, Replied, serial
from tests.pki import NOW, Answer, CertificateOverrides, OcspOverrides, days, hours


def _replies(**says: Unpack[OcspOverrides]) -> Change:
    return _reply(lambda one: one.saying(**says))


def _reply(changed: Callable[[Replied], Replied | None]) -> Change:
    def change(draft: Draft, target: str) -> Draft | None:
        replies = tuple(changed(one) if one.about == target else one for one in draft.replies)
        kept = tuple(one for one in replies if one is not None)
        return None if kept == draft.replies else replace(draft, replies=kept)

    return change


def _delegate(**says: Unpack[CertificateOverrides]) -> Change:
    def change(draft: Draft, target: str) -> Draft | None:
        delegate = next((one.delegate for one in draft.replies if one.about == target), "")
        return draft.changing(delegate, **says) if delegate else None

    return change


def _delegate_of_another(draft: Draft, target: str) -> Draft | None:
    """The delegate's certificate is one that the anchor has issued, and not the issuer."""
    delegate = next((one.delegate for one in draft.replies if one.about == target), "")
    if not delegate or draft.certified(delegate).issuer == ROOT:
        return None
    beside = tuple(replace(one, issuer=ROOT) if one.label == delegate else one for one in draft.beside)
    return replace(draft, beside=beside)


def _for_another(draft: Draft, target: str) -> Draft | None:
    """The answer is about the same serial number of the anchor."""
    if draft.certified(target).issuer == ROOT:
        return None
    return _reply(lambda one: replace(one, for_issuer=ROOT, delegate=""))(draft, target)


def _both(draft: Draft, target: str) -> Draft | None:
    """Good and revoked in one answer."""
    return _reply(lambda one: replace(one, beside=(Answer(serial(target), status="revoked"),)))(draft, target)


ANSWERS: Final[tuple[tuple[str, Change], ...]] = (
    ("answered revoked", _replies(status="revoked", reason="keyCompromise")),
    ("answered on hold", _replies(status="revoked", reason="certificateHold")),
    ("answered unknown", _replies(status="unknown")),
    ("answer expired", _replies(next_update=NOW - hours(0.5))),
    ("answer of the future", _replies(this_update=NOW + hours(1), produced_at=NOW + hours(1))),
    ("answer with a bad signature", _replies(corrupt_signature=True)),
    ("answer signed by another key", _replies(signing_key=OTHER_KEY)),
    ("answer signed with SHA-1", _replies(signature_hash="sha1")),
    ("answer about another certificate", _reply(lambda one: replace(one, subject="somebody"))),
    ("answer of another issuer", _for_another),
    ("answer that says try later", _replies(response_status="tryLater")),
    ("answer with an unknown critical extension", _replies(extensions=(UNKNOWN,))),
    ("single response with an unknown critical extension", _replies(single_extensions=(UNKNOWN,))),
    ("answer missing", _reply(lambda _: None)),
    ("good and revoked in one answer", _both),
    ("delegate without the purpose", _delegate(extended_key_usage=("clientAuth",))),
    ("delegate expired", _delegate(not_after=NOW - days(1))),
    ("delegate of another issuer", _delegate_of_another),
    ("delegate with a bad signature", _delegate(corrupt_signature=True)),
    ("delegate with an unknown critical extension", _delegate(extensions=(UNKNOWN,))),
)
"""By name."""
