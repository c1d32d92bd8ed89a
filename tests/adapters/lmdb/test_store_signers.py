"""What is kept of the signers of held CRLs, as the application sees it."""

from dataclasses import replace
from pathlib import Path

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.evidence_store import HeldCrl
from tests.adapters.lmdb.files import overwrite
from tests.adapters.lmdb.values import ISSUER, NOWHERE, SIGNERS, held, octets, row, slot, watermark

PATHS = ((b"signer", b"above"), (b"another",))


def keeping(crl: HeldCrl, *paths: tuple[bytes, ...]) -> HeldCrl:
    """The CRL with paths beside it."""
    return replace(crl, signer_paths=paths)


def test_what_is_kept_comes_with_what_is_found(store: Store) -> None:
    """Whether the CRL lists the certificate or not; another CRL has what is kept beside itself."""
    store.publish(keeping(held(7), *PATHS), [row(1)], watermark(7))
    store.publish(held(8, slot(kind=b"another")), [], watermark(8))
    for serial in (1, 2):
        found = {one.meta.crl_number: one.signer_paths for one in store.find(ISSUER, NOWHERE, SIGNERS, octets(serial))}
        assert {7: PATHS, 8: ()} == found


def test_what_is_kept_of_the_signers_of_an_issuer(store: Store) -> None:
    """Whatever the scope of their CRLs, each path once; nothing of anybody else's."""
    assert () == store.kept_signers(ISSUER, SIGNERS)
    store.publish(keeping(held(1), *PATHS), [], watermark(1))
    store.publish(keeping(held(2, slot(b"a point")), PATHS[1], (b"third",)), [], watermark(2))
    store.publish(keeping(held(3, slot(issuer=b"somebody")), (b"fourth",)), [], watermark(3))
    assert {*PATHS, (b"third",)} == set(store.kept_signers(ISSUER, SIGNERS))
    assert 3 == len(store.kept_signers(ISSUER, SIGNERS))
    assert ((b"fourth",),) == store.kept_signers(b"somebody", SIGNERS)


def test_what_is_kept_beside_one_crl(path: Path) -> None:
    """That of the CRL that the slot holds now; nothing beside none, nor beside one that is damaged."""
    with Store.open(path, Role.INGESTER) as store:
        assert () == store.signer_paths(slot())
        store.publish(keeping(held(1), *PATHS), [], watermark(1))
        assert PATHS == store.signer_paths(slot())
        store.publish(keeping(held(2), PATHS[1]), [], watermark(2))
        assert PATHS[1:] == store.signer_paths(slot())
    overwrite(path, b"crl-slots", slot().key, b"?")
    with Store.open(path, Role.INGESTER) as store:
        assert () == store.signer_paths(slot())
