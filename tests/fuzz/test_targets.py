"""The targets of fuzzing let pass what is right, and only that: a target that cannot fail finds nothing."""

from collections.abc import Callable
from types import ModuleType
from typing import Final

import pytest

import fuzz.targets
import fuzz.verdict
from fuzz.agreement import agreement
from fuzz.seeds import SEEDS
from fuzz.signed import PIECES, signed
from fuzz.targets import HEADERS, TARGETS, run
from fuzz.verdict import LEAF, SCENARIOS, Question, ask, verdict
from service.core.der.certificate import read_certificate
from service.core.model.failure import Code
from service.core.model.malformed import MalformedError
from service.core.model.verdict import Decision, Verdict
from tests.core.der import readers

GOOD_LEAF: Final = bytes((list(SCENARIOS).index("leaf"),)) + LEAF.der


def run_all(target: str) -> None:
    """Give a target all its seeds."""
    for octets in SEEDS[target]().values():
        run(TARGETS[target], octets)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_pass(target: str) -> None:
    """Fuzzing starts from what breaks nothing."""
    run_all(target)


def test_every_target_has_seeds() -> None:
    """Without one, fuzzing does not get past the first length octet."""
    assert list(TARGETS) == list(SEEDS)
    assert all(make() for make in SEEDS.values())


def test_every_header_has_a_seed() -> None:
    """The first octet of some seed chooses each of them."""
    assert set(range(len(HEADERS))) == {octets[0] for octets in SEEDS["header"]().values()}


def test_first_octets_that_name_nothing_are_ignored() -> None:
    """Most octets choose no header and no scenario."""
    for target in (TARGETS["header"], verdict, signed):
        target(b"")
        target(b"\xff")


@pytest.mark.parametrize("name", SCENARIOS)
def test_good_piece_is_judged_as_it_should_be(name: str) -> None:
    """Where nothing is replaced, the answer is yes, or no where it is revoked elsewhere: the rules are not idle."""
    scenario = SCENARIOS[name]

    decision = ask(scenario.ask(scenario.good)).decision

    assert (Decision.ALLOW if scenario.may_allow(scenario.good) else Decision.DENY) is decision


@pytest.mark.parametrize("name", PIECES)
def test_signed_piece_is_believed(name: str) -> None:
    """No verdict fails for its signature: what the CA has put there is what decides."""
    piece = PIECES[name]

    codes = {ask(piece.ask(octets)).code for octets in piece.good}

    assert codes.isdisjoint({Code.BAD_SIGNATURE, Code.UNTRUSTED, Code.MALFORMED})
    assert codes & {Code.OK, Code.REVOKED}


def test_changed_leaf_is_refused() -> None:
    """One octet of the signature is enough."""
    changed = bytearray(GOOD_LEAF)
    changed[-1] ^= 1

    assert Decision.DENY is ask(SCENARIOS["leaf"].ask(bytes(changed[1:]))).decision
    verdict(bytes(changed))


def test_allowing_what_nobody_signed_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that says yes whatever it is shown does not pass."""
    yes = ask(SCENARIOS["leaf"].ask(LEAF.der))

    def always(_: Question) -> Verdict:
        return yes

    monkeypatch.setattr(fuzz.verdict, "ask", always)
    verdict(GOOD_LEAF)
    with pytest.raises(AssertionError):
        verdict(GOOD_LEAF + b"\0")


@pytest.mark.parametrize(
    ("target", "module", "reader"),
    [
        ("certificate", readers, "read_certificate"),
        ("crl", readers, "read_crl"),
        ("ocsp", readers, "read_ocsp_response"),
        ("pem", fuzz.targets, "read_pem"),
        ("request", fuzz.targets, "read_json"),
        ("header", fuzz.targets, "read_moment"),
        ("header", fuzz.targets, "read_client_certificate"),
    ],
)
def test_any_other_exception_is_a_finding(
    target: str, module: ModuleType, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader may raise its own error and no other."""
    monkeypatch.setattr(module, reader, _raising(IndexError))

    with pytest.raises(IndexError):
        run_all(target)


@pytest.mark.parametrize(
    ("target", "used"), [("certificate", "canonical"), ("certificate", "general_name_key"), ("crl", "unpack")]
)
def test_what_was_read_is_not_refused_later(target: str, used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader's own error is one like any other where it comes too late."""
    monkeypatch.setattr(readers, used, _raising(MalformedError))

    with pytest.raises(AssertionError, match="refused when it is used"):
        run_all(target)


def test_disagreement_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we read and `cryptography` refuses is one, unless a row says why."""
    monkeypatch.setattr("cryptography.x509.load_der_x509_certificate", _raising(ValueError))
    with pytest.raises(ValueError, match="planted"):
        agreement(LEAF.der)


def test_nothing_is_remembered() -> None:
    """Each input is read as if it were the first."""
    first = read_certificate(LEAF.der)
    assert first is read_certificate(LEAF.der)

    run(lambda _: None, b"")

    assert first is not read_certificate(LEAF.der)


def _raising(kind: type[Exception]) -> Callable[[bytes], object]:
    def read(*_: object) -> object:
        raise kind("planted")

    return read
