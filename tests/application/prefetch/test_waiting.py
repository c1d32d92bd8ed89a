"""The operator's CRLs whose issuer a request alone shows: they make an answer needed, and are tried at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from service.application.claims import CLAIM_AGAIN_S, MAX_CLAIMED, Claimant, ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlSigner
from service.application.origin import OriginError
from service.application.prefetch.claiming import KEYS_FORGOTTEN_S, MAX_KEYS
from service.application.prefetch.pending import IndexedShelf
from service.core.model.attempt import Problem
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, leaf, read
from tests.application.prefetch.test_configured import begun, place
from tests.application.prefetch.world import HOUR, Setup, VersionedOrigin, World, crl, world
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE
from tests.pki import Authority, IssuingDistributionPoint, bundle, pem

pytestmark = pytest.mark.anyio

LEAF: Final = leaf()
"""It names no distribution point: where no CRL of Sub is held or waits, it is allowed."""

UNANSWERED: Final = ("allow", "unknown", "ok")


@pytest.fixture
def crls(store_directory: Path) -> Path:
    """A directory of CRLs; Root alone is known."""
    directory = store_directory / "crls"
    directory.mkdir()
    return directory


@contextmanager
def serving(crls: Path, *more: str) -> Iterator[World]:
    """A service whose source that directory is."""
    with world(crls.parent, Setup((str(crls), *more))) as service:
        yield service


def trust(directory: Path, *authorities: Authority) -> None:
    """Let these be known."""
    (directory / "stores").mkdir(exist_ok=True)
    (directory / "stores" / "default.pem").write_text(bundle(authorities))


def signer(authority: Authority) -> CrlSigner:
    """Whoever signs CRLs with its key."""
    return CrlSigner.of(read(authority))


def verified(service: World) -> int:
    """How often a CRL was looked at."""
    return len(service.recorder.ingestions)


# --- at the first request --------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("content", [crl(1), pem(crl(1), "X509 CRL").encode()], ids=["DER", "PEM"])
async def test_its_trust_store_takes_it_up(crls: Path, content: bytes) -> None:
    """As it came, in armour or without; nobody has to ask."""
    place(crls, "sub.crl", content)
    with serving(crls) as service:
        await begun(service)
        assert (set(), 1) == (service.numbers, len(service.pending.digests()))
        trust(service.directory, ROOT, SUB)
        for _ in range(3):
            await service.go(2)
        assert ({1}, frozenset()) == (service.numbers, service.pending.digests())


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


# --- whoever else bears the name -------------------------------------------------------------------------------------


async def test_a_namesake_costs_one_verification(crls: Path) -> None:
    """His certificates need an answer that he cannot have; asking again tries nothing again."""
    trust(crls.parent, ROOT, STRANGER)
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        theirs, before = read(NAMESAKE.issue("leaf")), verified(service)
        for _ in range(3):
            assert UNAVAILABLE == await service.ask(theirs, NAMESAKE)
        service.clock.advance(CLAIM_AGAIN_S)  # the worker asks again, and the prefetcher knows
        assert UNAVAILABLE == await service.ask(theirs, NAMESAKE)
        assert before + 1 == verified(service)
        assert ALLOWED == await service.ask(LEAF)
        assert UNANSWERED == await service.ask(theirs, NAMESAKE)


async def test_whoever_has_no_path_has_nothing_tried(crls: Path) -> None:
    """A chain that ends nowhere costs no verification, whatever names it bears."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        before = verified(service)
        assert ("deny", "invalid", "untrusted") == await service.ask(read(NAMESAKE.issue("leaf")), NAMESAKE)
        assert before == verified(service)


# --- the prefetcher's side -------------------------------------------------------------------------------------------


