"""Hypothesis strategies for drafts: hierarchies with constraints, policies, CRLs and OCSP answers.

Rules: names always keep to the constraints, path lengths suffice, and evidence says good, so that what is broken is the
one thing that a mutation breaks. Only policies are drawn freely: paths that agree to none are as interesting as others.
"""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from hypothesis import strategies as st

from service.core.model.certificate import ANY_POLICY
from service.core.model.policy import PolicyInputs
from tests.conformance.corpora.name_constraints import constraints
from tests.conformance.corpora.policies import Asserted
from tests.differential.draft import LEAF, ROOT, ROOT_NAME, Certified, Draft, Method
from tests.differential.drawing import rarely
from tests.differential.generating_answers import with_replies
from tests.differential.generating_crls import with_lists
from tests.differential.mutations import MUTATIONS, Mutation, apply
from tests.pki import (
    NOW,
    CertificateOverrides,
    Extension,
)
from tests.pki.names import GeneralNameLike

_ARC: Final = "1.3.6.1.4.1.99999.4"


def directory(text: str) -> x509.DirectoryName:
    """A directoryName."""
    return x509.DirectoryName(x509.Name.from_rfc4514_string(text))


ADDRESSES: Final = x509.IPAddress(ip_network("192.0.2.0/24"))

_PERMITTED: Final[Sequence[Sequence[GeneralNameLike]]] = (
    ("DNS:example.com", "DNS:a.example.com"),
    ("email:example.com", "email:ann@example.com"),
    ("URI:.example.com", "URI:www.example.com"),
    (ADDRESSES, x509.IPAddress(ip_network("192.0.2.0/28"))),
    (directory("O=Org"),),
)
"""Bases by form; the names below lie within all of them."""

_EXCLUDED: Final[Sequence[GeneralNameLike]] = (
    "DNS:example.org",
    "email:example.org",
    "URI:.example.org",
    x509.IPAddress(ip_network("198.51.100.0/24")),
    directory("O=Else"),
)
_NAMES: Final[Sequence[GeneralNameLike]] = (
    "DNS:host.a.example.com",
    "email:ann@example.com",
    "URI:https://www.example.com/ann",
    "IP:192.0.2.7",
    directory("CN=ann,O=Org"),
)
_OF_PATHS: Final = [one for one in MUTATIONS.values() if one.method is None]
_SIGNS: Final = frozenset({"keyCertSign", "cRLSign"})


def _subset(values: Sequence[Any], most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=most, unique_by=str)


def _asserted(*, is_leaf: bool) -> st.SearchStrategy[Asserted]:
    count = rarely(None, 0, 1, 2, chance=6)
    listed = st.sampled_from(("1", "1 2", "1 2", "1 2 3", "*", "*", "2", "1 *", ""))
    if is_leaf:
        return st.builds(Asserted, listed, st.just(""), count, count, count)
    mapped = rarely("", "1>2", "1>2 1>3", "1>2 2>1", "2>2", "1>3 2>3", chance=4)
    return st.builds(Asserted, listed, mapped, count, count, count)


_INPUTS: Final = st.builds(
    PolicyInputs,
    st.sampled_from(("*", "*", "1", "1 2", "3")).map(
        lambda text: frozenset(ANY_POLICY if one == "*" else f"{_ARC}.{one}" for one in text.split())
    ),
    rarely(False, True),
    rarely(False, True, chance=8),
    rarely(False, True, chance=8),
)


@st.composite
def drafts(draw: st.DrawFn, method: Method) -> Draft:
    """A whole case, with at most one thing broken."""
    draft = draw(_whole(method))
    if draw(st.integers(0, 7)) == 0:
        return draft
    labels = draw(st.permutations([one.label for one in draft.path]))
    pool = [one for one in MUTATIONS.values() if one.method is (method if draw(st.booleans()) else None)] or _OF_PATHS
    start = draw(st.integers(0, len(pool) - 1))
    changed = (broken(draft, mutation, labels) for mutation in (*pool[start:], *pool[:start]))
    return next(one for one in changed if one is not None)


def broken(draft: Draft, mutation: Mutation, labels: Sequence[str]) -> Draft | None:
    """The first of these certificates broken that can be."""
    return next((one for one in (apply(mutation, draft, label) for label in labels) if one is not draft), None)


