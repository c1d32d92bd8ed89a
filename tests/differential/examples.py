"""One small draft for each divergence: the least that shows it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from service.core.model.certificate import ANY_POLICY
from service.core.model.policy import PolicyInputs
from tests.conformance.corpora.name_constraints import constraints
from tests.conformance.corpora.policies import Asserted
from tests.differential.draft import LEAF, ROOT, ROOT_NAME, Certified, Draft, Listed, Method, Replied
from tests.differential.generating import ADDRESSES, directory
from tests.differential.generating_crls import ABOUT_ROOT, BASE_NUMBER, ROOT_URL
from tests.differential.mutations import MUTATIONS, apply
from tests.pki import NOW, CertificateOverrides, DistributionPoint, Entry, IssuingDistributionPoint
from tests.pki.extensions import Reason

_URL: Final = "http://crl.example/leaf/"
_SUB: Final = Certified("ca1", "CN=CA 1,O=Org", ROOT, {"ca": True})
_LEAF: Final = Certified(LEAF, "CN=leaf,O=Org", "ca1", {"san": ("DNS:host.a.example.com",)})
_PATH: Final = Draft(path=(_SUB, _LEAF))
_LISTS: Final = replace(
    _PATH,
    method=Method.CRL,
    root={"crl_urls": ROOT_URL},
    lists=(ABOUT_ROOT, Listed(ROOT, ("ca1",)), Listed("ca1", (LEAF,), {"revoked": ()})),
)
_DELTAS: Final = replace(
    _LISTS.changing(LEAF, crl_urls=_URL, freshest_crl_urls=_URL),
    lists=(
        *_LISTS.lists[:2],
        Listed("ca1", (LEAF,), {"number": BASE_NUMBER, "freshest_crl_urls": _URL}),
        Listed("ca1", (LEAF,), {"number": BASE_NUMBER + 1, "delta_base": BASE_NUMBER}),
    ),
)
_REPLIES: Final = replace(
    _PATH.changing("ca1", ocsp_urls="http://ocsp.example/1").changing(LEAF, ocsp_urls="http://ocsp.example/2"),
    method=Method.OCSP,
    replies=(Replied("ca1"), Replied(LEAF)),
)


def _with(name: str, draft: Draft = _PATH, target: str = LEAF) -> Draft:
    """A draft with something broken."""
    broken = apply(MUTATIONS[name], draft, target)
    if broken is draft:
        raise LookupError(f"{name} changes nothing")
    return broken


def _renewed(draft: Draft, subject: str = ROOT_NAME) -> Draft:
    """A draft whose authority has the name of the one above, and another key."""
    return replace(draft, path=(replace(draft.path[0], subject=subject), *draft.path[1:]))


def _above(draft: Draft, *further: Certified) -> Draft:
    """A draft with further authorities between the first and the leaf."""
    return replace(draft, path=(draft.path[0], *further, replace(draft.leaf, issuer=further[-1].label)))


def _saying(*said: Asserted, names: tuple[str, ...] = ("ca1", LEAF)) -> Draft:
    draft = _PATH
    for label, one in zip(names, said, strict=True):
        draft = draft.changing(label, **_told(one))
    return draft


def _told(said: Asserted) -> CertificateOverrides:
    return said.overrides()


def _mapped_by_any() -> Draft:
    """A policy that anyPolicy stands for is mapped, and below it stands anyPolicy: the mapping is lost."""
    second = Certified("ca2", "CN=CA 2,O=Org", "ca1", {"ca": True, **_told(Asserted("*", mapped="1>2", explicit=0))})
    third = Certified("ca3", "CN=CA 3,O=Org", "ca2", {"ca": True, **_told(Asserted("*"))})
    draft = _above(_PATH.changing("ca1", **_told(Asserted("1"))), second, third)
    return draft.changing(LEAF, **_told(Asserted("1")))


def _reasons() -> Draft:
    """Two distribution points of one name, each for some of the reasons."""
    some: frozenset[Reason] = frozenset({"keyCompromise", "cACompromise", "superseded"})
    rest: frozenset[Reason] = frozenset(
        {"affiliationChanged", "cessationOfOperation", "certificateHold", "privilegeWithdrawn", "aACompromise"}
    )
    lists = [
        Listed("ca1", (LEAF,), {"idp": IssuingDistributionPoint((_URL,), only_some_reasons=reasons)})
        for reasons in (some, rest)
    ]
    draft = _LISTS.changing(LEAF, crl_urls=tuple(DistributionPoint((_URL,), reasons=one) for one in (some, rest)))
    return replace(draft, lists=(*_LISTS.lists[:2], *lists))


def _of_users() -> Draft:
    """The leaf's CRL is one for certificates of users alone."""
    return replace(
        _LISTS, lists=(*_LISTS.lists[:2], _LISTS.lists[2].saying(idp=IssuingDistributionPoint(only_user=True)))
    )


def _delta_of_certificate() -> Draft:
    complete = Listed("ca1", (LEAF,), {"number": BASE_NUMBER})
    draft = replace(_DELTAS, lists=(*_LISTS.lists[:2], complete, _DELTAS.lists[3]))
    return _with("revoked by the delta", draft)


def _beside_another_authority() -> Draft:
    """No CRL of the issuer but one of another authority that the issuer has certified."""
    other = Certified("other", "CN=Other,O=Org", ROOT, {"ca": True})
    draft = replace(_LISTS, beside=(other,), lists=(*_LISTS.lists, Listed("other", ())))
    return _with("CRL missing", draft, "ca1")


