"""Path building: who may have issued whom, in which order it is tried, and where it ends."""

from typing import Final

import pytest

from service.core.model.failure import BadSignature, NoIssuer, SelfSignedLeaf
from service.core.path.trust_store import AnchorRule
from tests.core.path.chains import built, path, read, store
from tests.pki import Authority, der, key, oids

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")
STRANGER: Final = Authority.root("Stranger")

NAMESAKES: Final = tuple(ROOT.subordinate("Sub", key=key("p256", index)) for index in range(5))
"""Authorities with the name of `SUB` and keys of their own."""


def common_name(tag: int, text: str) -> bytes:
    """The DER of a name with a common name of a string type of one's choice."""
    return der.seq(der.set_of(der.seq(der.oid("2.5.4.3"), der.tlv(tag, text.encode()))))


# --- what is found ---------------------------------------------------------------------------------------------------


def test_a_leaf_below_its_anchor() -> None:
    """The shortest path has no intermediate."""
    leaf = ROOT.issue("leaf")
    assert [path(leaf, ROOT)] == built(leaf, store(ROOT))


def test_a_single_chain() -> None:
    """A leaf, its issuer and the anchor make one path."""
    assert [path(LEAF, SUB, ROOT)] == built(LEAF, store(ROOT, SUB))


def test_a_long_chain() -> None:
    """Intermediates are found one above the other, from the store and from elsewhere alike."""
    lower = SUB.subordinate("Lower")
    lowest = lower.subordinate("Lowest")
    leaf = lowest.issue("leaf")
    assert [path(leaf, lowest, lower, SUB, ROOT)] == built(leaf, store(ROOT, lower, intermediates=(lowest, SUB)))


def test_nobody_bears_the_issuers_name() -> None:
    """A leaf whose issuer is missing reaches nothing."""
    assert [NoIssuer(read(LEAF))] == built(LEAF, store(ROOT))


def test_the_intermediates_issuer_is_missing() -> None:
    """The certificate that lacks an issuer is the one that is named."""
    assert [NoIssuer(read(SUB))] == built(LEAF, store(STRANGER, intermediates=(SUB,)))


def test_a_forged_leaf() -> None:
    """The issuer's name without the issuer's signature is no step of a path (RFC 5280 §6.1.3 (a)(1))."""
    forged = SUB.issue("leaf", corrupt_signature=True)
    assert [BadSignature(read(forged), read(SUB))] == built(forged, store(ROOT, SUB))


def test_a_forged_intermediate() -> None:
    """Each signature of the path counts, not the leaf's alone."""
    forged = ROOT.subordinate("Sub", corrupt_signature=True)
    assert [BadSignature(read(forged), read(ROOT))] == built(LEAF, store(ROOT, intermediates=(forged,)))


def test_the_right_key_under_another_name() -> None:
    """The name chains, not the key alone (RFC 5280 §6.1.3 (a)(4))."""
    leaf = SUB.issue("leaf", issuer_name="Another")
    assert [NoIssuer(read(leaf))] == built(leaf, store(ROOT, SUB))


@pytest.mark.parametrize("issuer", [(0x0C, "SUB"), (0x13, "Sub"), (0x13, "  sub "), (0x1E, "\0S\0u\0b")])
def test_names_match_whatever_their_encoding(issuer: tuple[int, str]) -> None:
    """String type, case and space around a name make no other issuer (RFC 5280 §7.1)."""
    leaf = SUB.issue("leaf", issuer_name=common_name(*issuer))
    assert [path(leaf, SUB, ROOT)] == built(leaf, store(ROOT, SUB))


def test_the_anchors_name_matches_whatever_its_encoding() -> None:
    """The same holds for the step to the anchor."""
    sub = ROOT.subordinate("Sub", issuer_name=common_name(0x13, "rOOT"))
    assert [path(LEAF, sub, ROOT)] == built(LEAF, store(ROOT, sub))


# --- several candidates ----------------------------------------------------------------------------------------------


def test_namesakes_are_told_apart_by_the_signature() -> None:
    """Of several authorities of one name the one that signed is on the path; without it each says why it is not."""
    assert [path(LEAF, SUB, ROOT)] == built(LEAF, store(ROOT, intermediates=(*NAMESAKES, SUB)))
    outcomes = built(LEAF, store(ROOT, intermediates=NAMESAKES))
    assert {BadSignature(read(LEAF), read(one)) for one in NAMESAKES} == set(outcomes)
    assert len(NAMESAKES) == len(outcomes)


