"""Hypothesis strategies for the CRLs about a path: complete, partitioned, by reasons, delta, indirect, by another key.

Rules: everything about the path is good, and nothing that comes along says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hypothesis import strategies as st

from tests.differential.draft import LEAF, ROOT, ROOT_NAME, Certified, Draft, Listed
from tests.differential.drawing import rarely
from tests.pki import CertificateOverrides, CrlOverrides, DistributionPoint, Entry, IssuingDistributionPoint
from tests.pki.extensions import Reason

BASE_NUMBER: Final = 5
"""The number of complete CRLs that have deltas."""


_PLAIN_FORMS: Final = ("complete", "version 1", "point")
_FORMS: Final = (*_PLAIN_FORMS, "points", "kinds", "reasons", "delta", "delta", "indirect", "indirect", "own key")
ROOT_URL: Final = "http://crl.example/root/"
"""The anchor's own distribution point."""

ABOUT_ROOT: Final = Listed(ROOT, (ROOT,), {"idp": IssuingDistributionPoint((ROOT_URL,))})
"""Of the anchor alone: OpenSSL asks for its revocation too, and nobody else does."""


@dataclass(frozen=True, slots=True)
class _Published:
    """How somebody is told about a certificate."""

    lists: tuple[Listed, ...]
    says: CertificateOverrides
    signer: Certified | None = None


@st.composite
def with_lists(draw: st.DrawFn, draft: Draft) -> Draft:
    """Every certificate of the path with CRLs about it."""
    path, beside, lists = list(draft.path), list[Certified](), [ABOUT_ROOT]
    renewed = _renewed(draft)
    lists += draw(_by_every_key(draft, renewed))
    special = draw(st.integers(0, len(draft.path) - 1))
    for position, one in enumerate(draft.path):
        if one.issuer in renewed:
            continue
        forms = [form for form in _FORMS if _suits(form, one, draft)]
        form = draw(st.sampled_from(forms if position == special else _PLAIN_FORMS))
        published = draw(_published(one, draft, form))
        path[position] = one.saying(**published.says)
        lists += published.lists
        if published.signer is not None:
            beside.append(published.signer)
    lists += _about_signers(draft, beside)
    root: CertificateOverrides = {**draft.root, "crl_urls": ROOT_URL}
    return replace(draft, root=root, path=tuple(path), beside=tuple(beside), lists=tuple(lists))


def _renewed(draft: Draft) -> Mapping[str, tuple[str, ...]]:
    """Authorities that have several keys under one name: all labels of the name, by each of them."""
    names = {ROOT: ROOT_NAME} | {one.label: one.subject for one in draft.authorities}
    same = {label: tuple(other for other in names if names[other] == names[label]) for label in names}
    return {label: others for label, others in same.items() if len(others) > 1}


@st.composite
def _by_every_key(draw: st.DrawFn, draft: Draft, renewed: Mapping[str, tuple[str, ...]]) -> list[Listed]:
    """The CRL of an authority that has several keys, under each of them."""
    lists = []
    for labels in sorted(set(renewed.values())):
        about = tuple(one.label for one in draft.path if one.issuer in labels)
        says: CrlOverrides = {"revoked": draw(_entries()), "number": draw(rarely(1, 7, None))}
        lists += [Listed(label, about, says) for label in labels]
    return lists


def _suits(form: str, one: Certified, draft: Draft) -> bool:
    """Whether a form goes with a certificate.

    The anchor's own CRLs do not go beside indirect ones about the same. Signers of CRLs assert no policies, so that
    their own paths fail where policies are required.
    """
    if form == "indirect":
        return one.issuer != ROOT and not draft.has_policies
    return form != "own key" or not draft.has_policies


def _about_signers(draft: Draft, beside: Sequence[Certified]) -> list[Listed]:
    """Complete CRLs of those that have certified the signers of other CRLs."""
    return [
        Listed(above, tuple(one.label for one in (*draft.path, *beside) if one.issuer == above))
        for above in sorted({one.issuer for one in beside})
    ]


