"""Who is measured against whom: each does what it is said to do, and the table says what came of it."""

import json
from pathlib import Path

import httpx
import pytest

from bench import crls, large, verdicts
from bench.__main__ import CRLS, VERDICTS, Comparison, Race, document, lines
from bench.measuring import Time, Timing
from bench.origin import serving
from bench.pki import chain, crl, serials
from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.der.signature import SignatureResult, verify
from tests.caches import caches
from tests.pki import Authority


@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_everybody_allows_the_chain(kind: str) -> None:
    """Each contestant checks its own answer: nobody is measured saying no."""
    with verdicts.contestants(chain(kind, 10)) as everybody:
        names = [one.name for one in everybody]
        for one in everybody:
            one.before()
            one.call()

    assert {name for pair in VERDICTS for name in (pair.ours, pair.theirs)} <= set(names)


def test_revoked_chain_is_noticed() -> None:
    """Whoever asks about revocation finds it: the CRLs are really used."""
    good = chain("RSA", 10)
    revoked = chain("RSA", 10)
    object.__setattr__(revoked, "sub_crl", good.sub.crl(revoked=[good.leaf.serial]))

    with pytest.raises(AssertionError), verdicts.contestants(revoked):
        pass


def test_first_sight_has_seen_nothing() -> None:
    """Before each of its calls the caches are empty."""
    certificate = chain("RSA", 1).leaf.der
    with verdicts.contestants(chain("RSA", 1)) as everybody:
        first = read_certificate(certificate)
        next(one for one in everybody if one.name == verdicts.FIRST_SIGHT).before()

    assert first is not read_certificate(certificate)


def test_caches_are_found() -> None:
    """Those of certificates, names, keys and signatures are among them."""
    found = " ".join(caches())

    for part in ("der.certificate.", "der.signature.", "der.key.", "names.comparison."):
        assert part in found


def test_crls_are_taken_in_and_asked() -> None:
    """Again and again, into an empty store each time."""
    with crls.contestants(20) as everybody:
        for one in everybody * 2:
            one.before()
            one.call()

    assert {name for pair in CRLS for name in (pair.ours, pair.theirs)} == {one.name for one in everybody}


def test_crl_is_one() -> None:
    """What is written by hand is read, is signed, and lists what it should."""
    issuer = Authority.root("Root")

    document_read = read_crl(crl(issuer, 30, seed=4))

    key = read_certificate(issuer.der).public_key
    assert SignatureResult.VALID is verify(document_read.signature, key)
    assert (30, 1) == (document_read.meta.entries, document_read.meta.crl_number)
    assert serials(30, 4) == serials(30, 4) != serials(30, 5)


def race_of(seconds: float, wanted: float | None) -> Race:
    """Ours against one that takes a second."""
    timings = [Timing("ours", [seconds]), Timing("theirs", [1.0])]
    return Race("A race", Time.PASSING, timings, [Comparison("ours", "theirs", wanted)])


@pytest.mark.parametrize(
    ("seconds", "wanted", "told"),
    [
        (0.1, 10.0, "= 10 times as fast; 10 wanted: pass"),
        (0.2, 10.0, "= 5 times as fast; 10 wanted: FAIL"),
        (0.0005, None, "= 2,000 times as fast"),
    ],
)
def test_ratio_is_told(seconds: float, wanted: float | None, told: str) -> None:
    """With the target, where there is one."""
    assert list(lines(race_of(seconds, wanted)))[-1].endswith(told)


def test_times_are_in_readable_units() -> None:
    """Three digits, and the unit that makes them short."""
    rows = list(lines(race_of(0.000_25, None)))

    assert "250 us" in rows[2]
    assert "1 s" in rows[3]


def test_results_can_be_read_by_machines() -> None:
    """JSON, with the machine and every figure."""
    written = json.loads(json.dumps(document([race_of(0.5, 10.0)])))

    assert "python" in written["machine"]
    assert 0.5 == written["races"][0]["seconds"]["ours"]["median"]
    assert [{"ours": "ours", "theirs": "theirs", "ratio": 2.0, "wanted": 10.0}] == written["races"][0]["times_as_fast"]


def test_a_large_list_is_taken_in_by_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Made, served, taken in and asked; each step says what it found."""
    large.make(tmp_path, 50)
    with serving(tmp_path / large.LIST) as url:
        large.take_in(tmp_path, url)
    large.look_up(tmp_path)
    large.iterate(tmp_path)

    told = capsys.readouterr().out.splitlines()
    assert ["taking in", "looking up", "cryptography, all 50 entries"] == [line.split(":")[0] for line in told]


def test_the_origin_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """What it has is what it was given, and afterwards nobody listens there."""
    file = tmp_path / "list.crl"
    file.write_bytes(b"octets")
    with serving(file) as url:
        assert b"octets" == httpx.get(url).content

    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
