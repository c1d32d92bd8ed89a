"""Decisions that were kept are found again: all of them, by what they are, and page by page."""

import sqlite3
from pathlib import Path
from typing import Any, Final

import pytest

from service.adapters.decisions.book import NoBook
from service.adapters.decisions.rows import MAX_CASE_OCTETS, MAX_TEXT
from service.application.decision_records import DecisionQuery, DecisionsUnavailableError
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status
from tests.adapters.decisions.parts import kept, record

CASE: Final = b'{"version":1,"leaf":"MIIB"}' * 50


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"case": CASE},
        {"case": b""},
        {"case": bytes(MAX_CASE_OCTETS)},
        dict.fromkeys(("serial_number", "subject", "issuer", "fingerprint_sha256", "duration_s")),
        {"decision": Decision.ALLOW, "status": Status.UNKNOWN, "code": Code.OK, "enforced": Code.REVOKED},
        {"repeats": "7" * 32, "duration_s": None, "front": "nginx", "left_out": 3},
        {"subject": "", "detail": "ü 漢 \U0001f600 \x00 '", "trust_store": "a'; DROP TABLE decisions; --"},
    ],
    ids=str,
)
def test_what_is_kept_is_found(tmp_path: Path, changes: dict[str, Any]) -> None:
    """To the last field, and to the microsecond."""
    one = record(7, **changes)
    book = kept(tmp_path, record(6), one).book
    assert one == book.find(one.decision_id)


@pytest.mark.parametrize("code", Code)
def test_every_code(tmp_path: Path, code: Code) -> None:
    """Is kept and found by it."""
    worker = kept(tmp_path, record(1, code=code), record(2, code=Code.OK if code is not Code.OK else Code.REVOKED))
    assert [f"{1:032x}"] == worker.ids(code=code)


def test_what_cannot_be_kept_as_it_is(tmp_path: Path) -> None:
    """Half of a surrogate pair, and a case or a text beyond all measure."""
    odd = record(1, subject="CN=\ud800", detail="x" * (MAX_TEXT + 1), case=bytes(MAX_CASE_OCTETS + 1))
    assert record(1, subject="CN=?", detail="x" * MAX_TEXT, case=None) == kept(tmp_path, odd).book.find(f"{1:032x}")


def test_a_listing_has_no_cases(tmp_path: Path) -> None:
    """They are large, and asked for one by one."""
    (found,) = kept(tmp_path, record(case=CASE)).book.recent(DecisionQuery())
    assert record() == found


def test_a_repeat_has_the_case_of_the_first(tmp_path: Path) -> None:
    """Where that is still kept."""
    first, repeat = record(1, case=CASE), record(2, repeats=f"{1:032x}")
    orphan = record(3, repeats="f" * 32)
    book = kept(tmp_path, first, repeat, orphan).book
    assert record(2, repeats=f"{1:032x}", case=CASE) == book.find(repeat.decision_id)
    assert orphan == book.find(orphan.decision_id)


def test_one_that_is_not_kept(tmp_path: Path) -> None:
    """Is nothing."""
    assert kept(tmp_path, record(1)).book.find("f" * 32) is None


EXPIRED: Final = {"code": Code.EXPIRED, "status": Status.INVALID}
ALLOWED: Final = {"decision": Decision.ALLOW, "code": Code.OK, "status": Status.GOOD}
SEVERAL: Final = (
    record(1),
    record(2, **EXPIRED),
    record(3, trust_store="partners"),
    record(4, **ALLOWED),
    record(5, trust_store="partners", **EXPIRED),
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"limit": 2}, [5, 4]),
        ({"before": f"{3:032x}"}, [2, 1]),
        ({"before": f"{3:032x}", "limit": 1}, [2]),
        ({"before": "0"}, []),
        ({"before": "no id at all"}, [5, 4, 3, 2, 1]),
        ({"code": Code.EXPIRED}, [5, 2]),
        ({"decision": Decision.ALLOW}, [4]),
        ({"decision": Decision.DENY, "limit": 3}, [5, 3, 2]),
        ({"trust_store": "partners"}, [5, 3]),
        ({"trust_store": "nobody"}, []),
        ({"code": Code.EXPIRED, "trust_store": "partners", "decision": Decision.DENY}, [5]),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_filters(tmp_path: Path, wanted: dict[str, Any], expected: list[int], order: int) -> None:
    """The newest first, in whichever order they came to be written."""
    worker = kept(tmp_path, *SEVERAL[::order])
    assert [f"{number:032x}" for number in expected] == worker.ids(**wanted)


def test_pages_of_what_goes_on(tmp_path: Path) -> None:
    """Whoever reads on finds each of the older ones once, whatever has come meanwhile."""
    worker = kept(tmp_path, *(record(number) for number in range(10)))
    first = worker.ids(limit=5)
    kept(tmp_path, *(record(number) for number in range(10, 20)))
    assert [f"{number:032x}" for number in range(9, -1, -1)] == first + worker.ids(before=first[-1])


def spoil(directory: Path, change: str) -> None:
    """Change the first record as no version of ours would."""
    with sqlite3.connect(directory / "decisions" / "decisions-1.db") as connection:
        connection.execute(f"UPDATE decisions SET {change} WHERE number = 1")  # noqa: S608 - a test's own
    connection.close()


@pytest.mark.parametrize("change", ["code = 'nobody knows'", "at = 9223372036854775807", "status = x'00ff'"])
def test_a_row_that_means_nothing(tmp_path: Path, change: str) -> None:
    """Is left out of a listing, and cannot be had by itself."""
    worker = kept(tmp_path, record(1), record(2))
    spoil(tmp_path, change)
    assert [f"{2:032x}"] == worker.ids()
    with pytest.raises(DecisionsUnavailableError):
        worker.book.find(f"{1:032x}")


def test_a_page_with_a_row_that_means_nothing(tmp_path: Path) -> None:
    """Is as long as others: what is older is found too."""
    worker = kept(tmp_path, record(1), record(0), record(2))
    spoil(tmp_path, "code = 'nobody knows'")
    assert [f"{2:032x}", f"{0:032x}"] == worker.ids(limit=2)


@pytest.mark.parametrize("change", ["content = x'00'", "content = 'text'", "content = substr(content, 1, 20)"])
def test_a_case_that_means_nothing(tmp_path: Path, change: str) -> None:
    """Is said to be damaged; nothing is made up."""
    worker = kept(tmp_path, record(1, case=CASE))
    spoil(tmp_path, change)
    with pytest.raises(DecisionsUnavailableError, match="its case"):
        worker.book.find(f"{1:032x}")


def test_nothing_is_kept() -> None:
    """And why is said."""
    book = NoBook("REVET_DECISIONS_KEEP_S is 0")
    with pytest.raises(DecisionsUnavailableError, match="is 0"):
        book.recent(DecisionQuery())
    with pytest.raises(DecisionsUnavailableError, match="is 0"):
        book.find("a")


def test_a_long_search_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others want to look as well."""
    monkeypatch.setattr("service.adapters.decisions.book.LONGEST_S", -1.0)
    monkeypatch.setattr("service.adapters.decisions.book._STEPS", 1)
    worker = kept(tmp_path, record(1))
    with pytest.raises(DecisionsUnavailableError, match="interrupted"):
        worker.ids()