def _by_signer_beside() -> Draft:
    """An indirect CRL with another key identifier, of a signer that is not of the path."""
    signer = Certified("lists", "CN=Lists,O=Org", ROOT, {"key_usage": {"cRLSign"}, "extended_key_usage": None})
    about_leaf = Listed("lists", (LEAF,), {"idp": IssuingDistributionPoint((_URL,), indirect=True), "revoked": ()})
    told = _LISTS.changing(LEAF, crl_urls=(DistributionPoint((_URL,), crl_issuer=signer.subject),))
    lists = (ABOUT_ROOT, Listed(ROOT, ("ca1", "lists")), about_leaf)
    return _with("CRL with another key identifier", replace(told, beside=(signer,), lists=lists))


def _by_name() -> Draft:
    """Two keys of one name, the CRL of each without an identifier."""
    draft = _renewed(_LISTS)
    both = tuple(Listed(label, ("ca1", LEAF), {}) for label in (ROOT, "ca1"))
    return _with("CRL without a key identifier", replace(draft, lists=(ABOUT_ROOT, *both)))


def _repeated() -> Draft:
    twice = _LISTS.lists[2].saying(revoked=(Entry(7), Entry(7)))
    return replace(_LISTS, lists=(*_LISTS.lists[:2], twice))


def _self_issued() -> Draft:
    renewed = Certified("ca2", _SUB.subject, "ca1", {"ca": True})
    return _above(_PATH.changing("ca1", path_length=0), renewed)


EXAMPLES: Final[Mapping[str, Draft]] = {
    "any-purpose": _PATH.changing("ca1", extended_key_usage=("anyExtendedKeyUsage",)),
    "any-purpose-of-leaf": _PATH.changing(LEAF, extended_key_usage=("anyExtendedKeyUsage",)),
    "last-second": _PATH.changing(LEAF, not_after=NOW),
    "authority-key-identifier": _with("another authority key identifier"),
    "extension-twice": _with("an extension twice"),
    "purposes-of-authorities": _with("authority for servers", target="ca1"),
    "signature-algorithms": _with("inner and outer algorithm differ"),
    "keyCertSign-of-leaf": _with("leaf that signs certificates"),
    "address-constraints": _PATH.changing("ca1", extensions=(constraints((ADDRESSES,)),)).changing(
        LEAF, san=("IP:192.0.2.7",)
    ),
    "constraints-of-the-anchor": _with(
        "DNS name outside", replace(_PATH, root={"extensions": (constraints(("DNS:example.com",)),)})
    ),
    "mapped-by-anyPolicy": _mapped_by_any(),
    "policy-mappings": _saying(Asserted("1", mapped="1>2"), Asserted("2")),
    "no-policies": replace(_PATH, inputs=PolicyInputs(frozenset({ANY_POLICY}), require_explicit_policy=True)),
    "directory-constraints": _PATH.changing("ca1", extensions=(constraints((directory("O=Org"),)),)),
    "URI-constraints": _PATH.changing("ca1", extensions=(constraints(("URI:.example.com",)),)).changing(
        LEAF, san=("URI:https://www.example.com/",)
    ),
    "self-issued-path-length": _self_issued(),
    "issuer-without-identifier": _with("leaf of version 1", _renewed(_PATH)),
    "version-1": _with("leaf of version 1"),
    "authority-without-keyUsage": _with("authority without keyUsage", target="ca1"),
    "SHA-1-of-CRLs": _with("CRL signed with SHA-1", _LISTS),
    "repeated-entries": _repeated(),
    "revoked-tomorrow": _with("revoked tomorrow", _LISTS),
    "removed-by-a-complete-CRL": _with("removed by a complete CRL", _LISTS),
    "unexpected-indirect-CRL": _with("CRL that says indirect", _LISTS.changing(LEAF, crl_urls=_URL)),
    "version-1-of-a-kind": _with("leaf of version 1", _of_users()),
    "CRL-without-nextUpdate": _with("CRL without nextUpdate", _LISTS),
    "delta-of-an-expired-CRL": _with("CRL expired", _DELTAS),
    "CRL-key-identifier": _with("CRL with another key identifier", _LISTS),
    "delta-that-is-broken": _with("delta with a bad signature", _DELTAS),
    "reasons-of-one-name": _reasons(),
    "deltas-of-certificates": _delta_of_certificate(),
    "delta-that-fits-none": _with("delta of another distribution point", _DELTAS),
    "CRLs-of-others": _beside_another_authority(),
    "one-CRL": _by_name(),
    "answers-of-several-keys": _renewed(_REPLIES),
    "answers-that-nobody-declares": _with("leaf of version 1", _REPLIES),
    "SHA-1-of-answers": _with("answer signed with SHA-1", _REPLIES),
    "extensions-of-answers": _with("answer with an unknown critical extension", _REPLIES),
    "good-and-revoked": _with("good and revoked in one answer", _REPLIES),
    "answer-before-the-certificate": _REPLIES.changing(LEAF, not_before=NOW),
}
"""By the divergence's identifier."""

ELSEWHERE: Final[Mapping[str, Draft]] = {
    "CRL-key-identifier": _by_signer_beside(),
    "delta-of-another-scope": _with("CRL that says indirect", _DELTAS.changing(LEAF, crl_urls=_URL)),
    "delta-of-another-key-identifier": _with("CRL without a key identifier", _DELTAS),
}
"""What is like the example of a divergence and judged otherwise, or unlike it and judged alike."""
