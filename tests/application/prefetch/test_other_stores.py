"""Whose CRL is held is known by a certificate in another trust store: what that says is known in every store."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from service.core.model.certificate import Certificate
from tests.application.chain import ROOT, SUB, leaf, read
from tests.application.prefetch.world import Setup, World, begun, place, world
from tests.application.world import REVOKED, UNAVAILABLE, request, summary
from tests.pki import NOW, Authority, bundle, days, key

pytestmark = pytest.mark.anyio

RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 77))
"""Sub, which signs its CRLs with a newer key."""
REVOKED_LEAF: Final = leaf("revoked")
GOOD_LEAF: Final = leaf("good")


async def ask(service: World, about: Certificate, store: str) -> tuple[str, str, str]:
    """What is decided in a store where nobody brings the newer certificate along."""
    asked = replace(request(about), intermediates=(read(SUB),), trust_store=store)
    return summary(await service.validator.validate(asked))


@pytest.mark.parametrize("other", [(ROOT, RENEWED), (RENEWED,)], ids=["below the root", "an anchor"])
async def test_it_is_heard_where_its_signer_is_not_known(
    store_directory: Path, crls: Path, other: tuple[Authority, ...]
) -> None:
    """As it is where he is: his certificate is kept beside his CRL."""
    stores = store_directory / "stores"
    stores.mkdir()
    (stores / "default.pem").write_text(ROOT.pem)
    (stores / "other.pem").write_text(bundle(other))
    content = RENEWED.crl(number=1, revoked=[REVOKED_LEAF.serial_number], this_update=NOW, next_update=NOW + days(7))
    place(crls, "sub.crl", content)
    with world(store_directory, Setup((str(crls),))) as service:
        await begun(service)
        assert {1} == service.numbers
        assert [REVOKED, UNAVAILABLE] == [await ask(service, one, "default") for one in (REVOKED_LEAF, GOOD_LEAF)]
