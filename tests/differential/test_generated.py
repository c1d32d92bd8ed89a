"""Random hierarchies before everybody: who does not say what he must fails the test, Revet first of all."""

import logging
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.differential import revet
from tests.differential.comparison import asks, disagreement, expected
from tests.differential.divergences import Peer
from tests.differential.draft import Draft, Method, build
from tests.differential.generating import drafts

QUICK = settings(
    max_examples=200, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
EXAMPLES = "DIFFERENTIAL_EXAMPLES"
"""Where it is set: so many cases of each kind, other ones on every run. Otherwise the same ones each time."""

LONG = settings(
    QUICK,
    max_examples=int(os.environ.get(EXAMPLES, "500")),
    derandomize=EXAMPLES not in os.environ,
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    """pyhanko-certvalidator logs a traceback for much of what it refuses."""
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


def check(draft: Draft) -> None:
    """Ask everybody about a draft."""
    scenario = build(draft)
    revets = revet.judge(scenario)
    wrong = [
        disagreement(draft, peer, expected(peer, draft, revets), peer.judge(scenario))
        for peer in Peer
        if asks(peer, draft)
    ]
    assert not any(wrong), "\n\n".join(filter(None, wrong)) + f"\n\nRevet: {revets}"


@pytest.mark.timeout(300)
@QUICK
@given(drafts(Method.NONE))
def test_paths(draft: Draft) -> None:
    """Path validation, policies and name constraints."""
    check(draft)


@pytest.mark.timeout(300)
@QUICK
@given(drafts(Method.CRL))
def test_crls(draft: Draft) -> None:
    """CRLs of every form."""
    check(draft)


@pytest.mark.timeout(300)
@QUICK
@given(drafts(Method.OCSP))
def test_ocsp_answers(draft: Draft) -> None:
    """OCSP answers, of authorities and of delegates."""
    check(draft)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", list(Method), ids=lambda method: method.name.lower())
def test_more(method: Method) -> None:
    """The same with more of them."""
    LONG(given(drafts(method))(check))()
