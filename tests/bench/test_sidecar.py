"""The sidecar's race: everybody lets the same clients in, and somebody who is not let in is not counted."""

import pytest

from bench import sidecar
from bench.__main__ import SIDECAR
from bench.serving import UnusableError


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of a second, and two of them."""
    monkeypatch.setattr(sidecar, "TURN_S", 1)
    monkeypatch.setattr(sidecar, "TURNS", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_everybody_is_measured() -> None:
    """Each lane has a figure of each turn but the first, in the order of the table."""
    with sidecar.lanes(20) as (found, service):
        assert [sidecar.PLAIN, sidecar.OURS, sidecar.KEPT, sidecar.THEIRS] == list(found)
        assert all(len(lane.seconds) == len(lane.nginx) == len(lane.revet) == 1 for lane in found.values())
        assert found[sidecar.OURS].revet[0] > found[sidecar.PLAIN].revet[0] == 0
        assert all(lane.resident > 0 for lane in found.values())
        assert 1 == len(service.children("worker"))
    assert {name for pair in SIDECAR for name in (pair.ours, pair.theirs)} == set(found)


@pytest.mark.slow
def test_refusals_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says no does less work."""
    monkeypatch.setattr(sidecar, "APPLICATION", sidecar.APPLICATION.replace("return 200", "return 403"))
    with pytest.raises(UnusableError, match="refused"), sidecar.lanes(20):
        pass
