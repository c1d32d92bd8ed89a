"""A responder that the operator trusts, and nonces, from the settings to the verdict."""

from pathlib import Path
from typing import Final

import pytest

from service.bootstrap.outside import check_trust_stores
from service.core.model.policy import OcspNonce
from service.settings import Settings, SettingsError
from tests.adapters.http.servers import serve
from tests.application.chain import ROOT, STRANGER, SUB
from tests.composed.world import GOOD, REVOKED, UNAVAILABLE, Publishing, composed, leaf_naming, summary
from tests.pki import bundle

pytestmark = pytest.mark.anyio

GATEWAY: Final = STRANGER.ocsp_responder("Gateway")
"""The responder of another CA."""


@pytest.mark.parametrize(
    ("file", "content"),
    [("gateway.pem", GATEWAY.pem.encode()), ("gateway.der", GATEWAY.der), ("", GATEWAY.pem.encode())],
    ids=["PEM", "DER", "a directory"],
)
async def test_it_answers_for_every_issuer(directory: Path, file: str, content: bytes) -> None:
    """Good and revoked; to a service that does not know it, it is a stranger."""
    place = directory / "responders"
    place.mkdir()
    (place / (file or "any.pem")).write_bytes(content)
    found = []
    async with serve(publishing := Publishing()) as server:
        responder = f"http://ca.example:{server.port}"
        leaves = [SUB.issue(name, ocsp_urls=f"{responder}/{name}") for name in ("good", "revoked")]
        publishing.bodies["/good"] = SUB.ocsp(leaves[0], responder=GATEWAY, certificates=[])
        publishing.bodies["/revoked"] = SUB.ocsp(leaves[1], responder=GATEWAY, status="revoked")
        for number, trusted in enumerate([(place / file,), ()]):
            below = directory / str(number)
            below.mkdir(mode=0o700)
            async with composed(below, ocsp_trusted_responders=trusted) as service:
                found.append([summary(await service.ask(leaf)) for leaf in leaves])
    assert [[GOOD, REVOKED], [UNAVAILABLE, UNAVAILABLE]] == found


async def test_nonces_are_asked_for(directory: Path) -> None:
    """A responder that knows none gives no answer where they are required, and one where they are requested."""
    found = []
    async with serve(publishing := Publishing()) as server:
        leaf = leaf_naming("ocsp", f"http://ca.example:{server.port}/ocsp")
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf)
        for nonce in OcspNonce:
            below = directory / nonce.value
            below.mkdir(mode=0o700)
            async with composed(below, ocsp_nonce=nonce) as service:
                found.append(summary(await service.ask(leaf)))
    assert [GOOD, GOOD, UNAVAILABLE] == found
    assert ["GET", "POST", "POST"] == [one.line.split(" ")[0] for one in server.received]


def test_a_file_that_does_not_parse_stops_the_start(tmp_path: Path) -> None:
    """By the name of the setting, and of the file."""
    (tmp_path / "trusted.pem").write_text(bundle([ROOT, SUB]))
    bad = tmp_path / "responder.pem"
    settings = Settings(
        data_dir=tmp_path / "data", trust_store=str(tmp_path / "trusted.pem"), ocsp_trusted_responders=_readable(bad)
    )
    with pytest.raises(SettingsError) as caught:
        check_trust_stores(settings)
    assert (f"REVET_OCSP_TRUSTED_RESPONDERS: {bad}: no PEM block",) == caught.value.problems
    bad.write_text(GATEWAY.pem)
    check_trust_stores(settings)


def _readable(path: Path) -> tuple[Path, ...]:
    path.write_text("no certificate")
    return (path,)