def test_a_matching_key_identifier_is_tried_first() -> None:
    """The authority that the leaf's authorityKeyIdentifier means comes before its namesakes."""
    # Without the hint the fingerprint decides: some namesake comes before SUB, or this test shows nothing.
    assert min(read(one).fingerprint for one in NAMESAKES) < read(SUB).fingerprint
    assert path(LEAF, SUB, ROOT) == built(LEAF, store(ROOT, *NAMESAKES, SUB))[0]


def test_a_wrong_key_identifier_changes_the_order_alone() -> None:
    """A leaf whose authorityKeyIdentifier means a namesake still reaches the anchor through its issuer."""
    leaf = SUB.issue("leaf", authority_key_identifier=NAMESAKES[0].key_identifier)
    outcomes = built(leaf, store(ROOT, SUB, *NAMESAKES))
    assert BadSignature(read(leaf), read(NAMESAKES[0])) == outcomes[0]
    assert path(leaf, SUB, ROOT) in outcomes


def test_key_identifiers_may_be_absent() -> None:
    """A candidate without subjectKeyIdentifier is no less likely than one whose identifier matches."""
    silent = ROOT.subordinate("Sub", subject_key_identifier=None)
    outcomes = built(LEAF, store(ROOT, intermediates=(silent, *NAMESAKES)))
    assert path(LEAF, silent, ROOT) == outcomes[0]


def test_a_leaf_without_a_key_identifier() -> None:
    """Without the hint the signature still finds the issuer."""
    leaf = SUB.issue("leaf", authority_key_identifier=None)
    assert path(leaf, SUB, ROOT) in built(leaf, store(ROOT, SUB, *NAMESAKES))


def test_without_a_hint_nobody_is_likelier() -> None:
    """For a leaf without authorityKeyIdentifier it makes no difference which candidates have an identifier."""
    leaf = SUB.issue("leaf", authority_key_identifier=None)
    silent = ROOT.subordinate("Sub", key=key("p256", 6), subject_key_identifier=None)
    candidates = sorted((*NAMESAKES, silent), key=lambda one: read(one).fingerprint)
    assert candidates[0] is not silent
    assert [BadSignature(read(leaf), read(one)) for one in candidates] == built(leaf, store(ROOT, *candidates))


def test_anchors_are_tried_first() -> None:
    """A step to an anchor comes before one to an intermediate, although the key identifier means the intermediate."""
    root = Authority.root("Root", subject_key_identifier=b"root")
    crossed = STRANGER.cross_sign(root, subject_key_identifier=b"crossed")
    leaf = root.issue("leaf", authority_key_identifier=b"crossed")
    expected = [path(leaf, root), path(leaf, crossed, STRANGER)]
    assert expected == built(leaf, store(root, STRANGER, intermediates=(crossed,)))


def test_every_anchor_of_a_name_is_tried() -> None:
    """A renewed root stands beside its predecessor: the same name and key, two paths."""
    renewed = ROOT.reissue(serial=7)
    outcomes = built(LEAF, store(ROOT, renewed, SUB))
    assert {path(LEAF, SUB, ROOT), path(LEAF, SUB, renewed)} == set(outcomes)


# --- cross-certificates ----------------------------------------------------------------------------------------------


def test_a_cross_signed_authority_leads_to_both_anchors() -> None:
    """An authority with two certificates gives two paths."""
    crossed = STRANGER.cross_sign(SUB)
    outcomes = built(LEAF, store(ROOT, STRANGER, intermediates=(SUB, crossed)))
    assert {path(LEAF, SUB, ROOT), path(LEAF, crossed, STRANGER)} == set(outcomes)


def test_a_dead_end_does_not_hide_the_other_way() -> None:
    """Where one of two certificates leads nowhere, the search goes back and takes the other."""
    crossed = STRANGER.cross_sign(SUB)
    outcomes = built(LEAF, store(STRANGER, intermediates=(SUB, crossed)))
    assert {path(LEAF, crossed, STRANGER), NoIssuer(read(SUB))} == set(outcomes)


def test_a_circle_of_cross_certificates_ends() -> None:
    """Two authorities that certify each other and nobody else are no path."""
    first, second = Authority.root("First"), Authority.root("Second")
    by_second, by_first = second.cross_sign(first), first.cross_sign(second)
    leaf = first.issue("leaf")
    assert [NoIssuer(read(by_first))] == built(leaf, store(ROOT, intermediates=(by_second, by_first)))


def test_an_anchor_is_never_a_circle() -> None:
    """A path ends at an anchor although another certificate of the same name and key is on it already."""
    renewed = ROOT.reissue(serial=7)
    leaf = ROOT.issue("leaf")
    outcomes = built(leaf, store(ROOT, intermediates=(renewed,)))
    assert [path(leaf, ROOT), path(leaf, renewed, ROOT)] == outcomes


