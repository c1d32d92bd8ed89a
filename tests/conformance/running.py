"""Every corpus, case by case, before every judge."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.conformance.answer import Outcome, Result, compare
from tests.conformance.case import Case, Corpus
from tests.conformance.core import ask_core
from tests.conformance.interface import Interface
from tests.conformance.prefetched import Prefetched

CORE = "core"
SHUFFLED = "core, evidence in another order"
INTERFACE = "POST /v1/validate"
PREFETCHED = "the same, CRLs prefetched"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one corpus."""

    corpus: Corpus
    outcomes: tuple[Outcome, ...]

    def count(self, result: Result) -> int:
        """How many of its cases show this."""
        return Counter(outcome.result for outcome in self.outcomes)[result]


async def run(corpora: Iterable[Corpus]) -> tuple[Row, ...]:
    """Judge every case."""
    listed = tuple(corpora)
    judges = Judges(case for corpus in listed for case in corpus.cases)
    return tuple([Row(corpus, tuple([await judges.judge(case) for case in corpus.cases])) for corpus in listed])


class Judges:
    """Everybody who is asked."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Let them know of the trust stores and the responders of all cases."""
        listed = tuple(cases)
        self._interface = Interface(listed)
        self._prefetched = Prefetched(listed)

    async def judge(self, case: Case) -> Outcome:
        """Ask the core, the core with everything in another order, the interface, and where CRLs were prefetched."""
        answers = {
            CORE: await ask_core(case),
            SHUFFLED: await ask_core(case.shuffled()),
            INTERFACE: await self._interface.ask(case),
        }
        if case.evidence.crls:
            answers[PREFETCHED] = await self._prefetched.ask(case)
        return compare(case, answers, PREFETCHED)
