r"""`revet check --csv`: a line for each file, for spreadsheets and for whatever else reads RFC 4180.

Names and subjects are written by strangers. A spreadsheet takes a cell that begins with one of `=+-@` for a formula,
and runs it; such a cell gets an apostrophe in front, which spreadsheets take for "this is text". Every cell is quoted,
so that nothing begins one but its first character, and control characters are shown as `\x0a`, as at the terminal.
"""

import csv
from typing import Final, TextIO

from service.cli.asking import Row
from service.cli.rendering import visible

COLUMNS: Final = (
    "file",
    "decision",
    "status",
    "code",
    "detail",
    "subject",
    "issuer",
    "serial_number",
    "fingerprint_sha256",
    "valid_until",
    "decision_id",
    "error",
)
"""`file` and `error` are ours; what is between them, the API's."""

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - some take the wide ones for the same
"""What a formula begins with. A tab or a line end, which some skip, is made visible and so none any more."""


class CsvReport:
    """Writes the lines."""

    def __init__(self, file: TextIO) -> None:
        """Write the header.

        Args:
            file: Opened with `newline=""`, for UTF-8.
        """
        self._writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        self._writer.writerow(COLUMNS)

    def add(self, row: Row) -> None:
        """Write the line of a file."""
        answer = row.answer or {}
        between = (answer.get(name) for name in COLUMNS[1:-1])
        self._writer.writerow([_cell(one) for one in (row.file, *between, row.error)])


def _cell(value: object) -> str:
    text = "" if value is None else visible(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
