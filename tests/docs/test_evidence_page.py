"""`docs/evidence.md` has every member of a case, and every reason why there is none."""

import json
from typing import Any, Final

from service.application.replay.case import ReplayCase
from service.application.replay.document import MAX_CASE_OCTETS, VERSION, LeftOut, write_case
from service.application.replay.extent import MAX_CERTIFICATES
from service.core.model.policy import Policy
from tests.core.decision.pieces import CHAIN
from tests.core.decision.shell import ask
from tests.docs.pages import page, table, words
from tests.pki import NOW

PAGE: Final = "evidence.md"


def document() -> dict[str, Any]:
    """A case, as it is written."""
    outcome = ask(CHAIN.leaf, CHAIN.store)
    return dict(json.loads(write_case(ReplayCase(outcome.request, outcome.evidence, Policy(), NOW))))


def test_members() -> None:
    """In their order, and nothing beside `case` that the page does not name."""
    written = document()
    assert list(written["case"]) == [words(row["member of `case`"])[0] for row in table(PAGE, "case")]
    assert {"version": VERSION, "certificates": written["certificates"], "case": written["case"]} == written


def test_left_out() -> None:
    """Every reason, in the order of the code."""
    assert [why.value for why in LeftOut] == [words(row["`left_out`"])[0] for row in table(PAGE, "left-out")]


def test_limits() -> None:
    """As the code has them."""
    assert f"never above {MAX_CASE_OCTETS >> 10} KiB" in page(PAGE)
    assert f"more than {MAX_CERTIFICATES} certificates" in page(PAGE)
