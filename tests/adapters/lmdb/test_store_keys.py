"""By which keys CRLs are found: those of whoever signed them, and of whoever certified that one."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from service.adapters.lmdb.generation_reader import GenerationReader
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.crl_fetcher import CrlSigner, key_digest
from service.application.evidence_store import StoreError
from tests.adapters.lmdb.files import overwrite
from tests.adapters.lmdb.values import ISSUER, NOWHERE, SIGNERS, held, octets, row, slot, watermark
from tests.pki import NOW, Authority, key

ROOT = Authority.root("Root")
CRL_KEY = ROOT.subordinate("Sub", key=key("p256", 12))
ABOVE = b"above"
OTHER = b"another one above"


def signer(*authorities: bytes, spki: bytes = b"signer", issuer: bytes = ISSUER) -> CrlSigner:
    """A signer, by whose keys it is decided whether it may speak, and nothing to keep."""
    return CrlSigner(sha256(issuer).digest(), spki, (), frozenset(map(key_digest, authorities)))


def numbers(store: Store, *spkis: bytes, issuer: bytes = ISSUER) -> list[int]:
    """Which CRLs are found by some keys."""
    found = store.find(issuer, frozenset({b"a"}), frozenset(spkis), octets(1))
    return sorted(one.meta.crl_number or 0 for one in found)


@pytest.mark.parametrize("is_first", [False, True], ids=["held before", "told before"])
def test_found_by_who_signed_and_who_certified(store: Store, is_first: bool) -> None:
    """All CRLs of the signer in that name, those that come later included; whoever has certified nobody finds none."""
    if is_first:
        store.vouch(signer(b"signer", ABOVE, OTHER))
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(2, slot(b"a")), [row(1)], watermark(2))
    if not is_first:
        store.vouch(signer(b"signer", ABOVE, OTHER))
    store.publish(held(3, slot(b"a", kind=b"delta")), [row(1)], watermark(3))
    for spkis in ((b"signer",), (ABOVE,), (OTHER,), (b"signer", ABOVE, OTHER)):
        assert [1, 2, 3] == numbers(store, *spkis)
    assert [] == numbers(store, b"stranger")
    assert [] == numbers(store)


def test_told_of_one_name_alone(store: Store) -> None:
    """Whoever certified a signer's key in one name says nothing of the CRLs that it signs in another."""
    store.publish(held(1), [row(1)], watermark(1))
    store.publish(held(2, slot(issuer=b"another")), [row(1)], watermark(2))
    store.vouch(signer(ABOVE, issuer=b"another"))
    assert ([], [2]) == (numbers(store, ABOVE), numbers(store, ABOVE, issuer=b"another"))


def test_what_is_kept_is_found_by_the_same_keys(store: Store) -> None:
    """And whether a CRL of an issuer is held depends on who signed, not on who certified."""
    store.publish(replace(held(1), signer_paths=((b"der",),)), [row(1)], watermark(1))
    store.vouch(signer(ABOVE))
    assert ((b"der",),) == store.kept_signers(ISSUER, frozenset({ABOVE}))
    assert () == store.kept_signers(ISSUER, frozenset({OTHER}))
    assert (True, False) == tuple(store.holds_issuer(ISSUER, frozenset({one})) for one in (b"signer", ABOVE))


def test_only_news_are_another_generation(store: Store) -> None:
    """Telling the same again ends no kept verdict; telling more does."""
    store.publish(held(1), [row(1)], watermark(1))
    before = store.generation()
    for more in ((b"signer",), (ABOVE,), (ABOVE,), (ABOVE, b"signer"), (ABOVE, OTHER)):
        store.vouch(signer(*more))
    assert before + 2 == store.generation()


def test_strangers_of_the_same_name_are_not_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup costs the same beside a hundred CRLs that others have signed in the issuer's name."""
    looked: list[bytes] = []
    really = GenerationReader.look_up

    def look_up(reader: GenerationReader, slot: bytes, *arguments: object) -> bytes | None:
        looked.append(slot)
        return really(reader, slot, *arguments)  # type: ignore[arg-type] # handed on as they came

    store.publish(held(1), [row(1)], watermark(1))
    for number in range(100):
        stranger = replace(held(2, slot(kind=b"%d" % number)), signer_spki=b"stranger %d" % number)
        store.publish(stranger, [row(1)], watermark(2))
        store.vouch(signer(b"whoever certifies strangers", spki=stranger.signer_spki))
    monkeypatch.setattr(GenerationReader, "look_up", look_up)

    (found,) = store.find(ISSUER, NOWHERE, SIGNERS, octets(1))
    assert (1, [slot().key]) == (found.meta.crl_number, looked)


def test_a_path_is_kept_beside_all_crls_of_a_signer(store: Store) -> None:
    """Those that are held, whatever their scope, once; nobody else's, and not in another name."""
    path = (CRL_KEY.der, ROOT.der)
    kept = replace(signer(spki=b"signer"), path=path)
    others = replace(held(3, slot(kind=b"other")), signer_spki=b"stranger"), held(4, slot(issuer=b"another"))
    for crl in (held(1), held(2, slot(b"a", b"b")), *others):
        store.publish(crl, [row(1)], watermark(1))
    before = store.generation()
    for _ in range(2):
        store.keep_path(kept, NOW)
    assert before + 1 == store.generation()
    assert {1: (path,), 2: (path,), 3: (), 4: ()} == {one.meta.crl_number: one.signer_paths for one in store.held()}
    assert [1, 2] == numbers(store, b"signer")


def test_nothing_is_kept_of_a_signer_of_whom_nothing_is_held(store: Store) -> None:
    """Whoever shows signers by the thousand fills no store, and ends no kept verdict."""
    store.publish(held(1), [row(1)], watermark(1))
    before = store.generation()
    store.keep_path(replace(signer(ABOVE, spki=b"nobody"), path=(CRL_KEY.der,)), NOW)
    store.publish(replace(held(2, slot(kind=b"later")), signer_spki=b"nobody"), [row(1)], watermark(2))
    assert (before + 1, []) == (store.generation(), numbers(store, ABOVE))


def test_a_damaged_record_beside_others(store: Store, path: Path) -> None:
    """It is passed over: what is published next repairs it, and the path is kept beside the others."""
    for number, where in ((1, slot()), (2, slot(b"a"))):
        store.publish(held(number, where), [row(1)], watermark(number))
    store.close()
    overwrite(path, b"crl-slots", slot().key, b"?")
    with Store.open(path, Role.INGESTER) as reopened:
        reopened.keep_path(replace(signer(), path=(CRL_KEY.der,)), NOW)
        kept = reopened.held_in(slot(b"a").key)
        assert kept is not None
        assert ((CRL_KEY.der,),) == kept.signer_paths


def test_a_worker_says_nothing_of_it(path: Path) -> None:
    """The prefetcher alone writes what is said of CRLs."""
    with Store.open(path, Role.WORKER) as store:
        with pytest.raises(StoreError, match="by whose keys CRLs are found"):
            store.vouch(signer(ABOVE))
        with pytest.raises(StoreError, match="what is beside CRLs"):
            store.keep_path(signer(ABOVE), NOW)
