"""What `docs/operations.md` says of the audit log: its fields, its actions, and its example."""

import json
from typing import Final

from service.adapters.audit_file import document_of
from service.adapters.audit_log import AUDITED
from service.api.app import ACTIONS
from service.application.auditing import AuditRecord, Outcome
from tests.docs.pages import blocks, page, table, word, words
from tests.pki import NOW

PAGE: Final = "operations.md"
FIELDS: Final = list(document_of(AuditRecord(NOW, "", "x", Outcome.DONE, "x")))


def test_every_field_is_there() -> None:
    """In the order in which it is written; and every outcome."""
    rows = table(PAGE, "audit-fields")
    assert [word(row["field"]) for row in rows] == FIELDS
    (outcomes,) = (row["is"] for row in rows if word(row["field"]) == "outcome")
    assert list(Outcome) == words(outcomes)


def test_every_action_is_there() -> None:
    """With the request that is recorded so."""
    assert {word(row["request"]): word(row["action"]) for row in table(PAGE, "audit-actions")} == dict(ACTIONS)


def test_everything_the_service_does_by_itself_is_there() -> None:
    """With what is said to have come of it."""
    rows = table(PAGE, "audit-events")
    told = {name: Outcome(word(row["outcome"])) for row in rows for name in words(row["action"])}
    assert told == dict(AUDITED)


def test_the_example() -> None:
    """Lines as they are written, of actions that there are."""
    (block,) = blocks(page(PAGE), "ndjson")
    lines = [json.loads(line) for line in block.splitlines()]
    assert [FIELDS] * len(lines) == [list(line) for line in lines]
    assert {line["action"] for line in lines} <= {*ACTIONS.values(), *AUDITED}
    assert {line["outcome"] for line in lines} <= set(Outcome)
