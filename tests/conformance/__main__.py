"""`make conformance`: every corpus through the core, the interface, and the path of production, a row for each.

The exit status is 0 where every case passes, and 1 otherwise.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import TextIO

from tests.conformance.answer import Result
from tests.conformance.case import Corpus
from tests.conformance.running import run
from tests.conformance.shipped import CORPORA
from tests.conformance.table import failures, prefetched, printed


def main(corpora: Iterable[Corpus], out: TextIO) -> int:
    """Run corpora, print the table and what failed, and tell the exit status."""
    rows = asyncio.run(run(corpora))
    out.write(f"{printed(rows)}\n\n{prefetched(row.corpus for row in rows)}\n")
    out.writelines(f"{line}\n" for line in failures(rows))
    return 0 if all(row.count(Result.PASSED) == len(row.outcomes) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main((make() for make in CORPORA), sys.stdout))