@st.composite
def _published(draw: st.DrawFn, one: Certified, draft: Draft, form: str) -> _Published:
    issuer, about, url = one.issuer, (one.label,), f"http://crl.example/{one.label}/"
    full = Listed(issuer, about, {"revoked": draw(_entries()), "number": draw(rarely(1, 7, None))})
    kind = IssuingDistributionPoint(only_user=one.label == LEAF, only_ca=one.label != LEAF)
    given: CertificateOverrides = {"crl_urls": url}
    match form:
        case "complete":
            return _Published((full,), {"crl_urls": draw(st.sampled_from((None, url)))})
        case "version 1":
            return _Published((full.saying(version=1),), {})
        case "point":
            scope = draw(st.sampled_from((IssuingDistributionPoint((url,)), replace(kind, names=(url,)))))
            return _Published((full.saying(idp=scope),), given)
        case "points":
            first = full.saying(idp=IssuingDistributionPoint((url,)))
            other = Listed(issuer, (), {"revoked": draw(_entries()), "idp": IssuingDistributionPoint((url + "2",))})
            names = draw(st.sampled_from(((url,), (url, url + "b"))))
            return _Published((first, other), {"crl_urls": (DistributionPoint(names),)})
        case "kinds":
            others = replace(kind, only_user=kind.only_ca, only_ca=kind.only_user)
            return _Published((full.saying(idp=kind), Listed(issuer, (), {"idp": others})), given)
        case "reasons":
            return draw(_by_reasons(full, url))
        case "delta":
            return draw(_with_delta(full.saying(number=BASE_NUMBER), given, url + "delta"))
        case "indirect":
            return _indirect(one, url)
        case "own key":
            return _by_own_key(one, draft, full)
        case _:
            raise AssertionError(form)


def _indirect(one: Certified, url: str) -> _Published:
    """By an issuer of CRLs that the certificate names."""
    says: CertificateOverrides = {"key_usage": {"cRLSign"}, "extended_key_usage": None}
    signer = Certified(f"lists-{one.label}", f"CN=Lists for {one.label},O=Org", ROOT, says)
    scope = IssuingDistributionPoint((url,), indirect=True)
    crl = Listed(signer.label, (one.label,), {"revoked": (), "idp": scope})
    return _Published((crl,), {"crl_urls": (DistributionPoint((url,), crl_issuer=signer.subject),)}, signer)


def _by_own_key(one: Certified, draft: Draft, full: Listed) -> _Published:
    """By a key that the issuer has for CRLs alone, certified by whom the issuer is certified by."""
    name, above = ROOT_NAME, ROOT
    if one.issuer != ROOT:
        issuer = draft.certified(one.issuer)
        name, above = issuer.subject, issuer.issuer
    says: CertificateOverrides = {"key_usage": {"cRLSign"}, "extended_key_usage": None}
    signer = Certified(f"lists-{one.label}", name, above, says)
    return _Published((replace(full, signer=signer.label),), {}, signer)


@st.composite
def _with_delta(draw: st.DrawFn, full: Listed, given: CertificateOverrides, url: str) -> _Published:
    """A complete CRL and a delta; the CRL, the certificate or both say where the delta is."""
    delta: CrlOverrides = {
        "revoked": draw(_entries()),
        "number": BASE_NUMBER + 2,
        "delta_base": BASE_NUMBER - draw(st.integers(0, 1)),
    }
    who = draw(st.sampled_from(("CRL", "certificate", "both")))
    complete = full if who == "certificate" else full.saying(freshest_crl_urls=url)
    says: CertificateOverrides = given if who == "CRL" else {**given, "freshest_crl_urls": url}
    return _Published((complete, Listed(full.signer, full.about, delta)), says)


@st.composite
def _by_reasons(draw: st.DrawFn, full: Listed, url: str) -> _Published:
    """Two CRLs that share all reasons between them."""
    some: frozenset[Reason] = frozenset({"keyCompromise", "cACompromise", "superseded"})
    rest: frozenset[Reason] = frozenset(
        {"affiliationChanged", "cessationOfOperation", "certificateHold", "privilegeWithdrawn", "aACompromise"}
    )
    urls = draw(st.sampled_from(((url, url + "2"), (url, url))))
    lists = tuple(
        full.saying(idp=IssuingDistributionPoint((where,), only_some_reasons=reasons), revoked=())
        for where, reasons in zip(urls, (some, rest), strict=True)
    )
    declares = draw(st.booleans())
    given = tuple(
        DistributionPoint((where,), reasons=reasons if declares else None)
        for where, reasons in zip(urls, (some, rest), strict=True)
    )
    return _Published(lists, {"crl_urls": given})


@st.composite
def _entries(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Other certificates: unsorted, some twice."""
    serials = draw(st.lists(st.integers(1, 9), max_size=4, unique=draw(st.integers(0, 9)) > 0))
    return tuple(Entry(number, draw(rarely(None, "superseded", "keyCompromise"))) for number in serials)
