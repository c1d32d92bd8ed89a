"""Where decisions are written down and found again, in a worker."""

from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.adapters.clock import SystemClock
from service.adapters.decisions.book import FileBook, NoBook
from service.adapters.decisions.counts import DecisionCounts
from service.adapters.decisions.files import DecisionFiles
from service.adapters.decisions.keeper import KeepingRules, QueuedKeeper
from service.adapters.metrics import PrometheusObserver
from service.application.decision_records import DecisionBook, DecisionKeeper, DecisionQuery, DecisionsUnavailableError
from service.application.recording import NOTHING_KEPT
from service.bootstrap.directories import DECISIONS_DIRECTORY
from service.bootstrap.logs import log_fault
from service.settings import Settings
from service.settings.model import setting

MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class DecisionParts:
    """What a worker has for decisions that are kept.

    Attributes:
        keeper: Writes them down.
        book: Where they are found again.
    """

    keeper: DecisionKeeper
    book: DecisionBook


def open_decisions(settings: Settings, counts: PrometheusObserver, stack: AsyncExitStack) -> DecisionParts:
    """Begin to keep decisions. Where that cannot be done, the service answers all the same.

    Args:
        settings: The settings.
        counts: What this process counts.
        stack: What is to be closed afterwards: what is in the queue is written then.
    """
    clock = SystemClock()
    told = DecisionCounts(counts.registry, clock)
    files = DecisionFiles(settings.data_dir / DECISIONS_DIRECTORY, settings.decisions_max_mb * MIB)
    if not settings.decisions_keep_s:
        with suppress(OSError):  # what cannot be removed is not shown
            files.remove()
        return DecisionParts(NOTHING_KEPT, NoBook(f"{setting('decisions_keep_s')} is 0: no decision is kept"))
    rules = KeepingRules(timedelta(seconds=settings.decisions_keep_s), settings.decisions_keep_allows)
    keeper = QueuedKeeper(files, rules, told, clock, counts.not_written, log_fault)
    keeper.start()
    stack.callback(keeper.close)
    return DecisionParts(keeper, FileBook(files, lambda: keeper.problem or "there is no file yet"))


def newest_decision(book: DecisionBook) -> str:
    """The id of the newest decision that is kept; nothing where there is none."""
    with suppress(DecisionsUnavailableError):
        for record in book.recent(DecisionQuery(limit=1)):
            return record.decision_id
    return ""
