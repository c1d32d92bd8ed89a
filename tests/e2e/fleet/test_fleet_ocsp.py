"""Of the whole fleet one asks the responder."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.fleet.ca import Rhythm
from tests.e2e.fleet.population import Declares, Size
from tests.e2e.fleet.scene import Cast, scene_with_redis
from tests.e2e.fleet.test_fleet_faults import assert_nothing_wrong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CAST: Final = Cast(size=Size(30, declares=(Declares.OCSP,)), rhythm=Rhythm(2.0, 6, 60), unseen=10)

AT_ONCE: Final = 100

LATE: Final = frozenset({'event="unavailable"', 'kind="ocsp"'})
"""Labels of the count of questions about which Redis did not answer in time."""


def test_a_hundred_requests_over_five_replicas(tmp_path: Path) -> None:
    """For a certificate that nobody has seen they make one OCSP request."""
    with scene_with_redis(tmp_path, CAST) as (scene, _):
        asked = scene.unseen
        codes = [asyncio.run(scene.ask_at_once(one, AT_ONCE)) for one in asked]
        assert [["ok"] * AT_ONCE] * len(asked) == codes
        requests = [one.what for one in scene.ca.log() if one.kind == "ocsp"]
        # A replica that does not hear of Redis within a command's time asks as well, and counts that it did.
        late = sum(
            count
            for one in scene.replicas
            for labels, count in one.counted("revet_fleet_events_total").items()
            if set(labels.split(",")) >= LATE
        )
        more = [requests.count(str(one.issued.serial)) - 1 for one in asked]
        assert min(more) == 0
        assert sum(more) <= late
        scene.judge()
        assert_nothing_wrong(scene)
