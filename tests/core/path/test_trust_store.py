"""Trust stores: which certificates are anchors, what a store is called, and how it changes."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from service.core.names.comparison import canonical
from service.core.path.trust_store import (
    AnchorRule,
    build_trust_store,
    is_self_signed,
    with_every_anchor,
    with_intermediates,
)
from tests.core.path.chains import MD2_WITH_RSA, Link, read, store
from tests.pki import Authority, Extension, days, key
from tests.pki.moments import NOT_AFTER

ROOT: Final = Authority.root("Root")
OTHER: Final = Authority.root("Other")
SUB: Final = ROOT.subordinate("Sub")
LOWER: Final = SUB.subordinate("Lower")
MANY: Final[tuple[Link, ...]] = (ROOT, OTHER, SUB, LOWER, ROOT.reissue(serial=7), ROOT.subordinate("Sub", serial=7))


# --- self-signed -----------------------------------------------------------------------------------------------------


def test_a_root_is_self_signed() -> None:
    """Its own name as the issuer, its own key under the signature."""
    assert is_self_signed(read(ROOT))


def test_a_subordinate_authority_is_not() -> None:
    """Another name as the issuer, another key under the signature."""
    assert not is_self_signed(read(SUB))


def test_the_own_name_alone_is_not_enough() -> None:
    """A self-issued certificate is signed with another key of the same authority."""
    assert not is_self_signed(read(ROOT.subordinate("Root", key=key("p384"))))


def test_the_own_key_alone_is_not_enough() -> None:
    """A certificate under its own key names somebody else as its issuer."""
    assert not is_self_signed(read(Authority.root("Root", issuer_name="Somebody")))


def test_a_broken_signature_is_not() -> None:
    """A root whose signature does not verify signed nothing."""
    assert not is_self_signed(read(Authority.root("Root", corrupt_signature=True)))


def test_the_name_in_another_spelling() -> None:
    """Subject and issuer are compared as names, not as octets."""
    assert is_self_signed(read(Authority.root("Root", issuer_name="ROOT")))


def test_a_signature_that_nothing_here_verifies() -> None:
    """An old root signed with MD2 is a root by its names."""
    assert is_self_signed(read(Authority.root("Root", inner_algorithm=MD2_WITH_RSA, outer_algorithm=MD2_WITH_RSA)))


# --- anchors ---------------------------------------------------------------------------------------------------------


def test_self_signed_certificates_are_anchors() -> None:
    """Of a mixed store the self-signed certificates are anchors, the others intermediates."""
    trusted = store(ROOT, SUB, OTHER, LOWER)
    assert frozenset((read(ROOT), read(OTHER))) == trusted.anchors
    assert frozenset((read(SUB), read(LOWER))) == trusted.intermediates


def test_without_a_self_signed_certificate_all_are_anchors() -> None:
    """A store of subordinate authorities trusts every one of them."""
    trusted = store(SUB, LOWER)
    assert frozenset((read(SUB), read(LOWER))) == trusted.anchors
    assert frozenset() == trusted.intermediates


def test_an_old_root_is_an_anchor() -> None:
    """A root signed with an algorithm that nothing here verifies does not turn the store into a store of anchors."""
    old = Authority.root("Old", inner_algorithm=MD2_WITH_RSA, outer_algorithm=MD2_WITH_RSA)
    assert frozenset((read(old),)) == store(old, SUB).anchors


def test_every_certificate_may_be_an_anchor() -> None:
    """A partial chain ends at any certificate of the store, at none that came from elsewhere."""
    trusted = store(ROOT, SUB, intermediates=(LOWER,), rule=AnchorRule.EVERY)
    assert frozenset((read(ROOT), read(SUB))) == trusted.anchors
    assert frozenset((read(LOWER),)) == trusted.intermediates


def test_other_intermediates_are_never_anchors() -> None:
    """A self-signed certificate among the configured intermediates is an intermediate."""
    trusted = store(ROOT, intermediates=(OTHER,))
    assert frozenset((read(ROOT),)) == trusted.anchors
    assert frozenset((read(OTHER),)) == trusted.intermediates
    assert frozenset((read(ROOT),)) == trusted.certificates


def test_other_intermediates_do_not_save_a_store_without_anchors() -> None:
    """Whether a store has a self-signed certificate is asked of its own ones."""
    trusted = store(SUB, intermediates=(ROOT,))
    assert frozenset((read(SUB),)) == trusted.anchors
    assert frozenset((read(ROOT),)) == trusted.intermediates


def test_an_anchor_among_the_intermediates() -> None:
    """The same certificate in both places is an anchor, once."""
    trusted = store(ROOT, intermediates=(ROOT, SUB))
    assert frozenset((read(SUB),)) == trusted.intermediates
    assert (read(ROOT),) == trusted.by_subject[canonical(read(ROOT).subject.der)]


def test_an_empty_store_trusts_nobody() -> None:
    """Without certificates there are no anchors."""
    trusted = build_trust_store("empty", ())
    assert (frozenset(), frozenset(), {}) == (trusted.anchors, trusted.intermediates, trusted.by_subject)


def test_validity_does_not_decide() -> None:
    """An expired root is an anchor: when a verdict is asked for is not known here."""
    expired = Authority.root("Expired", not_after=NOT_AFTER - days(1000))
    assert frozenset((read(expired),)) == store(expired, SUB).anchors


# --- index -----------------------------------------------------------------------------------------------------------


def test_the_index_knows_names_whatever_their_spelling() -> None:
    """Certificates of one name are found together, the anchor first."""
    shouted = OTHER.subordinate("ROOT")
    trusted = store(ROOT, shouted)
    assert (read(ROOT), read(shouted)) == trusted.by_subject[canonical(read(shouted).subject.der)]


def test_certificates_of_one_name_have_an_order() -> None:
    """Fingerprints order them, so that every process comes to the same index and version."""
    namesakes = [read(OTHER.subordinate("Sub", serial=number)) for number in range(1, 7)]
    trusted = build_trust_store("test", [read(ROOT)], namesakes)
    by_fingerprint = tuple(sorted(namesakes, key=lambda one: one.fingerprint))
    assert by_fingerprint == trusted.by_subject[canonical(namesakes[0].subject.der)]


def test_a_store_keeps_its_name() -> None:
    """What requests call it stays, whatever is added."""
    trusted = store(ROOT, name="devices")
    assert "devices" == trusted.name
    assert "devices" == with_intermediates(trusted, (read(SUB),)).name
    assert "devices" == with_every_anchor(trusted).name


@given(st.permutations(MANY))
def test_the_order_of_certificates_makes_no_difference(order: list[Link]) -> None:
    """The same certificates in any order are the same store, version and index included."""
    assert store(*MANY) == store(*order)
    assert store(ROOT, intermediates=MANY) == store(ROOT, intermediates=order)


def test_versions_differ_with_the_content() -> None:
    """Another anchor, another intermediate, or another part for one of them is another version."""
    stores = (
        store(),
        store(ROOT),
        store(OTHER),
        store(ROOT, OTHER),
        store(ROOT, SUB),
        store(ROOT, intermediates=(SUB,)),
        store(ROOT, SUB, rule=AnchorRule.EVERY),
        store(ROOT, intermediates=(OTHER,)),
        store(OTHER, intermediates=(ROOT,)),
        store(ROOT, intermediates=(OTHER, SUB)),
        store(ROOT, OTHER, SUB),
    )
    assert len(stores) == len({one.version for one in stores})


def test_the_version_does_not_depend_on_the_name() -> None:
    """Two stores that hold the same have the same version."""
    assert store(ROOT, SUB, name="one").version == store(ROOT, SUB, name="two").version


# --- changes ---------------------------------------------------------------------------------------------------------


def test_more_intermediates() -> None:
    """As if built with them, but for its version, and that it knows who came with the request; the first stays."""
    trusted = store(ROOT, intermediates=(SUB,))
    more = with_intermediates(trusted, (read(LOWER), read(OTHER)))
    built = store(ROOT, intermediates=(SUB, LOWER, OTHER))
    assert built == replace(more, version=built.version, presented=frozenset())
    assert {read(LOWER), read(OTHER)} == more.presented
    assert {read(LOWER), read(OTHER)} == with_intermediates(more, (read(SUB), read(LOWER))).presented
    assert more.version not in (trusted.version, with_intermediates(trusted, (read(LOWER),)).version)
    assert store(ROOT, intermediates=(SUB,)) == trusted


def test_more_intermediates_of_a_name_that_is_there() -> None:
    """Anchors and intermediates of that name stay candidates."""
    namesake = Authority.root("Root", key=key("p256", 9))
    more = with_intermediates(store(ROOT), (read(namesake),))
    assert {read(ROOT), read(namesake)} == set(more.by_subject[canonical(read(ROOT).subject.der)])


def test_intermediates_that_are_there_already() -> None:
    """Nothing new gives the very same store."""
    trusted = store(ROOT, SUB)
    assert trusted is with_intermediates(trusted, (read(ROOT), read(SUB)))


def test_a_root_from_a_request_is_no_anchor() -> None:
    """A self-signed certificate that came with the request is an intermediate."""
    trusted = with_intermediates(store(ROOT), (read(OTHER),))
    assert frozenset((read(ROOT),)) == trusted.anchors
    assert frozenset((read(OTHER),)) == trusted.intermediates


def test_every_anchor_of_a_store_that_is_there() -> None:
    """A partial chain makes anchors of the store's own certificates, and of no others."""
    trusted = with_every_anchor(with_intermediates(store(ROOT, SUB), (read(LOWER),)))
    assert store(ROOT, SUB, intermediates=(LOWER,), rule=AnchorRule.EVERY) == trusted


def test_certificates_are_told_apart_by_their_octets() -> None:
    """A reissued certificate is another one, whatever else it shares."""
    marked = Authority.root("Root", extensions=(Extension("1.2.3.4", b"\x05\x00"),))
    assert frozenset((read(ROOT), read(marked))) == store(ROOT, marked).anchors