@st.composite
def _whole(draw: st.DrawFn, method: Method) -> Draft:
    # With a CRL of each, four keys of one name would be more signers to ask about than one question may.
    most = {Method.NONE: 4, Method.CRL: 3, Method.OCSP: 2}[method]
    path = draw(_paths(most, has_policies=method is Method.NONE or draw(st.integers(0, 2)) == 0))
    root = draw(_roots(len(path)))
    draft = Draft(root=root, path=path, method=method)
    if draft.has_policies:
        draft = replace(draft, inputs=draw(_INPUTS))
    match method:
        case Method.NONE:
            return draft
        case Method.CRL:
            return draw(with_lists(draft))
        case Method.OCSP:
            return draw(with_replies(draft))


@st.composite
def _roots(draw: st.DrawFn, length: int) -> CertificateOverrides:
    says: CertificateOverrides = {}
    if draw(st.integers(0, 5)) == 0:
        says["path_length"] = length - 1
    if draw(st.integers(0, 5)) == 0:
        says["extensions"] = (draw(_name_constraints()),)
    return says


@st.composite
def _name_constraints(draw: st.DrawFn) -> Extension:
    forms = draw(_subset(range(len(_PERMITTED)), 3))
    permitted = [draw(st.sampled_from(_PERMITTED[form])) for form in forms]
    excluded = draw(_subset(_EXCLUDED, 2))
    return constraints(permitted or _PERMITTED[0][:1], excluded)


@st.composite
def _paths(draw: st.DrawFn, most: int, *, has_policies: bool) -> tuple[Certified, ...]:
    count = draw(st.integers(0, most))
    subjects, issuer, path = [ROOT_NAME], ROOT, list[Certified]()
    for number in range(1, count + 1):
        is_self_issued = draw(st.integers(0, 6)) == 0
        subjects.append(subjects[-1] if is_self_issued else f"CN=CA {number},O=Org")
        path.append(Certified(f"ca{number}", subjects[-1], issuer, draw(_authority_says(has_policies=has_policies))))
        issuer = f"ca{number}"
    path.append(Certified(LEAF, "CN=leaf,O=Org", issuer, draw(_leaf_says(has_policies=has_policies))))
    return tuple(
        _with_path_length(draw, one, path[position + 1 : -1], subjects[position + 1 :])
        for position, one in enumerate(path)
    )


def _with_path_length(
    draw: st.DrawFn, one: Certified, below: Sequence[Certified], subjects: Sequence[str]
) -> Certified:
    if one.label == LEAF or draw(st.integers(0, 2)):
        return one
    needed = sum(own != above for above, own in pairwise(subjects)) if below else 0
    return one.saying(path_length=needed + draw(st.integers(0, 1)))


@st.composite
def _authority_says(draw: st.DrawFn, *, has_policies: bool) -> CertificateOverrides:
    says: CertificateOverrides = {"ca": True}
    extensions = list[Extension]()
    if has_policies:
        said = draw(_asserted(is_leaf=False)).overrides()
        says |= {"policies": said["policies"]}
        extensions += said["extensions"]
    if draw(st.integers(0, 2)) == 0:
        extensions.append(draw(_name_constraints()))
    says["extensions"] = tuple(extensions)
    says["extended_key_usage"] = draw(
        rarely(None, ("clientAuth",), ("anyExtendedKeyUsage",), ("serverAuth", "clientAuth"))
    )
    says["key_usage"] = draw(rarely(_SIGNS, _SIGNS | {"digitalSignature"}))
    return says


@st.composite
def _leaf_says(draw: st.DrawFn, *, has_policies: bool) -> CertificateOverrides:
    says: CertificateOverrides = {"ca": draw(rarely(False, None))}
    if has_policies:
        says |= draw(_asserted(is_leaf=True)).overrides()
    says["san"] = draw(_subset(_NAMES, 4)) or None
    says["extended_key_usage"] = draw(
        rarely(("clientAuth",), None, ("anyExtendedKeyUsage",), ("serverAuth", "clientAuth"))
    )
    says["key_usage"] = draw(rarely({"digitalSignature"}, None, {"digitalSignature", "keyAgreement"}))
    says |= draw(rarely({}, {"not_before": NOW}, {"not_after": NOW}, chance=8))
    return says
