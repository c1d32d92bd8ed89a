"""Names that are made to harm: what certificates say is text, wherever it is shown."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, expect

from tests.browser.serving import CALLER, Served, serving
from tests.browser.watching import Visit, visiting
from tests.e2e.running import until
from tests.pki import Authority
from tests.pki.clock import now, validity_of_now

pytestmark = pytest.mark.slow

MARKUP: Final = "<img src=x onerror=alert(1)><script>alert(2)</script>"
TURNED: Final = "invoice\u202efdp.exe\u200b"
LONG: Final = "long" * 950
"""Nearly the four kibibytes of the longest name that is read."""


def called(name: str) -> x509.Name:
    """A name with this for its organization: that attribute has no length of its own."""
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])


HARMFUL: Final = Authority.root(called(MARKUP + TURNED), **validity_of_now())
CLIENTS: Final = [HARMFUL.issue(called(name), **validity_of_now()) for name in (MARKUP, TURNED, LONG)]
MARKUP_SHOWN: Final = r"\<img src=x onerror=alert(1)\>\<script\>alert(2)\</script\>"
"""As RFC 4514 writes it."""


@pytest.fixture
def looked_at(browser: Browser, tmp_path: Path) -> Iterator[tuple[Served, Visit]]:
    """A service whose authority and clients have such names, and somebody who looks at it on a phone."""
    crl = HARMFUL.crl(
        number=10**40 + 1,
        revoked=[one.serial for one in CLIENTS],
        this_update=now() - timedelta(hours=1),
        next_update=now() + timedelta(days=1),
    )
    (tmp_path / "harmful.pem").write_text(HARMFUL.pem)
    (tmp_path / "harmful.crl").write_bytes(crl)
    places = {"REVET_TRUST_STORE": "harmful.pem", "REVET_CRL_SOURCES": "harmful.crl"}
    with serving(tmp_path, {name: str(tmp_path / file) for name, file in places.items()}) as served:
        until(lambda: served.service_answer(CLIENTS[0].pem)["code"] == "revoked", "its CRL is held")
        for client in CLIENTS:
            assert "revoked" == served.service_answer(client.pem)["code"]
        until(lambda: len(served.get("/v1/decisions?code=revoked")["decisions"]) >= len(CLIENTS), "all are kept")
        with visiting(browser, served.url, viewport={"width": 390, "height": 844}) as visit:
            visit.page.on("dialog", lambda dialog: visit.complaints.append(f"a dialog: {dialog.message}"))
            visit.enter(CALLER)
            yield served, visit


def test_they_do_nothing(looked_at: tuple[Served, Visit]) -> None:
    """No element is made of them, no script runs, nothing moves aside; what is not seen is written out."""
    served, visit = looked_at
    page = visit.page
    rows = page.locator("#decisions-rows")
    page.get_by_label("Code", exact=True).select_option("revoked")
    expect(rows).to_contain_text(MARKUP_SHOWN)
    expect(rows).to_contain_text(r"invoice\u{202e}fdp.exe\u{200b}")
    expect(rows).to_contain_text("characters)")
    expect(page.locator("#crls-rows")).to_contain_text(MARKUP_SHOWN)
    expect(page.locator("#crls-rows [data-value='10000000000000000000000000000000000000001']")).to_be_visible()
    expect(page.locator("#trust-stores-list")).to_contain_text(MARKUP_SHOWN)
    page.get_by_label("Certificate, PEM").fill(CLIENTS[2].pem)
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#explain-answer .branches")).to_be_visible()
    assert 0 == page.locator("main img, main script").count()
    assert "\u202e" not in page.locator("body").inner_text()
    assert 390 == page.evaluate("document.documentElement.scrollWidth")
    assert served.get("/v1/stats")["host"] is not None
