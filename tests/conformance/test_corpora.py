"""Every corpus passes, case by case, before every judge."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from service.core.model.verdict import Decision
from tests.conformance.case import Corpus
from tests.conformance.running import run
from tests.conformance.shipped import CORPORA
from tests.conformance.table import as_it_should_be, failures, printed
from tests.docs.pages import DOCS, ROOT, table

pytestmark = pytest.mark.anyio

PAGE: Final = "conformance.md"

PKITS_CASES: Final = 249
PKITS_VALID: Final = 114
"""As the suite has them; the others are invalid paths."""


@cache
def made(make: Callable[[], Corpus]) -> Corpus:
    """A corpus, made once in a process."""
    return make()


def everything() -> tuple[Corpus, ...]:
    """All of them."""
    return tuple(map(made, CORPORA))


@pytest.mark.parametrize("make", CORPORA)
async def test_corpus(make: Callable[[], Corpus]) -> None:
    """No false accept, no false reject, no other code, and the core and the interface agree."""
    rows = await run([made(make)])
    assert "" == "\n".join(failures(rows))
    assert as_it_should_be([made(make)]) == printed(rows)


def test_pkits_is_whole() -> None:
    """Each case once, and as many of each kind as the suite has."""
    pkits, *_ = everything()
    assert (PKITS_CASES, PKITS_CASES) == (len(pkits.cases), len({case.name for case in pkits.cases}))
    assert PKITS_VALID == Counter(case.expected.decision for case in pkits.cases)[Decision.ALLOW]


def test_names_are_unique() -> None:
    """So that a failure names its case."""
    corpora = everything()
    assert len(corpora) == len({corpus.name for corpus in corpora})
    for corpus in corpora:
        assert [] == [name for name, count in Counter(case.name for case in corpus.cases).items() if count > 1]


def test_responders_belong_to_one_case() -> None:
    """Whoever asks one gets the answer of this case."""
    urls = [url for corpus in everything() for case in corpus.cases for url, _ in case.responders]
    assert len(urls) == len(set(urls)) > 0


def test_every_case_says_what_it_proves() -> None:
    """In one sentence."""
    assert all(case.rule.endswith(".") for corpus in everything() for case in corpus.cases)


@pytest.mark.parametrize("page", [DOCS / PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_pages_show_the_table(page: Path) -> None:
    """Word for word what `make conformance` prints."""
    assert as_it_should_be(everything()) in page.read_text(encoding="utf-8")


def test_the_page_tells_of_every_corpus() -> None:
    """By name, with what it proves."""
    told = [(row["corpus"], row["what it shows"]) for row in table(PAGE, "corpora")]
    assert told == [(corpus.name, corpus.proves) for corpus in everything()]
