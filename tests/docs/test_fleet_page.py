"""`docs/fleet.md` says what the service needs of Redis as the settings' page does, and names what there is."""

from typing import Final

from service.application.fleet.names import FleetNames
from service.application.fleet.position import END
from service.bootstrap.logs import GOOD_KEY_LENGTH
from tests.docs.pages import blocks, page, table, word

PAGE: Final = "fleet.md"


def test_the_user_of_redis() -> None:
    """The same rules on both pages."""

    def rules(name: str) -> list[str]:
        return [block for block in blocks(page(name), "text") if block.startswith("ACL SETUSER")]

    assert 1 == len(rules(PAGE))
    assert rules("settings.md") == rules(PAGE)


def test_the_stream_that_takes_no_more() -> None:
    """It has the name that an operator is to remove."""
    assert f"`remove {FleetNames().events}`" in page(PAGE)
    assert f"{2**64 - 1}-{2**64 - 1}" == str(END)


def test_the_check_of_readiness() -> None:
    """There is one more with Redis."""
    assert ["fleet"] == [word(row["check"]) for row in table("api.md", "fleet-checks")]


def test_how_long_a_key_should_be() -> None:
    """What the log warns of is what the page of operations says."""
    (row,) = [row for row in table("operations.md", "events") if word(row["event"]) == "fleet_key_short"]
    assert f"fewer than {GOOD_KEY_LENGTH} characters" in row["means"]
