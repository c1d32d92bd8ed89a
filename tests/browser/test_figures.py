"""What the dashboard shows is what the service says: the same numbers, down to the last."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.serving import ADMIN, Served
from tests.browser.shown import shown_decisions, value
from tests.browser.watching import Visit
from tests.e2e.running import until

pytestmark = pytest.mark.slow

LINES = (("allow", "ok"), ("deny", "revoked"))


def said_decisions(stats: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """The same, as the service says it."""
    return {(one["decision"], one["code"]): one["count"] for one in stats["decisions"]}


def shown_caches(visit: Visit) -> dict[str, str | None]:
    """Every number of the caches, as shown: by tier, kind and field."""
    found = {}
    for row in visit.page.locator("#caches-rows tr[data-tier]").all():
        cache = f"{row.get_attribute('data-tier')} {row.get_attribute('data-kind')}"
        for cell in row.locator("td[data-field]").all():
            found[f"{cache} {cell.get_attribute('data-field')}"] = value(cell)
    return found


def said_caches(stats: Mapping[str, Any]) -> dict[str, str | None]:
    """The same, as the service says it."""
    fields = ("hits", "misses", "evictions", "entries", "bytes")
    return {
        f"{one['tier']} {one['kind']} {field}": None if one[field] is None else str(one[field])
        for one in stats["caches"]
        for field in fields
    }


@pytest.fixture
def shown(visit: Visiting, served: Served) -> Iterator[Visit]:
    """A page after some traffic."""
    before = served.counted()
    served.validate(good=7, revoked=3)
    served.until_counted({"ok": before["ok"] + 7, "revoked": before["revoked"] + 3})
    with visit() as one:
        one.enter(ADMIN)
        one.wait_for_contact("live")
        yield one


def test_verdicts(shown: Visit, served: Served) -> None:
    """By decision and code, since the start."""
    expected = said_decisions(served.get("/v1/stats"))
    assert set(LINES) <= set(expected)
    until(lambda: expected == shown_decisions(shown), f"it shows {expected}")


def test_caches(shown: Visit, served: Served) -> None:
    """Hits, misses, evictions, entries and bytes of every tier."""
    until(lambda: said_caches(served.get("/v1/stats")) == shown_caches(shown), "it shows the caches")
    assert shown_caches(shown)


def test_latency(shown: Visit, served: Served) -> None:
    """Quantiles and how many were measured, since the start."""
    said = served.get("/v1/stats")["latency"]
    expected = {"p50": said["p50_s"], "p95": said["p95_s"], "p99": said["p99_s"], "count": said["count"]}

    def as_shown() -> dict[str, float]:
        rows = {part: shown.page.locator(f'#latency tr[data-part="{part}"] td').nth(1) for part in expected}
        return {part: float(value(cell) or "nan") for part, cell in rows.items()}

    until(lambda: expected == as_shown(), f"it shows {expected}")


def test_crls(shown: Visit, served: Served) -> None:
    """Held, entries and octets; and each line with its number, its entries and its size."""
    said = served.get("/v1/stats")["host"]["crls"]
    for field in ("held", "entries", "size"):
        sum_of = shown.page.locator(f'#crls-sum [data-field="{field}"]')
        expect(sum_of).to_have_attribute("data-value", str(said[field]))
    for line in served.get("/v1/crls")["crls"]:
        cells = shown.page.locator(f'#crls-rows tr[data-id="{line["id"]}"] td')
        numbers = [value(cells.nth(place)) for place in (2, 3, 4)]
        assert [str(line[field]) for field in ("crl_number", "entries", "size")] == numbers
        expect(cells.nth(1)).to_contain_text(line["issuer"])
        expect(cells.nth(5).get_by_role("img")).to_be_visible()


def test_what_the_replica_is(shown: Visit, served: Served) -> None:
    """Its version, its generation and its workers, where there is no fleet."""
    said = served.get("/v1/stats")
    row = shown.page.locator("#fleet-rows tr")
    expect(row).to_contain_text(said["version"])
    expect(row.locator('[data-field="generation"]')).to_have_attribute("data-value", str(said["host"]["generation"]))
    expect(shown.page.locator("#redis-facts")).to_contain_text("without Redis")


def test_trust_stores(shown: Visit, served: Served) -> None:
    """Every CA, with the days that are left of it."""
    (store,) = served.get("/v1/trust-stores")["trust_stores"]
    part = shown.page.locator("#trust-stores-list")
    for one in store["certificates"]:
        expect(part).to_contain_text(one["subject"])
    expect(part.locator("td[data-value]")).to_have_count(len(store["certificates"]))


def test_charts_say_in_words_what_they_show(shown: Visit) -> None:
    """For those who do not see them."""
    for name in ("allow", "deny", "latency"):
        picture = shown.page.locator(f"#chart-{name} svg")
        expect(picture).to_have_attribute("role", "img")
        assert "until" in str(picture.get_attribute("aria-label"))


def test_it_says_whether_revocation_works(shown: Visit) -> None:
    """In words, on top, and in the title; with the reason, which leads to the part that says more."""
    reason = shown.page.get_by_role("list", name="Why").get_by_role("link")
    expect(reason).to_contain_text("A CA of trust store “default” ends on")  # those of tests last for a month
    expect(shown.page.get_by_role("heading", name="Revocation works, with trouble")).to_be_visible()
    expect(shown.page).to_have_title(re.compile(r"^\(!\) Revocation works, with trouble"))
    reason.click()
    expect(shown.page.locator("#trust-stores")).to_be_in_viewport()
