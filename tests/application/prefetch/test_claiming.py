"""CRLs that wait are tried under the keys that requests bring: each once, and nobody keeps another one's waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha1, sha256, sha384, sha512
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa

from service.application.claims import CLAIM_AGAIN_S, ClaimOutcome, CrlClaim
from service.application.crl_fetcher import CrlSigner
from service.application.prefetch.claiming import KEYS_FORGOTTEN_S, MAX_KEYS, MAX_VARIANTS
from service.core.der.key import read_public_key
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, read
from tests.application.prefetch.world import (
    LEAF,
    World,
    begun,
    crl,
    place,
    serving,
    signer,
    trust,
    verified,
)
from tests.application.world import ALLOWED, UNAVAILABLE
from tests.pki import NOW, PrivateKey, der, key
from tests.pki.keys import spki
from tests.pki.signing import algorithm_identifier

pytestmark = pytest.mark.anyio


KEY: Final = read(SUB).public_key
DIGEST: Final = sha1(KEY.bits, usedforsecurity=False).digest()

NAMED: Final = {
    "RFC 5280 (1)": DIGEST,
    "RFC 7093 (1)": sha256(KEY.bits).digest()[:20],
    "RFC 7093 (2)": sha384(KEY.bits).digest()[:20],
    "RFC 7093 (3)": sha512(KEY.bits).digest()[:20],
    "RFC 7093 (4)": sha256(KEY.spki).digest(),
    "SHA-1 of all": sha1(KEY.spki, usedforsecurity=False).digest(),
    "whole SHA-256": sha256(KEY.bits).digest(),
}
"""Key identifiers that name Sub's key."""

NOT_NAMED: Final = {
    "of the certificate": read(SUB).fingerprint[:20],
    "somebody's word": bytes(range(20)),
    "RFC 5280 (2)": bytes((0x40 | DIGEST[12] & 0x0F, *DIGEST[13:])),
    "a beginning": DIGEST[:19],
    "none": None,
}


@contextmanager
def one_waits(crls: Path, content: bytes | None = None) -> Iterator[World]:
    """A service where a CRL of Sub's waits."""
    place(crls, "sub.crl", content or crl(1))
    with serving(crls) as service:
        yield service


def namesakes(count: int) -> list[CrlSigner]:
    """So many who bear the name of Sub; nothing verifies under their keys."""
    named = signer(NAMESAKE)
    return [CrlSigner(named.name, named.spki + number.to_bytes(2, "big")) for number in range(count)]


def restricted(signed: CrlSigner, salt_length: int) -> CrlSigner:
    """The same RSA key, for signatures with salts of that length alone."""
    algorithm = algorithm_identifier(key("rsa2048"), "sha256", salt_length)
    return CrlSigner(signed.name, der.seq(algorithm, der.bit_string(read_public_key(signed.spki).bits)))


def of_other_groups(named: PrivateKey, count: int) -> list[CrlSigner]:
    """So many DSA keys of the name of Sub with the same value, each with parameters of its own."""
    assert isinstance(named, dsa.DSAPrivateKey)
    numbers = named.public_key().public_numbers()
    of, keys = numbers.parameter_numbers, []
    for generator in range(of.g, of.g + count):
        group = dsa.DSAParameterNumbers(of.p, of.q, generator)
        keys.append(spki(dsa.DSAPublicNumbers(numbers.y, group).public_key()))
    return [CrlSigner(signer(SUB).name, one) for one in keys]


async def worn_out(service: World) -> tuple[bytes, ...]:
    """Begin, and let namesakes have everything tried under their keys that waits; which is that."""
    await begun(service)
    digests = tuple(service.pending.digests())
    outcomes = [await service.desk.claim(CrlClaim(digests, (one,))) for one in namesakes(MAX_KEYS + 1)]
    assert [*[ClaimOutcome.TRIED] * MAX_KEYS, ClaimOutcome.LEFT_OUT] == outcomes
    return digests


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
        assert UNAVAILABLE == await service.ask(theirs, NAMESAKE)
        assert before + 2 == verified(service)


