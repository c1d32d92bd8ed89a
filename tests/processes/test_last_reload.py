"""How reloads end is kept where workers can read it."""

from collections.abc import Iterator, Mapping

import pytest
from prometheus_client import CollectorRegistry

from service.adapters.kept_memory import KeptMemory
from service.adapters.reload_metrics import ReloadCollector
from service.processes.events import SupervisorEvent
from service.processes.last_reload import LastReload


@pytest.fixture
def kept() -> Iterator[KeptMemory]:
    """Where it is kept."""
    made = KeptMemory.make("test")
    yield made
    made.close()


def shown(kept: KeptMemory | None) -> float | None:
    """What a worker shows of it."""
    registry = CollectorRegistry()
    registry.register(ReloadCollector(kept))
    return registry.get_sample_value("revet_reload_problem")


def silent(_event: SupervisorEvent, _fields: Mapping[str, object]) -> None:
    """A log that nobody reads."""


def test_there_was_no_reload(kept: KeptMemory) -> None:
    """There is no problem; neither for a worker that no supervisor started."""
    assert (0, 0) == (shown(kept), shown(None))


@pytest.mark.parametrize("event", [SupervisorEvent.RELOAD_REFUSED, SupervisorEvent.RELOAD_FAILED])
def test_until_a_reload_succeeds(kept: KeptMemory, event: SupervisorEvent) -> None:
    """It is a problem as long as the settings that were read last are not in force, whatever happens meanwhile."""
    told = LastReload(kept, silent)
    seen = []
    for one in (event, SupervisorEvent.CHILD_DIED, SupervisorEvent.RELOADING, event, SupervisorEvent.RELOADED):
        told(one, {})
        seen.append(shown(kept))
    assert [1, 1, 1, 1, 0] == seen


def test_everything_is_passed_on(kept: KeptMemory) -> None:
    """With its fields."""
    passed: list[tuple[SupervisorEvent, Mapping[str, object]]] = []
    told = LastReload(kept, lambda event, fields: passed.append((event, fields)))
    told(SupervisorEvent.CHILD_STARTED, {"pid": 1})
    told(SupervisorEvent.RELOAD_REFUSED, {"problems": ["x"]})
    assert [
        (SupervisorEvent.CHILD_STARTED, {"pid": 1}),
        (SupervisorEvent.RELOAD_REFUSED, {"problems": ["x"]}),
    ] == passed


def test_who_has_read_of_it_finds_it(kept: KeptMemory) -> None:
    """It is noted before the log says so."""
    found = []
    LastReload(kept, lambda _event, _fields: found.append(shown(kept)))(SupervisorEvent.RELOAD_REFUSED, {})
    assert [1] == found


def test_a_log_that_cannot_be_written(kept: KeptMemory) -> None:
    """It is noted all the same: where the log says nothing, somebody has to."""

    def closed(_event: SupervisorEvent, _fields: Mapping[str, object]) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        LastReload(kept, closed)(SupervisorEvent.RELOAD_REFUSED, {})
    assert 1 == shown(kept)
