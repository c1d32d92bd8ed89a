"""Names in the fleet's cache: what belongs together shares a slot, and nothing can be read off them."""

import re
from typing import Final

from service.application.fleet.envelope import EnvelopeKind
from service.application.fleet.names import FleetNames

NAMES: Final = FleetNames("blue")
URL: Final = "https://user:secret@crl.example/a.crl"


def tag(name: str) -> str:
    """The hash tag of a name: what a cluster chooses its slot by."""
    found = re.search(r"\{(.+?)\}", name)
    assert found is not None
    return found[1]


def test_a_crl_has_one_slot() -> None:
    """Envelope, pieces and lease of a URL are in one slot, and other URLs in others."""
    assert {tag(NAMES.crl(URL))} == {tag(NAMES.piece(URL, b"\x01" * 32, 7)), tag(NAMES.crl_lease(URL))}
    assert tag(NAMES.crl(URL)) != tag(NAMES.crl(URL + "2"))


def test_an_ocsp_answer_has_one_slot() -> None:
    """So have an answer and its lease."""
    assert tag(NAMES.ocsp(b"key")) == tag(NAMES.ocsp_lease(b"key"))
    assert tag(NAMES.ocsp(b"key")) != tag(NAMES.ocsp(b"another"))


def test_what_changes_together_has_one_slot() -> None:
    """Blocks and events are written in one transaction."""
    assert tag(NAMES.blocks) == tag(NAMES.events) == tag(NAMES.epoch) == tag(NAMES.replicas)


def test_fleets_differ_in_their_prefix() -> None:
    """Two fleets that share a cache share no name."""
    other = FleetNames("green")
    for one, two in (
        (NAMES.crl(URL), other.crl(URL)),
        (NAMES.blocks, other.blocks),
        (NAMES.ocsp(b""), other.ocsp(b"")),
    ):
        assert one.removeprefix("blue") == two.removeprefix("green") != one


def test_nothing_can_be_read_off_a_name() -> None:
    """Neither a URL, with what it may have of credentials, nor what a certificate is called."""
    assert not re.search(r"secret|crl\.example", NAMES.piece(URL, b"\x01" * 32, 0))
    assert b"subject".hex() not in NAMES.ocsp(b"subject")


def test_no_two_things_have_one_name() -> None:
    """Each piece of each version has a name of its own."""
    names = {NAMES.piece(URL, bytes([version]) * 32, number) for version in (1, 2) for number in (0, 1, 11)}
    assert len(names | {NAMES.crl(URL), NAMES.crl_lease(URL)}) == 8


def test_what_is_under_a_name() -> None:
    """Of each kind, whatever the prefix looks like."""
    kinds = {
        name: NAMES.kind_of(name)
        for name in (NAMES.crl(URL), NAMES.piece(URL, b"", 1), NAMES.ocsp(b"key"), NAMES.blocks, NAMES.replicas)
    }
    assert [
        EnvelopeKind.CRL,
        EnvelopeKind.CRL,
        EnvelopeKind.OCSP,
        EnvelopeKind.BLOCK,
        EnvelopeKind.HEARTBEAT,
    ] == list(kinds.values())
    assert EnvelopeKind.EVENT is NAMES.kind_of(NAMES.events) is NAMES.kind_of(NAMES.epoch)
