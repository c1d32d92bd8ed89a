"""Every corpus passes, case by case, before every judge."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from service.core.der.certificate import read_certificate
from service.core.model.malformed import MalformedError
from service.core.model.verdict import Decision
from tests.conformance.case import Case, Corpus
from tests.conformance.core import ask_core
from tests.conformance.corpora.crl_forms import crl_forms
from tests.conformance.corpora.crl_signers import crl_signers
from tests.conformance.corpora.deltas import deltas
from tests.conformance.corpora.indirect import indirect
from tests.conformance.corpora.partitions import partitions
from tests.conformance.prefetched import Prefetched
from tests.conformance.running import run
from tests.conformance.shipped import CORPORA
from tests.conformance.table import as_it_should_be, failures, prefetched, printed
from tests.docs.pages import DOCS, ROOT, table

pytestmark = pytest.mark.anyio

PAGE: Final = "conformance.md"

ORDERED: Final = (crl_forms, crl_signers, deltas, indirect, partitions)
SAMPLE: Final = 60

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


async def test_the_order_of_the_files_changes_nothing() -> None:
    """Where several CRLs may be about the same certificates: the prefetcher takes them up in any order.

    Here it knows who has signed them, so that none waits for a request: it is the files that come first or last.
    """
    several = [case for make in ORDERED for case in made(make).cases if len(case.evidence.crls) > 2]
    cases = list(map(_known, several[:: max(1, len(several) // SAMPLE)]))
    judge = Prefetched(cases)
    for case in cases:
        right = await ask_core(case)
        answers = [await judge.ask(case, order) for order in ("first", "second", "third")]
        assert [right] * 3 == answers, case.name


def _known(case: Case) -> Case:
    """The same with the intermediates in the trust store as well, but for those that would be anchors there."""
    return replace(case, trusted=case.trusted + tuple(one for one in case.intermediates if not _is_self_issued(one)))


def _is_self_issued(certificate: bytes) -> bool:
    try:
        read = read_certificate(certificate)
    except MalformedError:
        return True
    return read.subject == read.issuer


def test_another_path_is_all_that_differs() -> None:
    """Where CRLs were prefetched, the decision, the status and the code are what is right anywhere."""
    for case in (case for corpus in everything() for case in corpus.cases):
        if case.prefetched is not None:
            said, right = case.prefetched.expected, case.expected
            assert (right.code, right.status) == (said.code, said.status)
            assert case.prefetched.because.endswith(".")


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
    assert f"{as_it_should_be(everything())}\n\n{prefetched(everything())}\n" in page.read_text(encoding="utf-8")


def test_the_page_tells_of_every_corpus() -> None:
    """By name, with what it proves."""
    told = [(row["corpus"], row["what it shows"]) for row in table(PAGE, "corpora")]
    assert told == [(corpus.name, corpus.proves) for corpus in everything()]
