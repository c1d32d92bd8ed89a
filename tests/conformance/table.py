"""The table that `make conformance` prints, and the failures below it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from tests.conformance.answer import Outcome, Result, in_words
from tests.conformance.case import Corpus
from tests.conformance.running import Row

HEAD: Final = ("corpus", "cases", *Result)


def printed(rows: Iterable[Row]) -> str:
    """One row for each corpus and one for all, as Markdown that is aligned for a terminal."""
    cells = [[row.corpus.name, len(row.outcomes), *map(row.count, Result)] for row in rows]
    return _aligned([*cells, ["all", *map(sum, zip(*(numbers for _, *numbers in cells), strict=True))]])


def prefetched(corpora: Iterable[Corpus]) -> str:
    """How many cases are asked with their CRLs prefetched, and how many of these have another answer then, and why."""
    cases = [case for corpus in corpora for case in corpus.cases]
    asked = sum(1 for case in cases if case.evidence.crls)
    reasons = Counter(case.prefetched.because for case in cases if case.prefetched is not None)
    told = f"{asked} of {len(cases)} cases, {reasons.total()} with another path as right."
    lines = (f"  {count}: {because}" for because, count in sorted(reasons.items()))
    return "\n".join((f"CRLs prefetched, asked offline: {told}", *lines))


def as_it_should_be(corpora: Iterable[Corpus]) -> str:
    """The table where every case passes."""
    return printed(Row(corpus, tuple(Outcome(case, Result.PASSED, {}) for case in corpus.cases)) for corpus in corpora)


def failures(rows: Iterable[Row]) -> Iterator[str]:
    """Each case that did not pass: what it proves, what is right, and what was answered."""
    for row in rows:
        for outcome in row.outcomes:
            if outcome.result is not Result.PASSED:
                yield f"{row.corpus.name}/{outcome.case.name}: {outcome.result}"
                yield f"  {outcome.case.rule}"
                yield f"  {'right':<32}{in_words(outcome.case.expected)}"
                if outcome.case.prefetched is not None:
                    yield f"  {'right, CRLs prefetched':<32}{in_words(outcome.case.prefetched.expected)}"
                yield from (f"  {who:<32}{answer}" for who, answer in _answered(outcome))


def _answered(outcome: Outcome) -> Iterator[tuple[str, object]]:
    """Who said what; once where all agree."""
    if len(set(outcome.answers.values())) == 1:
        yield "everybody", next(iter(outcome.answers.values()))
    else:
        yield from outcome.answers.items()


def _aligned(cells: list[list[object]]) -> str:
    texts = [[*HEAD], *([str(cell) for cell in row] for row in cells)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(HEAD))]
    head, *lines = ([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])] for name, *numbers in texts)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["-" * width for width in widths], *lines])
