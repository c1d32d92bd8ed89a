"""What operators do from the dashboard: block, remove a block, ask why, look at denials."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visiting
from tests.browser.serving import ADMIN, CALLER, Served, serving
from tests.browser.watching import Visit, visiting
from tests.e2e.life_cycle.scene import GOOD, REVOKED
from tests.e2e.running import until

pytestmark = pytest.mark.slow

FINGERPRINT = "SHA-256 of the certificate (hex)"
NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
REASON = "Reason (verdicts repeat it)"


@pytest.fixture
def own(browser: Browser, tmp_path: Path) -> Iterator[tuple[Served, Visit]]:
    """A service of its own, with an administrator before its dashboard."""
    with serving(tmp_path) as served, visiting(browser, served.url) as visit:
        visit.enter(ADMIN)
        yield served, visit


def fingerprint(served: Served, certificate: str) -> str:
    """Of a certificate, as answers write it."""
    return str(served.service_answer(certificate)["fingerprint_sha256"])


def test_a_block_is_set_and_removed(own: tuple[Served, Visit]) -> None:
    """From the form to every verdict, and back."""
    served, visit = own
    page = visit.page
    page.get_by_label(FINGERPRINT).fill(fingerprint(served, GOOD.pem))
    page.get_by_label(REASON).fill("Key stolen, ticket 4711")
    page.get_by_label("Until, in UTC (optional)").fill("2090-01-01 18:30")
    page.get_by_role("button", name="Block", exact=True).click()
    row = page.locator("#blocks-rows tr[data-block]")
    expect(row).to_contain_text("Key stolen, ticket 4711")
    (block,) = served.get("/v1/blocks")["blocks"]
    assert "2090-01-01T18:30:00Z" == block["until"]
    assert {"blocked"} == {served.service_answer(GOOD.pem)["code"] for _ in range(16)}
    row.get_by_role("button", name="Remove block").click()
    expect(row.get_by_role("button", name="Keep it")).to_be_focused()
    row.get_by_role("button", name="Remove it").click()
    expect(page.locator("#blocks-rows")).to_contain_text("Nothing is blocked.")
    assert [] == served.get("/v1/blocks")["blocks"]
    assert {"ok"} == {served.service_answer(GOOD.pem)["code"] for _ in range(16)}


def test_a_block_by_issuer_and_serial_number(own: tuple[Served, Visit]) -> None:
    """The fields are those of the form that was chosen."""
    served, visit = own
    page = visit.page
    answer = served.service_answer(GOOD.pem)
    expect(page.get_by_label("Serial number (hex)")).to_be_hidden()
    page.get_by_label("issuer and serial number").check()
    expect(page.get_by_label(FINGERPRINT)).to_be_hidden()
    page.get_by_label("Issuer, as RFC 4514 writes it").fill(answer["issuer"])
    page.get_by_label("Serial number (hex)").fill(answer["serial_number"])
    page.get_by_label(REASON).fill("lost")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.locator("#blocks-rows tr[data-block]")).to_contain_text(answer["serial_number"])


def test_what_is_wrong_with_a_block_is_told(own: tuple[Served, Visit]) -> None:
    """As the service tells it, and nothing that was typed is lost."""
    _, visit = own
    visit.expect_failures(400)
    page = visit.page
    page.get_by_label(FINGERPRINT).fill("no digest")
    page.get_by_label(REASON).fill("why")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.locator("#block-error")).to_contain_text("A field of the request is wrong: fingerprint_sha256")
    expect(page.get_by_label(FINGERPRINT)).to_have_value("no digest")


def test_a_caller_may_not_block(visit: Visiting, served: Served) -> None:
    """And reads why; nothing is blocked."""
    with visit() as one:
        one.expect_failures(403)
        one.enter(CALLER)
        one.page.get_by_label(FINGERPRINT).fill("ab" * 32)
        one.page.get_by_label(REASON).fill("why")
        one.page.get_by_role("button", name="Block", exact=True).click()
        expect(one.page.locator("#block-error")).to_contain_text("admin")
        assert [] == served.get("/v1/blocks")["blocks"]


@pytest.mark.parametrize(
    ("certificate", "decision", "words"),
    [(GOOD.pem, "allow", "CN=good"), (REVOKED.pem, "deny", "revoked")],
    ids=["good", "revoked"],
)
def test_a_certificate_is_explained(visit: Visiting, certificate: str, decision: str, words: str) -> None:
    """As a tree: the verdict, the path, and the CRL that it rests on."""
    with visit() as one:
        one.enter(CALLER)
        one.page.get_by_label("Certificate, PEM").fill(certificate)
        one.page.get_by_role("button", name="Explain").click()
        answer = one.page.locator("#explain-answer")
        expect(answer.locator(f'.verdict[data-decision="{decision}"]')).to_be_visible()
        expect(answer).to_contain_text(words)
        expect(answer.locator(".branches")).to_contain_text("by CRL")
        expect(answer.locator(".branches")).to_contain_text("Ends at anchor CN=Root")


def test_what_is_no_request_is_told(visit: Visiting) -> None:
    """A trust store that there is not."""
    with visit() as one:
        one.expect_failures(404)
        one.enter(CALLER)
        one.page.get_by_label("Certificate, PEM").fill(GOOD.pem)
        one.page.get_by_label("Trust store", exact=True).fill("nobody")
        one.page.get_by_role("button", name="Explain").click()
        expect(one.page.locator("#explain-error")).to_contain_text("trust store")


def test_a_click_is_one_whatever_comes_between(own: tuple[Served, Visit]) -> None:
    """News do not take the row away that a pointer is pressed on; they are there when it is let go."""
    served, visit = own
    page = visit.page
    served.validate(revoked=1)
    rows = page.locator("#decisions-rows tr[data-decision-id]")
    expect(rows).to_have_count(1)
    rows.get_by_role("button").hover()
    page.mouse.down()
    with page.expect_response(lambda answer: "/v1/decisions?" in answer.url) as news:
        assert "malformed" == served.service_answer(NO_CERTIFICATE)["code"]
    news.value.finished()
    expect(page.locator("#codes")).to_contain_text("malformed")
    expect(rows).to_have_count(1)
    page.mouse.up()
    expect(page.locator("#decisions-rows tr.opened")).to_contain_text("what it rests on")
    expect(rows).to_have_count(2)


def test_denials_by_code_and_their_evidence(own: tuple[Served, Visit]) -> None:
    """Those of one code alone; each opens what it rested on, and from there a block is begun."""
    served, visit = own
    page = visit.page
    served.validate(revoked=1)
    assert "malformed" == served.service_answer(NO_CERTIFICATE)["code"]
    until(lambda: len(served.get("/v1/decisions?decision=deny")["decisions"]) >= 2, "both are kept")
    rows = page.locator("#decisions-rows tr[data-decision-id]")
    expect(rows).to_have_count(2)
    page.get_by_label("Code", exact=True).select_option("revoked")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("CN=revoked")
    rows.get_by_role("button").click()
    opened = page.locator("#decisions-rows tr.opened")
    expect(opened).to_contain_text("what it rests on")
    opened.get_by_role("button", name="Block this certificate").click()
    expect(page.get_by_label(REASON)).to_be_focused()
    expect(page.get_by_label(FINGERPRINT)).to_have_value(
        served.get("/v1/decisions?code=revoked")["decisions"][0]["fingerprint_sha256"]
    )
    rows.get_by_role("button").click()
    expect(opened).to_have_count(0)
