"""The operator's CRLs whose issuer a request alone shows: they make an answer needed, and are tried at once."""

from pathlib import Path

import pytest

from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, leaf, read
from tests.application.prefetch.world import HOUR, LEAF, UNANSWERED, Setup, begun, crl, place, serving, trust, world
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE
from tests.pki import IssuingDistributionPoint, pem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("content", "expected"),
    [(crl(1), ALLOWED), (crl(1, revoked=[LEAF.serial_number]), REVOKED), (pem(crl(1), "X509 CRL").encode(), ALLOWED)],
    ids=["good", "revoked", "PEM"],
)
async def test_the_first_request_gets_the_right_answer(crls: Path, content: bytes, expected: tuple[str, ...]) -> None:
    """Its issuer comes with it, and the CRL is held from then on."""
    file = place(crls, "sub.crl", content)
    with serving(crls) as service:
        await begun(service)
        assert (set(), 1) == (service.numbers, len(service.pending.digests()))
        assert expected == await service.ask(LEAF)
        assert ({1}, frozenset(), frozenset()) == (
            service.numbers,
            service.pending.digests(),
            service.store.waiting_index.digests(),
        )
        record = service.record(file.as_uri())
        assert (None, (), [1]) == (record.problem, record.pending, [one.crl_number for one in record.given])
        assert [] == service.origin.requests


async def test_text_before_the_armour_hides_nothing(crls: Path) -> None:
    """`openssl crl -text` puts it there; the CRL waits, and what it revokes is not allowed."""
    armour = pem(crl(1, revoked=[LEAF.serial_number]), "X509 CRL").encode()
    place(crls, "sub.crl", b"\nCertificate Revocation List (CRL):\n" + armour)
    with serving(crls) as service:
        await begun(service)
        assert 1 == len(service.pending.digests())
        assert REVOKED == await service.ask(LEAF)


async def test_what_comes_next_does_not_wait(crls: Path) -> None:
    """Whoever signed the first one is known to whoever takes the next one up."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        await service.ask(LEAF)
        await service.go(1)
        place(crls, "sub.crl", crl(2, age=1, revoked=[LEAF.serial_number]))
        await service.go(1)
        assert ({2}, frozenset()) == (service.numbers, service.pending.digests())
        assert REVOKED == await service.ask(LEAF)


async def test_the_others_of_the_same_issuer_are_taken_up_too(crls: Path) -> None:
    """Nobody has to ask about each of the partitions; of those, the ones that are about the certificate are claimed."""
    url = "http://crl.example/1"
    place(crls, "1.crl", crl(1, idp=IssuingDistributionPoint([url])))
    place(crls, "2.crl", crl(2, idp=IssuingDistributionPoint(["http://crl.example/2"])))
    with serving(crls) as service:
        await begun(service)
        assert ALLOWED == await service.ask(leaf(crl_urls=[url]))
        assert {1} == service.numbers
        await service.go(1)
        assert {1, 2} == service.numbers


async def test_a_name_is_enough_to_need_an_answer(crls: Path) -> None:
    """Whoever signed it, nobody has; and what is about other certificates names the issuer as well."""
    for number, content in enumerate(
        (
            crl(1, corrupt_signature=True),
            NAMESAKE.crl(number=1),
            SUB.crl(number=1, idp=IssuingDistributionPoint(["http://crl.example/2"])),
        )
    ):
        place(crls, "sub.crl", content)
        with serving(crls) as service:
            await begun(service)
            assert (number, UNAVAILABLE) == (number, await service.ask(LEAF))


async def test_another_name_needs_none(crls: Path) -> None:
    """Nothing that waits is of Sub."""
    place(crls, "stranger.crl", STRANGER.crl())
    with serving(crls) as service:
        await begun(service)
        assert UNANSWERED == await service.ask(LEAF)


async def test_what_finds_no_room_needs_an_answer_too(crls: Path) -> None:
    """The operator has it, wherever it is kept."""
    place(crls, "sub.crl", crl(1))
    with world(crls.parent, Setup((str(crls),), pending_octets=0)) as service:
        await begun(service)
        assert frozenset() == service.pending.digests()
        assert UNAVAILABLE == await service.ask(LEAF)


@pytest.mark.parametrize(
    ("content", "later"),
    [(crl(1, age=2 * HOUR), ALLOWED), (crl(1, idp=b"\x05\x00"), UNAVAILABLE)],
    ids=["from the future", "unreadable"],
)
async def test_what_its_issuer_has_signed_and_nobody_can_use_needs_an_answer(
    crls: Path, content: bytes, later: tuple[str, ...]
) -> None:
    """Sub is known; a CRL from the future is held as soon as its time has come."""
    trust(crls.parent, ROOT, SUB)
    place(crls, "sub.crl", content)
    with serving(crls) as service:
        await begun(service)
        assert UNAVAILABLE == await service.ask(LEAF)
        await service.live(3 * HOUR)
        assert later == await service.ask(LEAF)


async def test_a_new_key_of_a_known_name(crls: Path) -> None:
    """Sub is known by its old key; its new one comes with the request."""
    renewed = ROOT.subordinate("Sub", key=STRANGER.key)
    trust(crls.parent, ROOT, SUB)
    certificate = renewed.issue("leaf")
    place(crls, "sub.crl", renewed.crl(number=3, revoked=[certificate.serial]))
    with serving(crls) as service:
        await begun(service)
        assert REVOKED == await service.ask(read(certificate), renewed)
