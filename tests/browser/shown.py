"""Numbers as the page shows them: each is written down in full beside what is shown of it."""

from playwright.sync_api import Locator

from tests.browser.watching import Visit


def value(cell: Locator) -> str | None:
    """The number that a cell shows, as the document writes it; None where it shows none."""
    return cell.get_attribute("data-value")


def shown_decisions(visit: Visit) -> dict[tuple[str, str], int]:
    """Totals by decision and code, as shown."""
    rows = visit.page.locator("#codes tr[data-code]").all()
    return {
        (str(row.get_attribute("data-decision")), str(row.get_attribute("data-code"))): int(
            str(value(row.locator("td").nth(3)))
        )
        for row in rows
    }


def shown_of_fleet(visit: Visit) -> dict[str, str | None]:
    """What all replicas have allowed and denied together, and how many there are, as shown."""
    fields = ("present", "fleet-allow", "fleet-deny")
    cells = {field: visit.page.locator(f'#fleet-sum [data-field="{field}"]') for field in fields}
    return {field: value(cell) if cell.count() else None for field, cell in cells.items()}
