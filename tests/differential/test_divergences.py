"""Each row of `docs/divergences.md` on its smallest example: it differs, and just as the row says."""

import re
from pathlib import Path

import pytest

from tests.differential import revet
from tests.differential.comparison import disagreement, expected
from tests.differential.divergences import DIVERGENCES, Divergence, Peer
from tests.differential.draft import build
from tests.differential.examples import ELSEWHERE, EXAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "divergences.md"
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)

CASES = [pytest.param(one, peer, id=f"{one.identifier}-{peer.value}") for one in DIVERGENCES for peer in one.peers]


def page_rows() -> dict[str, set[str]]:
    """The rows of the page: who differs, by identifier."""
    return {name: set(map(str.strip, who.split(","))) for name, who in _ROW.findall(PAGE.read_text(encoding="utf-8"))}


def test_the_page_and_the_tests_know_the_same_divergences() -> None:
    """A row without a test is a claim, and a test without a row a secret."""
    known = {one.identifier: {peer.value for peer in one.peers} for one in DIVERGENCES}

    assert known == page_rows()


def test_every_divergence_has_one_example() -> None:
    """Examples and divergences are the same, and no divergence is there twice."""
    assert list(EXAMPLES) == [one.identifier for one in DIVERGENCES]


@pytest.mark.parametrize(("divergence", "peer"), CASES)
def test_somebody_differs_as_the_row_says(divergence: Divergence, peer: Peer) -> None:
    """On the example somebody decides otherwise than Revet, in the way that is predicted."""
    draft = EXAMPLES[divergence.identifier]
    scenario = build(draft)
    revets, theirs = revet.judge(scenario), peer.judge(scenario)

    assert divergence.applies(draft)
    assert revets.allowed != theirs.allowed, f"{peer.value} agrees: {revets} {theirs}"
    if divergence.erratic is None:
        assert disagreement(draft, peer, expected(peer, draft, revets), theirs) is None


def test_openssl_has_not_read_the_identifier_of_a_signer_beside_the_path() -> None:
    """The CRL that has another one is used, and `CRL-key-identifier` does not say otherwise."""
    draft = ELSEWHERE["CRL-key-identifier"]
    scenario = build(draft)
    revets, theirs = revet.judge(scenario), Peer.OPENSSL.judge(scenario)

    assert (True, True) == (revets.allowed, theirs.allowed)
    assert not _row("CRL-key-identifier").applies(draft)
    assert disagreement(draft, Peer.OPENSSL, expected(Peer.OPENSSL, draft, revets), theirs) is None


@pytest.mark.parametrize(
    ("name", "allowed"), [("delta-of-another-scope", False), ("delta-of-another-key-identifier", True)]
)
def test_pyhanko_takes_no_delta_that_does_not_look_like_the_crl(name: str, allowed: bool) -> None:
    """It refuses where the scope or the key identifier differ, whatever Revet thinks of that CRL by itself."""
    draft = ELSEWHERE[name]
    scenario = build(draft)
    revets, theirs = revet.judge(scenario), Peer.PYHANKO.judge(scenario)

    assert (allowed, False) == (revets.allowed, theirs.allowed)
    assert _row("delta-that-fits-none").applies(draft)
    assert disagreement(draft, Peer.PYHANKO, expected(Peer.PYHANKO, draft, revets), theirs) is None


def _row(identifier: str) -> Divergence:
    return next(one for one in DIVERGENCES if one.identifier == identifier)
