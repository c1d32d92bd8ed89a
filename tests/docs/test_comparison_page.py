"""The figures in `docs/comparison.md` are those of the run that `docs/measured.json` holds."""

import json

from scripts.comparison_table import MEASURED, TABLE, table
from tests.docs.pages import page


def test_the_table_is_that_of_the_last_run() -> None:
    """No figure is typed in by hand: `scripts/comparison_table.py` writes them."""
    assert [table(json.loads(MEASURED.read_text(encoding="utf-8")))] == TABLE.findall(page("comparison.md"))


def test_a_row() -> None:
    """Both medians, and how many times as fast ours is."""
    race = {
        "title": "T",
        "seconds": {"a": {"median": 0.00025}, "b": {"median": 0.5}},
        "times_as_fast": [{"ours": "a", "theirs": "b", "ratio": 2000.0}],
    }
    machine = {"cores": 2, "python": "3.11", "cryptography": "50", "openssl": "OpenSSL 4"}
    assert "| T | a | 250 us | b | 500 ms | 2,000 |" in table({"machine": machine, "races": [race]})
