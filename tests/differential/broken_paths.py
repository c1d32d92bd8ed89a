"""What can be broken in the certificates of a path.

Not everything makes a certificate invalid: some only looks as if it did.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Unpack

from service.core.model.certificate import ANY_POLICY
from tests.differential.draft import LEAF, OTHER_KEY, ROOT, UNKNOWN, Change, Draft
from tests.pki import NOW, CertificateOverrides, Extension, days, der
from tests.pki.names import GeneralNameLike

_IGNORED: Final = replace(UNKNOWN, critical=False)


def _certificate(**says: Unpack[CertificateOverrides]) -> Change:
    return lambda draft, target: draft.changing(target, **says)


def _authority(**says: Unpack[CertificateOverrides]) -> Change:
    return lambda draft, target: None if target == LEAF else draft.changing(target, **says)


def _leaf(**says: Unpack[CertificateOverrides]) -> Change:
    return lambda draft, _: draft.changing(LEAF, **says)


def _added(*added: Extension) -> Change:
    def change(draft: Draft, target: str) -> Draft:
        there = draft.certified(target).says.get("extensions", ())
        return draft.changing(target, extensions=(*there, *added))

    return change


def _path_length(draft: Draft, target: str) -> Draft | None:
    """One less than there are authorities below it that are not self-issued (RFC 5280 §4.2.1.9)."""
    below = _below(draft, target)
    return draft.changing(target, path_length=below - 1) if target != LEAF and below else None


def _below(draft: Draft, label: str) -> int:
    position = [one.label for one in draft.path].index(label)
    return sum(_subject(draft, one.issuer) != one.subject for one in draft.path[position + 1 : -1])


def _subject(draft: Draft, label: str) -> str:
    return "" if label == ROOT else draft.certified(label).subject


def _name(san: Sequence[GeneralNameLike]) -> Change:
    def change(draft: Draft, _: str) -> Draft:
        there = draft.leaf.says.get("san") or ()
        return draft.changing(LEAF, san=(*there, *san))

    return change


def _no_policies(draft: Draft, target: str) -> Draft | None:
    if draft.certified(target).says.get("policies") is None:
        return None
    return draft.changing(target, policies=None)


def _other_policy(draft: Draft, target: str) -> Draft | None:
    there = draft.certified(target).says.get("policies")
    if there is None or ANY_POLICY in there:
        return None
    return draft.changing(target, policies=("1.3.6.1.4.1.99999.4.77",))


def _renamed(draft: Draft, target: str) -> Draft:
    """Issued in somebody else's name."""
    return draft.changing(target, issuer_name="CN=Somebody,O=Else")


def _resubjected(draft: Draft, subject: str) -> Draft:
    leaf = replace(draft.leaf, subject=subject)
    return replace(draft, path=(*draft.authorities, leaf))


PATHS: Final[tuple[tuple[str, Change], ...]] = (
    ("expired", _certificate(not_after=NOW - days(1))),
    ("not yet valid", _certificate(not_before=NOW + days(1))),
    ("bad signature", _certificate(corrupt_signature=True)),
    ("signed by another key", _certificate(signing_key=OTHER_KEY)),
    ("another issuer's name", _renamed),
    ("another authority key identifier", _certificate(authority_key_identifier=bytes(20))),
    ("signed with SHA-1", _certificate(signature_hash="sha1")),
    ("unknown critical extension", _added(UNKNOWN)),
    ("unknown extension", _added(_IGNORED)),
    ("an extension twice", _added(_IGNORED, _IGNORED)),
    ("inner and outer algorithm differ", _certificate(inner_algorithm=der.seq(der.oid("1.2.840.10045.4.3.3")))),
    ("authority that is none", _authority(ca=False)),
    ("authority without basicConstraints", _authority(ca=None)),
    ("authority of version 1", _authority(version=1)),
    ("authority without keyCertSign", _authority(key_usage={"cRLSign"})),
    ("authority without keyUsage", _authority(key_usage=None)),
    ("authority for servers", _authority(extended_key_usage=("serverAuth",))),
    ("path length exceeded", _path_length),
    ("leaf for servers", _leaf(extended_key_usage=("serverAuth",))),
    ("leaf that signs certificates", _leaf(key_usage={"keyCertSign"})),
    ("leaf of version 1", _leaf(version=1)),
    ("DNS name outside", _name(("DNS:host.example.org",))),
    ("mail address outside", _name(("email:bob@example.org",))),
    ("URI outside", _name(("URI:https://www.example.org/",))),
    ("IP address outside", _name(("IP:198.51.100.7",))),
    ("URI without a host", _name(("URI:urn:example:com",))),
    ("wildcard", _name(("DNS:*.example.com",))),
    ("name of the domain itself", _name(("DNS:example.com",))),
    ("subject outside", lambda draft, _: _resubjected(draft, "CN=leaf,O=Else")),
    ("subject in another case", lambda draft, _: _resubjected(draft, "CN=leaf,O=oRG")),
    ("policies left out", _no_policies),
    ("another policy", _other_policy),
)
"""By name."""