async def test_whoever_has_no_path_has_nothing_tried(crls: Path) -> None:
    """A chain that ends nowhere costs no verification, whatever names it bears."""
    place(crls, "sub.crl", crl(1))
    with serving(crls) as service:
        await begun(service)
        before = verified(service)
        assert ("deny", "invalid", "untrusted") == await service.ask(read(NAMESAKE.issue("leaf")), NAMESAKE)
        assert before == verified(service)


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
    with one_waits(crls, crl(1, authority_key_identifier=None)) as service:
        await begun(service)
        digests, before = tuple(service.pending.digests()), verified(service)
        junk = namesakes(2 * MAX_KEYS)
        outcomes = [await service.desk.claim(CrlClaim(digests, (signer(NAMESAKE), one))) for one in junk]
        assert (MAX_KEYS // 2) == outcomes.count(ClaimOutcome.TRIED)
        issuers = [await service.desk.claim(CrlClaim(digests, (one,))) for one in junk[MAX_KEYS:]]
        assert (MAX_KEYS // 2 - 1) == issuers.count(ClaimOutcome.TRIED)
        assert before + MAX_KEYS - 1 == verified(service)
        assert ClaimOutcome.LEFT_OUT is await service.desk.claim(CrlClaim(digests, (signer(SUB),)))
        service.clock.advance(KEYS_FORGOTTEN_S)
        assert ClaimOutcome.TRIED is await service.desk.claim(CrlClaim(digests, (signer(SUB),)))
        assert {1} == service.numbers


@pytest.mark.parametrize("identifier", NAMED.values(), ids=NAMED)
async def test_namesakes_keep_nobody_waiting(crls: Path, identifier: bytes) -> None:
    """However many of them were before: the CRL names its issuer's key by a digest, and no other key has that."""
    with one_waits(crls, crl(1, authority_key_identifier=identifier)) as service:
        await worn_out(service)
        assert ALLOWED == await service.ask(LEAF)


@pytest.mark.parametrize("identifier", NOT_NAMED.values(), ids=NOT_NAMED)
async def test_what_is_no_digest_of_a_key_names_none(crls: Path, identifier: bytes | None) -> None:
    """Whatever the issuer's certificate says of its key: anybody can say that."""
    issuer = ROOT.subordinate("Sub", subject_key_identifier=identifier)
    with one_waits(crls, crl(1, authority_key_identifier=identifier)) as service:
        await worn_out(service)
        assert UNAVAILABLE == await service.ask(LEAF, issuer)
        service.clock.advance(KEYS_FORGOTTEN_S)
        assert ALLOWED == await service.ask(LEAF, issuer)


async def test_the_key_that_a_crl_names_is_tried_once_too(crls: Path) -> None:
    """And takes no room of the others."""
    with one_waits(crls, crl(1, corrupt_signature=True)) as service:
        await begun(service)
        claim, before = CrlClaim(tuple(service.pending.digests()), (signer(SUB),)), verified(service)
        for _ in range(2):
            assert ClaimOutcome.TRIED is await service.desk.claim(claim)
        assert before + 1 == verified(service)
        await worn_out(service)


async def test_one_key_with_many_parameters(crls: Path) -> None:
    """The CRL names each of them, by the same digest: some are tried, and the others have the room of anybody."""
    issuer = ROOT.subordinate("Sub", key=key("rsa2048"))
    with one_waits(crls, issuer.crl(number=1, next_update=NOW + timedelta(days=1))) as service:
        await begun(service)
        digests, before, room = tuple(service.pending.digests()), verified(service), MAX_KEYS + MAX_VARIANTS
        variants = [restricted(signer(issuer), length) for length in range(room + 5)]
        outcomes = [await service.desk.claim(CrlClaim(digests, (one,))) for one in variants]
        assert [*[ClaimOutcome.TRIED] * room, *[ClaimOutcome.LEFT_OUT] * 5] == outcomes
        assert before + room == verified(service)
        assert ALLOWED == await service.ask(read(issuer.issue("leaf")), issuer)


async def test_one_key_in_many_groups(crls: Path) -> None:
    """A DSA key has parameters as well."""
    room = MAX_KEYS + MAX_VARIANTS
    variants = of_other_groups(key("dsa2048"), room + 1)
    bits = read_public_key(variants[0].spki).bits
    identifier = sha1(bits, usedforsecurity=False).digest()
    with one_waits(crls, crl(1, authority_key_identifier=identifier)) as service:
        await begun(service)
        digests = tuple(service.pending.digests())
        outcomes = [await service.desk.claim(CrlClaim(digests, (one,))) for one in variants]
        assert [*[ClaimOutcome.TRIED] * room, ClaimOutcome.LEFT_OUT] == outcomes


async def test_what_is_no_key_is_not_named(crls: Path) -> None:
    """It has no octets that could be digested, or an algorithm that nobody knows, of which there are many."""
    with one_waits(crls) as service:
        digests = await worn_out(service)
        for junk in (b"\x05\x00", der.seq(der.seq(der.oid("1.3.6.1")), der.bit_string(KEY.bits))):
            claim = CrlClaim(digests, (CrlSigner(signer(SUB).name, junk),))
            assert ClaimOutcome.LEFT_OUT is await service.desk.claim(claim)


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
