#!/usr/bin/env python3
"""Takes the figures of the last run of `make bench` over into `docs/measured.json`, and its table into the page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results.json"
MEASURED: Final = ROOT / "docs" / "measured.json"
"""The run that `docs/comparison.md` shows: the next one overwrites its own."""

PAGE: Final = ROOT / "docs" / "comparison.md"
TABLE: Final = re.compile(r"(?<=<!-- measured: begin -->\n).*?(?=<!-- measured: end -->)", re.DOTALL)

_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_HUNDREDS: Final = 100


def main() -> None:
    """Put the table into its place; the text around it stays."""
    results = RESULTS.read_text(encoding="utf-8")
    MEASURED.write_text(results, encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: table(json.loads(results)), text), encoding="utf-8")


def table(results: dict[str, Any]) -> str:
    """The figures of a run, a row for each pair that was compared.

    Args:
        results: What `make bench` has written.
    """
    machine = results["machine"]
    rows = "\n".join(row for race in results["races"] for row in _rows(race))
    return (
        "| | Revet | | its peer | | times as fast |\n| --- | --- | --- | --- | --- | --- |\n"
        f"{rows}\n\n"
        f"{machine['cores']} cores, Python {machine['python']}, cryptography {machine['cryptography']}, "
        f"{machine['openssl']}.\n"
    )


def _rows(race: dict[str, Any]) -> Iterator[str]:
    for one in race["times_as_fast"]:
        ours, theirs = (race["seconds"][one[who]]["median"] for who in ("ours", "theirs"))
        ratio = f"{one['ratio']:,.0f}" if one["ratio"] >= _HUNDREDS else f"{one['ratio']:.3g}"
        yield f"| {race['title']} | {one['ours']} | {_time(ours)} | {one['theirs']} | {_time(theirs)} | {ratio} |"


def _time(seconds: float) -> str:
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


if __name__ == "__main__":
    main()
