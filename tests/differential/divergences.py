"""Where others differ from Revet, and why: what each row of `docs/divergences.md` means, exactly.

Rules: a divergence either says which drafts somebody refuses, or what somebody takes a draft for: he judges it as Revet
judges that other draft. Together they predict what everybody says of every draft; who says anything else has a bug, or
Revet has, or a row is missing or wrong. Refusing comes before all else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from typing import Final, TypeAlias

from service.core.model.certificate import ANY_POLICY
from service.core.model.policy import PolicyInputs
from tests.differential import peer_cryptography, peer_openssl, peer_pyhanko
from tests.differential.draft import LEAF, ROOT, ROOT_NAME, Certified, Draft, Listed, Method, Replied, Scenario, points
from tests.differential.mutations import MUTATIONS
from tests.differential.outcome import Outcome
from tests.pki import NOW, DistributionPoint, Entry, Extension, IssuingDistributionPoint, KeyIdentifier, days, der, oids
from tests.pki.names import general_name

Refuses: TypeAlias = Callable[[Draft], bool]
Sees: TypeAlias = Callable[[Draft], Draft | None]
"""The draft for which somebody takes another; None where he sees nothing else in it."""


class Peer(Enum):
    """Somebody else who judges."""

    OPENSSL = "OpenSSL"
    PYHANKO = "pyhanko-certvalidator"
    CRYPTOGRAPHY = "cryptography"

    @property
    def judge(self) -> Callable[[Scenario], Outcome]:
        """What takes a scenario to its outcome."""
        return {
            Peer.OPENSSL: peer_openssl.judge,
            Peer.PYHANKO: peer_pyhanko.judge,
            Peer.CRYPTOGRAPHY: peer_cryptography.judge,
        }[self]


@dataclass(frozen=True, slots=True)
class Divergence:
    """One way in which somebody differs.

    Attributes:
        identifier: As in the page.
        peers: Who.
        refuses: Which drafts he refuses; None for a divergence of the other kind.
        sees: What he takes a draft for.
        erratic: Drafts of which too much decides what he says: he is not asked about them, but for the example.
    """

    identifier: str
    peers: tuple[Peer, ...]
    refuses: Refuses | None = None
    sees: Sees | None = None
    erratic: Refuses | None = None

    def applies(self, draft: Draft) -> bool:
        """Whether it changes what a draft looks like."""
        if (predicate := self.refuses or self.erratic) is not None:
            return predicate(draft)
        return self.sees is not None and self.sees(draft) is not None


def seen(draft: Draft, divergences: Iterable[Divergence]) -> Draft | None:
    """What somebody of these divergences takes a draft for; None where he refuses it."""
    listed = tuple(divergences)
    if any(one.refuses is not None and one.refuses(draft) for one in listed):
        return None
    views = [one.sees for one in listed if one.sees is not None]
    # Twice: who does not notice what is broken sees the whole draft, and that as the others let him.
    return reduce(lambda known, see: see(known) or known, (*views, *views), draft)


def of(peer: Peer) -> tuple[Divergence, ...]:
    """Those of one."""
    return tuple(one for one in DIVERGENCES if peer in one.peers)


# --- what the drafts are asked ---------------------------------------------------------------------------------------


def _unnoticed(*mutations: str, where: Callable[[Draft], bool] = lambda _: True) -> Sees:
    """Does not notice that these things are broken."""

    def see(draft: Draft) -> Draft | None:
        return draft.whole if draft.broken in mutations and where(draft) else None

    return see


def _broken(*mutations: str) -> Refuses:
    return lambda draft: draft.broken in mutations


def _any_purpose_alone(draft: Draft, among: Iterable[Certified]) -> bool:
    del draft
    purposes = (one.says.get("extended_key_usage") or () for one in among if one.says.get("version") != 1)
    return any("anyExtendedKeyUsage" in listed and "clientAuth" not in listed for listed in purposes)


def _several_keys(draft: Draft) -> bool:
    """Whether an authority of the path has a key that another has under the same name."""
    names = [ROOT_NAME, *(one.subject for one in draft.authorities)]
    return len(set(names)) < len(names)


def _extensions_of(one: Certified, *identifiers: str) -> list[Extension]:
    return [given for given in one.says.get("extensions", ()) if given.oid in identifiers]


def _without(one: Certified, *identifiers: str) -> Certified:
    kept = [given for given in one.says.get("extensions", ()) if given.oid not in identifiers]
    return one.saying(extensions=tuple(kept))


def _without_policies(draft: Draft) -> Draft | None:
    path = tuple(_without(one.saying(policies=None), *_POLICY_EXTENSIONS) for one in draft.path)
    if path == draft.path and draft.inputs == PolicyInputs():
        return None
    return replace(draft, path=path, inputs=PolicyInputs())


def _maps(draft: Draft) -> bool:
    return any(_extensions_of(one, _MAPPINGS) for one in draft.path)


def _maps_what_it_does_not_list(draft: Draft) -> bool:
    """Whether an authority maps a policy that it asserts by anyPolicy alone."""
    for one in draft.authorities:
        policies = one.says.get("policies") or ()
        for given in _extensions_of(one, _MAPPINGS):
            mapped = [der.children(pair)[0] for pair in der.children(given.value)]
            if ANY_POLICY in policies and any(issuer not in map(der.oid, policies) for issuer in mapped):
                return True
    return False


def _bases(draft: Draft, *, of_anchor: bool) -> Iterator[bytes]:
    """Name constraints above the leaf: their bases, as DER."""
    given = [one for authority in draft.authorities for one in _extensions_of(authority, oids.NAME_CONSTRAINTS)]
    if of_anchor:
        given += draft.root.get("extensions", ())
    for one in given:
        for subtrees in der.children(one.value):
            yield from (der.children(subtree)[0] for subtree in der.children(subtrees))


def _has_base(draft: Draft, tag: int, *, of_anchor: bool) -> bool:
    return any(base[0] == tag for base in _bases(draft, of_anchor=of_anchor))


def _has_name(draft: Draft, tag: int) -> bool:
    return (
        any(general_name(name)[0] == tag for name in draft.leaf.says.get("san") or ())
        and draft.leaf.says.get("version", 3) == 3
    )


_URI: Final = 0x86
_IP: Final = 0x87
_DIRECTORY: Final = 0xA4
_POLICY_EXTENSIONS: Final = ("2.5.29.33", "2.5.29.36", "2.5.29.54")
_MAPPINGS: Final = "2.5.29.33"


def _without_anchor_constraints(draft: Draft) -> Draft | None:
    if not draft.root.get("extensions"):
        return None
    return replace(draft, root={**draft.root, "extensions": ()})


def _self_issued_count(draft: Draft) -> bool:
    """Whether a path length is exceeded where self-issued certificates count."""
    lengths = [draft.root.get("path_length"), *(one.says.get("path_length") for one in draft.authorities)]
    return any(length is not None and length < len(lengths) - 1 - position for position, length in enumerate(lengths))


def _names(draft: Draft) -> dict[str, str]:
    """The names of authorities, from the anchor down."""
    return {ROOT: ROOT_NAME} | {one.label: one.subject for one in draft.authorities}


def _is_other_key(draft: Draft, label: str) -> bool:
    """Whether somebody of the same name comes first: the anchor, or else who is nearest to the leaf."""
    names = _names(draft)
    same = [other for other in (ROOT, *reversed(names)) if names[other] == names[label]]
    return same[0] != label


def _is_named_alone(draft: Draft, reply: Replied) -> bool:
    """Whether an answer of an authority itself says by name who that is, and another key of the name comes first."""
    says_name = not reply.delegate and reply.says.get("responder_id", "name") == "name"
    return says_name and _is_other_key(draft, draft.certified(reply.about).issuer)


def _is_about_crls(draft: Draft) -> bool:
    """Whether the CRLs are what is broken."""
    return bool(draft.broken) and MUTATIONS[draft.broken].method is Method.CRL


def _several_signers(draft: Draft) -> bool:
    """Whether several sign complete CRLs about what is broken."""
    lists = draft.lists if draft.whole is None else draft.whole.lists
    return len({one.signer for one in lists if draft.target in one.about and not one.is_delta}) > 1


def _other_key_identifier(draft: Draft) -> bool:
    """Whether the wrong identifier is noticed in every complete CRL about the target.

    Those of version 1 have none. OpenSSL compares it with the extensions of a signer's certificate that it has read
    already: those of the path, and not those of a signer beside it, which it reads once it has chosen the CRL.
    """
    signers = {ROOT, *(one.label for one in draft.path)}
    lists = [one for one in draft.lists if draft.target in one.about and not one.is_delta]
    return draft.broken == "CRL with another key identifier" and all(
        one.says.get("version") != 1 and one.signer in signers for one in lists
    )


def _with_kinds_of_version_1(draft: Draft) -> Draft | None:
    """A leaf of version 1, covered by the CRLs of users."""
    if draft.leaf.says.get("version") != 1:
        return None
    lists = tuple(_of_every_kind(one) if LEAF in one.about else one for one in draft.lists)
    return None if lists == draft.lists else replace(draft, lists=lists)


def _of_every_kind(one: Listed) -> Listed:
    if not isinstance(idp := one.says.get("idp"), IssuingDistributionPoint):
        return one
    wider = replace(idp, only_user=False)
    return one.saying(idp=None if wider == IssuingDistributionPoint() else wider)  # an empty one MUST NOT be written


def _has_delta(draft: Draft) -> bool:
    return any(one.is_delta and draft.target in one.about for one in draft.lists)


def _reasons_of_one_name(draft: Draft) -> bool:
    """Whether a certificate has two distribution points of one name that differ in their reasons."""
    for one in draft.path:
        named = [
            point.names for point in points(one) if isinstance(point, DistributionPoint) and point.reasons is not None
        ]
        if len(set(map(tuple, named))) < len(named):
            return True
    return False


def _names_delta(draft: Draft, delta: Listed) -> bool:
    """Whether a complete CRL says where a delta is."""
    return any(
        one.says.get("freshest_crl_urls") is not None
        for one in draft.lists
        if not one.is_delta and set(one.about) & set(delta.about)
    )


def _without_deltas_of_certificates(draft: Draft) -> Draft | None:
    kept = tuple(one for one in draft.lists if not one.is_delta or _names_delta(draft, one))
    return None if kept == draft.lists else replace(draft, lists=kept)


def _unfit_delta(draft: Draft) -> bool:
    """Whether a CRL speaks of deltas, and none has its scope, its key identifier and a good signature."""
    deltas = [one for one in draft.lists if one.is_delta and not one.says.get("corrupt_signature")]
    lists = [one for one in draft.lists if not one.is_delta and one.says.get("freshest_crl_urls") is not None]
    return any(_like(one) not in map(_like, deltas) for one in lists)


def _like(one: Listed) -> tuple[object, ...]:
    """What pyhanko-certvalidator compares of a CRL and a delta."""
    derived = KeyIdentifier.DERIVED
    return one.signer, one.says.get("idp"), one.says.get("authority_key_identifier", derived)


def _without_repetitions(draft: Draft) -> Draft | None:
    """Every CRL with the last entry for each certificate alone."""
    lists = tuple(one.saying(revoked=tuple(_last(one).values())) for one in draft.lists)
    return None if all(len(_last(one)) == len(one.entries) for one in draft.lists) else replace(draft, lists=lists)


def _last(one: Listed) -> dict[tuple[int, object], Entry]:
    return {(entry.serial, entry.certificate_issuer): entry for entry in one.entries}


def _with_earlier_start(draft: Draft) -> Draft | None:
    if draft.method is not Method.OCSP or draft.leaf.says.get("not_before") != NOW:
        return None
    return draft.changing(LEAF, not_before=NOW - days(1))


DIVERGENCES: Final = (
    Divergence("any-purpose", (Peer.OPENSSL,), refuses=lambda draft: _any_purpose_alone(draft, draft.path)),
    Divergence(
        "any-purpose-of-leaf",
        (Peer.PYHANKO, Peer.CRYPTOGRAPHY),
        refuses=lambda draft: _any_purpose_alone(draft, (draft.leaf,)),
    ),
    Divergence("last-second", (Peer.OPENSSL,), refuses=lambda draft: draft.leaf.says.get("not_after") == NOW),
    Divergence(
        "authority-key-identifier", (Peer.OPENSSL, Peer.PYHANKO), refuses=_broken("another authority key identifier")
    ),
    Divergence("extension-twice", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("an extension twice")),
    Divergence("purposes-of-authorities", (Peer.PYHANKO,), sees=_unnoticed("authority for servers")),
    Divergence("signature-algorithms", (Peer.PYHANKO,), sees=_unnoticed("inner and outer algorithm differ")),
    Divergence("keyCertSign-of-leaf", (Peer.PYHANKO,), sees=_unnoticed("leaf that signs certificates")),
    Divergence(
        "address-constraints",
        (Peer.PYHANKO,),
        refuses=lambda draft: _has_base(draft, _IP, of_anchor=False) and _has_name(draft, _IP),
    ),
    Divergence("constraints-of-the-anchor", (Peer.PYHANKO,), sees=_without_anchor_constraints),
    Divergence("mapped-by-anyPolicy", (Peer.OPENSSL,), erratic=_maps_what_it_does_not_list),
    Divergence("policy-mappings", (Peer.CRYPTOGRAPHY,), refuses=_maps),
    Divergence("no-policies", (Peer.CRYPTOGRAPHY,), sees=_without_policies),
    Divergence(
        "directory-constraints",
        (Peer.CRYPTOGRAPHY,),
        refuses=lambda draft: _has_base(draft, _DIRECTORY, of_anchor=True),
    ),
    Divergence(
        "URI-constraints",
        (Peer.CRYPTOGRAPHY,),
        refuses=lambda draft: _has_base(draft, _URI, of_anchor=True) and _has_name(draft, _URI),
    ),
    Divergence("self-issued-path-length", (Peer.CRYPTOGRAPHY,), refuses=_self_issued_count),
    Divergence(
        "issuer-without-identifier",
        (Peer.OPENSSL,),
        refuses=lambda draft: draft.broken == "leaf of version 1" and _is_other_key(draft, draft.leaf.issuer),
    ),
    Divergence("version-1", (Peer.CRYPTOGRAPHY,), refuses=_broken("leaf of version 1")),
    Divergence("authority-without-keyUsage", (Peer.CRYPTOGRAPHY,), refuses=_broken("authority without keyUsage")),
    Divergence("SHA-1-of-CRLs", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("CRL signed with SHA-1")),
    Divergence("repeated-entries", (Peer.OPENSSL, Peer.PYHANKO), sees=_without_repetitions),
    Divergence("revoked-tomorrow", (Peer.PYHANKO,), sees=_unnoticed("revoked tomorrow")),
    Divergence("removed-by-a-complete-CRL", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("removed by a complete CRL")),
    Divergence("unexpected-indirect-CRL", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("CRL that says indirect")),
    Divergence("version-1-of-a-kind", (Peer.OPENSSL, Peer.PYHANKO), sees=_with_kinds_of_version_1),
    Divergence("CRL-without-nextUpdate", (Peer.OPENSSL,), sees=_unnoticed("CRL without nextUpdate")),
    Divergence("delta-of-an-expired-CRL", (Peer.OPENSSL,), sees=_unnoticed("CRL expired", where=_has_delta)),
    Divergence("CRL-key-identifier", (Peer.OPENSSL,), refuses=_other_key_identifier),
    Divergence(
        "delta-that-is-broken",
        (Peer.OPENSSL,),
        refuses=_broken("delta with a bad signature", "delta with an unknown critical extension"),
    ),
    Divergence("reasons-of-one-name", (Peer.OPENSSL,), refuses=_reasons_of_one_name),
    Divergence("deltas-of-certificates", (Peer.PYHANKO,), sees=_without_deltas_of_certificates),
    Divergence("delta-that-fits-none", (Peer.PYHANKO,), refuses=_unfit_delta),
    Divergence(
        "CRLs-of-others",
        (Peer.PYHANKO,),
        erratic=lambda draft: _is_about_crls(draft) and (_several_keys(draft) or bool(draft.beside)),
    ),
    Divergence(
        "one-CRL",
        (Peer.OPENSSL,),
        erratic=lambda draft: _is_about_crls(draft) and _several_signers(draft),
    ),
    Divergence(
        "answers-of-several-keys",
        (Peer.PYHANKO,),
        refuses=lambda draft: draft.method is Method.OCSP and any(_is_named_alone(draft, one) for one in draft.replies),
    ),
    Divergence(
        "answers-that-nobody-declares",
        (Peer.PYHANKO,),
        refuses=lambda draft: draft.method is Method.OCSP and draft.leaf.says.get("version") == 1,
    ),
    Divergence("SHA-1-of-answers", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("answer signed with SHA-1")),
    Divergence(
        "extensions-of-answers",
        (Peer.OPENSSL, Peer.PYHANKO),
        sees=_unnoticed(
            "answer with an unknown critical extension", "single response with an unknown critical extension"
        ),
    ),
    Divergence("good-and-revoked", (Peer.OPENSSL, Peer.PYHANKO), sees=_unnoticed("good and revoked in one answer")),
    Divergence("answer-before-the-certificate", (Peer.OPENSSL, Peer.PYHANKO), sees=_with_earlier_start),
)
