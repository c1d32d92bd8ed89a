"""What can be broken in the CRLs about a certificate.

Rules: an entry about it stands in every complete CRL that covers its reason, or in every delta.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Unpack

from tests.differential.draft import LEAF, OTHER_KEY, ROOT, ROOT_NAME, UNKNOWN, Change, Draft, Listed, points, serial
from tests.pki import AUTHORITY, NOW, CrlOverrides, DistributionPoint, Entry, IssuingDistributionPoint, days, hours
from tests.pki.extensions import Reason


def _lists(**says: Unpack[CrlOverrides]) -> Change:
    """Every complete CRL about the target."""
    return _each(lambda one, _: one.saying(**says))


def _deltas(**says: Unpack[CrlOverrides]) -> Change:
    def change(draft: Draft, target: str) -> Draft | None:
        return _mapped(draft, target, lambda one: one.saying(**says) if one.is_delta else one)

    return change


def _each(changed: Callable[[Listed, str], Listed]) -> Change:
    def change(draft: Draft, target: str) -> Draft | None:
        return _mapped(draft, target, lambda one: one if one.is_delta else changed(one, target))

    return change


def _mapped(draft: Draft, target: str, changed: Callable[[Listed], Listed]) -> Draft | None:
    lists = tuple(changed(one) if target in one.about else one for one in draft.lists)
    return None if lists == draft.lists else replace(draft, lists=lists)


def _entry(entry: Entry) -> Change:
    """Listed in every complete CRL about it that covers the reason."""
    return lambda draft, target: _revoked(draft, target, entry, is_delta=False)


def _delta_entry(entry: Entry) -> Change:
    return lambda draft, target: _revoked(draft, target, entry, is_delta=True)


def _revoked(draft: Draft, target: str, entry: Entry, *, is_delta: bool) -> Draft | None:
    def changed(one: Listed) -> Listed:
        if one.is_delta is not is_delta or not _covers(one, entry.reason):
            return one
        return one.saying(revoked=(*one.entries, _about(draft, one, target, entry)))

    speaks_plainly = any(one.says.get("version") == 1 for one in draft.lists if target in one.about)
    if speaks_plainly and (entry.extensions or entry.reason == "removeFromCRL"):
        return None  # entries have no extensions there
    return _mapped(draft, target, changed)


def _about(draft: Draft, one: Listed, target: str, entry: Entry) -> Entry:
    named = replace(entry, serial=serial(target))
    if one.says.get("version") == 1:
        return Entry(named.serial, date=named.date)
    idp = one.says.get("idp")
    if isinstance(idp, IssuingDistributionPoint) and idp.indirect:
        return replace(named, certificate_issuer=_name_of(draft, draft.certified(target).issuer))
    return named


def _covers(one: Listed, reason: Reason | int | None) -> bool:
    idp = one.says.get("idp")
    if not isinstance(idp, IssuingDistributionPoint) or idp.only_some_reasons is None:
        return True
    return reason in idp.only_some_reasons


def _removed(draft: Draft, target: str) -> Draft | None:
    """On hold in the complete CRL, and released by the delta (RFC 5280 §5.3.1)."""
    held = _revoked(draft, target, Entry(0, "certificateHold"), is_delta=False)
    return held and _revoked(held, target, Entry(0, "removeFromCRL"), is_delta=True)


def _without(draft: Draft, target: str) -> Draft | None:
    """No complete CRL about it at all."""
    kept = tuple(one for one in draft.lists if target not in one.about or one.is_delta)
    return None if kept == draft.lists else replace(draft, lists=kept)


def _without_one(draft: Draft, target: str) -> Draft | None:
    """Without the first of several complete CRLs about it."""
    about = [one for one in draft.lists if target in one.about and not one.is_delta]
    return replace(draft, lists=tuple(one for one in draft.lists if one is not about[0])) if len(about) > 1 else None


def _idp(changed: Callable[[IssuingDistributionPoint, str], IssuingDistributionPoint]) -> Change:
    """Every complete CRL about it, with another issuing distribution point."""

    def change(one: Listed, target: str) -> Listed:
        if one.says.get("version") == 1:
            return one
        idp = one.says.get("idp")
        there = idp if isinstance(idp, IssuingDistributionPoint) else IssuingDistributionPoint()
        return one.saying(idp=changed(there, target))

    return _each(change)


def _direct(draft: Draft, target: str) -> Draft | None:
    """Indirect CRLs that do not say so; entries of others are left out, since they would not be what is broken."""

    def changed(one: Listed) -> Listed:
        idp = one.says.get("idp")
        if not isinstance(idp, IssuingDistributionPoint) or not idp.indirect:
            return one
        return one.saying(idp=replace(idp, indirect=False), revoked=())

    return _mapped(draft, target, changed)


def _no_crl_sign(draft: Draft, target: str) -> Draft | None:
    """Whoever signs the CRLs about it may not."""
    signers = {one.signer for one in draft.lists if target in one.about} - {ROOT}
    for signer in sorted(signers):
        usage = draft.certified(signer).says.get("key_usage", AUTHORITY.key_usage)
        if usage is not None and "cRLSign" in usage:
            return draft.changing(signer, key_usage=usage - {"cRLSign"} | {"digitalSignature"})
    return None


def _points_elsewhere(draft: Draft, target: str) -> Draft | None:
    """The certificate's distribution points are other ones than those of the CRLs."""
    there = points(draft.certified(target))
    if not there:
        return None
    moved = tuple(
        DistributionPoint(("http://elsewhere.example/",), None, one.reasons, one.crl_issuer)
        if isinstance(one, DistributionPoint)
        else "http://elsewhere.example/"
        for one in there
    )
    return draft.changing(target, crl_urls=moved)


