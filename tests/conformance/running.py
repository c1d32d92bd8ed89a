"""Every corpus, case by case, before every judge."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.conformance.answer import Outcome, Result, compare
from tests.conformance.case import Case, Corpus
from tests.conformance.core import ask_core
from tests.conformance.interface import Interface

CORE = "core"
SHUFFLED = "core, evidence in another order"
INTERFACE = "POST /v1/validate"


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
    interface = Interface(case for corpus in listed for case in corpus.cases)
    return tuple([Row(corpus, tuple([await judge(case, interface) for case in corpus.cases])) for corpus in listed])


async def judge(case: Case, interface: Interface) -> Outcome:
    """Ask the core, the core with everything in another order, and the interface."""
    answers = {
        CORE: await ask_core(case),
        SHUFFLED: await ask_core(case.shuffled()),
        INTERFACE: await interface.ask(case),
    }
    return compare(case, answers)
