#!/usr/bin/env python3
"""Writes the tables of `docs/settings.md` anew, out of the settings' own docstrings.

scripts/settings_reference.py
"""

import re
from pathlib import Path
from typing import Final

from service.settings.reference import settings_tables

PAGE: Final = Path(__file__).parents[1] / "docs" / "settings.md"

_TABLE: Final = re.compile(r"(?<=<!-- settings: begin -->\n).*?(?=\n<!-- settings: end -->)", re.DOTALL)


def main() -> None:
    """Put each table into its place; the text around them stays.

    Raises:
        SystemExit: the page has more places, or fewer, than there are sections.
    """
    tables = [*settings_tables()]
    text = PAGE.read_text(encoding="utf-8")
    if len(tables) != len(_TABLE.findall(text)):
        raise SystemExit(f"{PAGE.name} has {len(_TABLE.findall(text))} tables, and the settings {len(tables)} sections")
    following = iter(tables)
    PAGE.write_text(_TABLE.sub(lambda _: next(following), text), encoding="utf-8")


if __name__ == "__main__":
    main()