def _name_of(draft: Draft, label: str) -> str:
    return ROOT_NAME if label == ROOT else draft.certified(label).subject


CRLS: Final[tuple[tuple[str, Change], ...]] = (
    ("revoked", _entry(Entry(0, reason="keyCompromise"))),
    ("on hold", _entry(Entry(0, reason="certificateHold"))),
    ("revoked without a reason", _entry(Entry(0, reason=None))),
    ("revoked tomorrow", _entry(Entry(0, reason="keyCompromise", date=NOW + days(1)))),
    ("removed by a complete CRL", _entry(Entry(0, reason="removeFromCRL"))),
    ("entry with an unknown critical extension", _entry(Entry(0, reason="keyCompromise", extensions=(UNKNOWN,)))),
    ("revoked by the delta", _delta_entry(Entry(0, reason="keyCompromise"))),
    ("removed by the delta", _removed),
    ("CRL expired", _lists(next_update=NOW - hours(0.5))),
    ("CRL of the future", _lists(this_update=NOW + hours(1))),
    ("CRL without nextUpdate", _lists(next_update=None)),
    ("CRL with a bad signature", _lists(corrupt_signature=True)),
    ("CRL signed by another key", _lists(signing_key=OTHER_KEY)),
    ("CRL signed with SHA-1", _lists(signature_hash="sha1")),
    ("CRL of another issuer", _lists(issuer_name="CN=Somebody,O=Else")),
    ("CRL with an unknown critical extension", _lists(extensions=(UNKNOWN,))),
    ("CRL without a number", _lists(number=None)),
    ("CRL without a key identifier", _lists(authority_key_identifier=None)),
    ("CRL with another key identifier", _lists(authority_key_identifier=bytes(20))),
    ("CRL missing", _without),
    ("one of several CRLs missing", _without_one),
    ("CRL of the other kind", _idp(lambda idp, target: replace(idp, only_user=target != LEAF, only_ca=target == LEAF))),
    (
        "CRL of attribute certificates",
        _idp(lambda idp, _: replace(idp, only_attribute=True, only_user=False, only_ca=False)),
    ),
    ("CRL of some reasons", _idp(lambda idp, _: replace(idp, only_some_reasons=frozenset({"keyCompromise"})))),
    ("CRL of another distribution point", _idp(lambda idp, _: replace(idp, names=("http://elsewhere.example/",)))),
    ("certificate of another distribution point", _points_elsewhere),
    ("indirect CRL that does not say so", _direct),
    ("CRL that says indirect", _idp(lambda idp, _: replace(idp, indirect=True))),
    ("CRL signer without cRLSign", _no_crl_sign),
    ("delta to a later CRL", _deltas(delta_base=90)),
    ("delta expired", _deltas(next_update=NOW - hours(0.5))),
    ("delta with a bad signature", _deltas(corrupt_signature=True)),
    ("delta with an unknown critical extension", _deltas(extensions=(UNKNOWN,))),
    ("delta of another distribution point", _deltas(idp=IssuingDistributionPoint(("http://elsewhere.example/",)))),
)
"""By name."""