def test_a_circle_with_a_way_out() -> None:
    """A circle of cross-certificates does not hide the one certificate that leads to the anchor."""
    first, second = Authority.root("First"), Authority.root("Second")
    by_second, by_first = second.cross_sign(first), first.cross_sign(second)
    by_root = ROOT.cross_sign(second)
    leaf = first.issue("leaf")
    outcomes = built(leaf, store(ROOT, intermediates=(by_second, by_first, by_root)))
    assert {path(leaf, by_second, by_root, ROOT), NoIssuer(read(by_first))} == set(outcomes)


def test_a_new_key_under_the_old_name_is_no_circle() -> None:
    """An authority that certified its new key with its old one is passed twice (RFC 4210 §4.4)."""
    rolled = SUB.subordinate("Sub", key=key("p384"))
    leaf = rolled.issue("leaf")
    assert path(leaf, rolled, SUB, ROOT) in built(leaf, store(ROOT, SUB, rolled))


def test_one_key_under_two_names_is_no_circle() -> None:
    """Two authorities that share a key are two authorities."""
    lower = SUB.subordinate("Lower", key=SUB.key)
    leaf = lower.issue("leaf")
    assert [path(leaf, lower, SUB, ROOT)] == built(leaf, store(ROOT, SUB, lower))


def test_a_circle_in_another_spelling_ends() -> None:
    """The same name in capitals with the same key is the same authority."""
    shouted = SUB.subordinate("SUB", key=SUB.key)
    outcomes = built(SUB.issue("leaf"), store(STRANGER, intermediates=(shouted,)))
    assert [NoIssuer(read(shouted))] == outcomes


# --- anchors and leaves ----------------------------------------------------------------------------------------------


def test_a_path_ends_at_the_first_anchor() -> None:
    """Where an authority in the middle is an anchor, nobody asks who issued it."""
    assert [path(LEAF, SUB)] == built(LEAF, store(ROOT, SUB, rule=AnchorRule.EVERY))


def test_a_leaf_that_is_an_anchor() -> None:
    """A leaf that is byte for byte an anchor is a path of length one, self-signed or not."""
    assert [path(ROOT)] == built(ROOT, store(ROOT))
    assert [path(LEAF)] == built(LEAF, store(LEAF))


def test_a_self_signed_leaf_is_nobody() -> None:
    """A self-signed leaf allows only as an anchor, not as an intermediate."""
    alone = Authority.root("leaf", ca=False)
    assert [SelfSignedLeaf(read(alone))] == built(alone, store(ROOT, intermediates=(alone,)))


def test_a_self_issued_leaf_is_somebody() -> None:
    """A leaf with its issuer's name and a key of its own is issued like any other."""
    leaf = ROOT.issue("Root", key=key("p256", 1))
    assert [path(leaf, ROOT)] == built(leaf, store(ROOT))


def test_a_leaf_never_issued_itself() -> None:
    """Where the only certificate with the issuer's name is the leaf itself, there is no issuer."""
    leaf = ROOT.issue("Root", key=key("p256", 1))
    assert [NoIssuer(read(leaf))] == built(leaf, store(STRANGER, intermediates=(leaf,)))


def test_a_self_signed_intermediate_is_no_anchor() -> None:
    """A root that came along with the request is trusted by nobody."""
    outcomes = built(STRANGER.issue("leaf"), store(ROOT, intermediates=(STRANGER,)))
    assert [NoIssuer(read(STRANGER))] == outcomes


def test_a_self_signed_intermediate_does_no_harm() -> None:
    """A path goes through another certificate of an authority that is self-signed besides."""
    crossed = ROOT.cross_sign(STRANGER)
    leaf = STRANGER.issue("leaf")
    outcomes = built(leaf, store(ROOT, intermediates=(STRANGER, crossed)))
    assert {path(leaf, crossed, ROOT), NoIssuer(read(STRANGER))} == set(outcomes)


def test_a_leaf_that_is_an_authority() -> None:
    """An authority may be the certificate in question, like any other."""
    assert [path(SUB, ROOT)] == built(SUB, store(ROOT, SUB))


def test_extensions_do_not_decide_here() -> None:
    """Building asks for names and signatures only: what an authority may do is the business of validation."""
    nobody = ROOT.subordinate("Sub", ca=False, key_usage=frozenset({"digitalSignature"}), version=1)
    assert oids.BASIC_CONSTRAINTS not in [one.oid.dotted_string for one in nobody.certificate.extensions]
    assert [path(LEAF, nobody, ROOT)] == built(LEAF, store(ROOT, intermediates=(nobody,)))