@contextmanager
def one_waits(crls: Path) -> Iterator[World]:
    """A service where Sub's CRL waits."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        yield service


async def test_a_key_is_tried_once(crls: Path) -> None:
    """By whichever worker it is claimed, until it is forgotten."""
    with one_waits(crls) as service:
        await begun(service)
        claim, before = CrlClaim(tuple(service.pending.digests()), (signer(NAMESAKE),)), verified(service)
        for _ in range(2):
            assert ClaimOutcome.TRIED is await service.desk.claim(claim)
        assert before + 1 == verified(service)
        service.clock.advance(KEYS_FORGOTTEN_S)
        await service.desk.claim(claim)
        assert before + 2 == verified(service)


async def test_keys_are_bounded(crls: Path) -> None:
    """Others than issuers' own wear out half of the room at most, and all of it is bounded."""
    with one_waits(crls) as service:
        await begun(service)
        digests, before = tuple(service.pending.digests()), verified(service)
        named = signer(NAMESAKE)
        junk = [CrlSigner(named.name, named.spki + bytes([number])) for number in range(2 * MAX_KEYS)]
        outcomes = [await service.desk.claim(CrlClaim(digests, (named, one))) for one in junk]
        assert (MAX_KEYS // 2) == outcomes.count(ClaimOutcome.TRIED)
        issuers = [await service.desk.claim(CrlClaim(digests, (one,))) for one in junk[MAX_KEYS:]]
        assert (MAX_KEYS // 2 - 1) == issuers.count(ClaimOutcome.TRIED)
        assert before + MAX_KEYS - 1 == verified(service)
        assert ClaimOutcome.LEFT_OUT is await service.desk.claim(CrlClaim(digests, (signer(SUB),)))
        service.clock.advance(KEYS_FORGOTTEN_S)
        assert ClaimOutcome.TRIED is await service.desk.claim(CrlClaim(digests, (signer(SUB),)))
        assert {1} == service.numbers


async def test_other_names_are_not_tried(crls: Path) -> None:
    """A key is one's own in one's own name; and what does not wait is nobody's."""
    with one_waits(crls) as service:
        await begun(service)
        before = verified(service)
        claim = CrlClaim((*service.pending.digests(), bytes(32)), (signer(STRANGER),))
        assert ClaimOutcome.TRIED is await service.desk.claim(claim)
        assert before == verified(service)


async def test_what_was_overtaken_waits_no_longer(crls: Path) -> None:
    """A newer one is held: the older is let go of."""
    place(crls, "old.crl", crl(1))
    place(crls, "new.crl", crl(2, age=1))
    with serving(crls) as service:
        await begun(service)
        assert ALLOWED == await service.ask(LEAF)
        assert ({2}, frozenset()) == (service.numbers, service.store.waiting_index.digests())


async def test_what_a_source_has_no_more_waits_no_longer(crls: Path) -> None:
    """A newer version that waits as well takes its place; with its file it goes, since nobody has verified it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        first = service.pending.digests()
        place(crls, "sub.crl", crl(2, age=1))
        await service.go(1)
        assert (1, 1, False) == (
            len(service.pending.digests()),
            len(service.store.waiting_index.digests()),
            bool(service.pending.digests() & first),
        )
        (crls / "sub.crl").unlink()
        await service.go(1)
        assert UNANSWERED == await service.ask(LEAF)
        assert (frozenset(), frozenset()) == (service.pending.digests(), service.store.waiting_index.digests())


async def test_a_failure_leaves_what_waits(crls: Path) -> None:
    """Nothing newer came."""
    url = "https://ca.internal/sub.crl"
    origin = VersionedOrigin({url: crl(1)})
    with world(crls.parent, Setup((url,)), origin) as service:
        await begun(service)
        origin.answers = {url: b"<html>"}
        await service.go(HOUR)
        assert (Problem.MALFORMED, 1) == (service.record(url).problem, len(service.pending.digests()))
        assert ALLOWED == await service.ask(LEAF)


async def test_a_restart(crls: Path) -> None:
    """What waits waits on, kept or not, as long as its source has it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
    with serving(crls) as service:
        await begun(service)
        assert 1 == len(service.store.waiting_index.digests())
    for file in (crls.parent / "pending").iterdir():
        file.unlink()
    with serving(crls) as service:
        await service.loops.begin()
        assert UNAVAILABLE == await service.ask(LEAF)
    (crls / "sub.crl").unlink()
    with serving(crls) as service:
        await begun(service)
        await service.go(1)
        assert frozenset() == service.store.waiting_index.digests()
        assert UNANSWERED == await service.ask(LEAF)


async def test_what_found_no_room_survives_a_restart(crls: Path) -> None:
    """Its name, while its source fails: what it revokes is never allowed; each version takes the place of the last."""
    url = "https://ca.internal/sub.crl"
    origin, setup = VersionedOrigin({url: crl(1, revoked=[LEAF.serial_number])}), Setup((url,), pending_octets=10)
    with world(crls.parent, setup, origin) as service:
        await begun(service)
        for number in range(2, 5):
            origin.answers = {url: crl(number, age=60 * number, revoked=[LEAF.serial_number])}
            await service.go(HOUR)
            assert 1 == len(service.store.waiting_index.digests())
    origin.answers = {url: OriginError(Problem.UNREACHABLE, "down")}
    with world(crls.parent, setup, origin, service.clock) as service:
        await service.loops.begin()
        assert UNAVAILABLE == await service.ask(LEAF)
        await service.live(HOUR)
        assert (Problem.UNREACHABLE, UNAVAILABLE) == (service.record(url).problem, await service.ask(LEAF))


async def test_what_an_ended_process_left_behind_goes(crls: Path) -> None:
    """No source names it: it goes once every source was tried, and what one of them has stays."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        place(crls, "stranger.crl", STRANGER.crl(number=9))
        await service.go(1)
        kept = service.pending.digests()
        (other,) = kept - set(service.record((crls / "sub.crl").as_uri()).pending)
        await service.store.forget_sources(((crls / "stranger.crl").as_uri(),))
        (crls / "stranger.crl").unlink()
    with serving(crls) as service:
        await service.loops.begin()
        assert kept == service.store.waiting_index.digests()
        await service.go(1)
        assert kept - {other} == service.store.waiting_index.digests() == service.pending.digests()


async def test_what_an_attempt_has_just_left_is_not_let_go_of(crls: Path) -> None:
    """Until its end, when its source names it."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        shelf = IndexedShelf(service.pending, service.store.waiting_index)
        (digest,) = service.pending.digests()
        with shelf.attempt() as brought:
            assert brought.keep(digest, crl(1))
            shelf.let_go(frozenset((digest,)), frozenset)
            assert {digest} == service.store.waiting_index.digests() == service.pending.digests()
        shelf.let_go(frozenset((digest,)), frozenset)
        assert frozenset() == service.store.waiting_index.digests() == service.pending.digests()


async def test_the_shelf_of_an_earlier_version(crls: Path) -> None:
    """Its CRLs were kept and nowhere written down."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        service.store.waiting_index.remove(service.pending.digests())
        await service.loops.begin()
        assert service.pending.digests() == service.store.waiting_index.digests() != frozenset()
        assert ALLOWED == await service.ask(LEAF)


async def test_each_change_ends_the_kept_verdicts(crls: Path) -> None:
    """When a CRL begins to wait, and when it is held; a look without a change ends nothing."""
    with serving(crls) as service:
        await begun(service)
        seen = [service.store.generation()]
        place(crls, "sub.crl", crl(1))
        await service.go(1)
        seen.append(service.store.generation())
        await service.go(1)
        seen.append(service.store.generation())
        await service.ask(LEAF)
        seen.append(service.store.generation())
        first, waiting, same, held = seen
        assert first < waiting == same < held


async def test_two_places_with_the_same_crl(crls: Path) -> None:
    """One of them is refreshed, and the other's goes on waiting."""
    one, other = (place(crls, name, crl(1)) for name in ("1.crl", "2.crl"))
    with serving(crls) as service:
        await begun(service)
        place(crls, "1.crl", STRANGER.crl(number=9))
        await service.go(1)
        assert {len(service.record(file.as_uri()).pending) for file in (one, other)} == {1}
        assert ALLOWED == await service.ask(LEAF)


# --- the worker's side -----------------------------------------------------------------------------------------------


class Claims:
    """Somebody who tries what is claimed; what comes of it is a test's choice."""

    def __init__(self, outcome: ClaimOutcome) -> None:
        """Nothing was claimed."""
        self.outcome = outcome
        self.claimed: list[CrlClaim] = []

    async def claim(self, claim: CrlClaim) -> ClaimOutcome:
        """Note it."""
        self.claimed.append(claim)
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "times"), [(ClaimOutcome.TRIED, 1), (ClaimOutcome.LEFT_OUT, 2), (ClaimOutcome.UNANSWERED, 2)]
)
async def test_what_was_tried_is_not_claimed_again(service: World, outcome: ClaimOutcome, times: int) -> None:
    """For a while; what was not tried is."""
    claims = Claims(outcome)
    claimant = Claimant(claims, service.clock)
    for _ in range(2):
        await claimant.claim((bytes(32),), (signer(SUB),))
    assert times == len(claims.claimed)
    await claimant.claim((bytes(32),), (signer(SUB), signer(NAMESAKE)))  # another key
    service.clock.advance(CLAIM_AGAIN_S)
    await claimant.claim((bytes(32),), (signer(SUB),))
    assert times + 2 == len(claims.claimed)


async def test_a_claim_is_bounded(service: World) -> None:
    """What is left over is claimed the next time."""
    claims = Claims(ClaimOutcome.TRIED)
    claimant = Claimant(claims, service.clock)
    digests = tuple(bytes([number]) * 32 for number in range(MAX_CLAIMED + 3))
    outcomes = [await claimant.claim(digests, (signer(SUB),)) for _ in range(3)]
    assert [ClaimOutcome.LEFT_OUT, ClaimOutcome.TRIED, ClaimOutcome.TRIED] == outcomes
    assert [MAX_CLAIMED, 3] == [len(one.digests) for one in claims.claimed]
