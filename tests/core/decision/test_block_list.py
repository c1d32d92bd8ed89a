"""Which block denies which certificate."""

from datetime import timedelta
from typing import Final

import pytest

from service.core.decision.block_list import NO_BLOCKS, index_blocks
from service.core.model.block import FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.names.comparison import canonical
from tests.core.decision.blocking import FORMS, Form, block, blocking, by_fingerprint, by_issuer_and_serial, by_spki
from tests.core.decision.chains import ROOT, certificate
from tests.core.decision.shell import ask, trusting
from tests.core.path.heirs import below, heir
from tests.pki import NOW, Authority, days, key

SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf", serial=7)
OTHER: Final = SUB.issue("other", key=key("p256", 9), serial=8)
MICROSECOND: Final = timedelta(microseconds=1)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_denies_what_it_names(form: Form) -> None:
    """And nothing else."""
    blocks = blocking(LEAF, form=form)
    found = blocks.find(certificate(LEAF))
    assert ("b1", None) == (found and found.id, blocks.find(certificate(OTHER)))


def test_a_key_is_blocked_in_every_certificate() -> None:
    """By its hash: renewed under another serial number, by another issuer. By fingerprint it is that one alone."""
    renewed = Authority.root("Elsewhere").issue("leaf", key=LEAF.key)
    assert blocking(LEAF, form=by_spki).find(certificate(renewed)) is not None
    for form in (by_fingerprint, by_issuer_and_serial):
        assert blocking(LEAF, form=form).find(certificate(renewed)) is None


def test_issuer_and_serial_go_together() -> None:
    """The same number of another issuer, and another number of the same one, are not blocked."""
    blocks = blocking(LEAF, form=by_issuer_and_serial)
    elsewhere = Authority.root("Elsewhere").issue("leaf", serial=7)
    assert [None, None] == [blocks.find(certificate(one)) for one in (elsewhere, OTHER)]


def test_the_name_is_compared_and_not_its_octets() -> None:
    """RFC 5280 §7.1: whatever case and spaces are written."""
    issuer = certificate(Authority.root("  sUB ")).subject
    match = IssuerSerialMatch(issuer.text, canonical(issuer.der), 7)
    assert index_blocks([block(match)]).find(certificate(LEAF), NOW) is not None


def test_a_digest_of_one_kind_is_none_of_the_other() -> None:
    """The hash of a key in the place of a fingerprint matches nothing, and the other way round."""
    read = certificate(LEAF)
    swapped = [block(SpkiMatch(read.fingerprint)), block(FingerprintMatch(by_spki(LEAF).digest))]  # type: ignore[union-attr]  # of this form
    assert index_blocks(swapped).find(read, NOW) is None


@pytest.mark.parametrize(("past", "is_blocked"), [(-MICROSECOND, True), (timedelta(0), False), (days(1), False)])
def test_a_block_ends(past: timedelta, is_blocked: bool) -> None:
    """From `until` on it denies nothing."""
    blocks = blocking(LEAF, until=NOW + days(1), now=NOW + days(1) + past)
    assert is_blocked == (blocks.find(certificate(LEAF)) is not None)


@pytest.mark.parametrize("swapped", [False, True])
def test_of_several_the_one_that_lasts_longest(swapped: bool) -> None:
    """Whatever form it has, and in whatever order they were made; one without an end lasts longest."""
    short = block(by_fingerprint(LEAF), NOW + days(1), "short")
    long = block(by_spki(LEAF), NOW + days(2), "long")
    also_long = block(by_fingerprint(LEAF), NOW + days(2), "long")
    endless = block(by_issuer_and_serial(LEAF), None, "endless")
    over = block(by_fingerprint(LEAF), NOW, "over")
    for blocks, expected in (
        ([short, long], "long"),
        ([short, also_long], "long"),
        ([short, long, endless], "endless"),
        ([over, short], "short"),
    ):
        found = index_blocks(blocks[::-1] if swapped else blocks).find(certificate(LEAF), NOW)
        assert found is not None
        assert expected == found.id


def test_a_dsa_key_is_blocked_as_its_certificate_has_it() -> None:
    """Also where it stands in a path, with the parameters of its issuer written in."""
    root = Authority.root("Root", key=key("dsa2048"))
    sub = below(root, "Sub", heir(0))
    blocks = blocking(sub, form=by_spki)
    verdict = ask(sub.issue("leaf"), trusting(root, sub), blocks=blocks).verdict
    assert ("blocked", certificate(sub)) == (verdict.code.value, getattr(verdict.failure, "certificate", None))


def test_nothing_is_blocked() -> None:
    """Neither by no block nor by one whose time is over."""
    assert NO_BLOCKS.find(certificate(LEAF)) is None
    assert NO_BLOCKS.first([certificate(LEAF)]) is None
    over = blocking(LEAF, until=NOW)
    assert over.first([certificate(LEAF)]) is None


def test_the_first_of_several() -> None:
    """With the block that denies it."""
    found = blocking(OTHER, LEAF).first([certificate(SUB), certificate(LEAF), certificate(OTHER)])
    assert found is not None
    assert (certificate(LEAF), "b2") == (found[0], found[1].id)


def test_how_many_there_are() -> None:
    """Those of every form, several of one certificate, and those whose time is over."""
    blocks = [block(form(LEAF)) for form in FORMS]
    assert (0, len(FORMS), len(FORMS) + 2) == tuple(
        index_blocks(each).size for each in ([], blocks, [*blocks, blocks[0], block(by_spki(OTHER), NOW)])
    )
