"""Every failure, every problem and every reason not to check has its sentence."""

import re
from dataclasses import fields, replace
from typing import Any, Final, get_args

import pytest

from service.application.wording import (
    MAX_ATTEMPTS,
    MAX_REASON_LENGTH,
    MAX_SOURCE_LENGTH,
    MAX_SUBJECT_LENGTH,
    describe,
    describe_attempt,
    describe_attempts,
    describe_failure,
    describe_revocation,
)
from service.core.model.attempt import Attempt, Problem
from service.core.model.block import Block, FingerprintMatch
from service.core.model.certificate import Certificate
from service.core.model.failure import (
    Blocked,
    BudgetExhausted,
    Code,
    Expired,
    Failure,
    Malformed,
    NameNotAllowed,
    NameNotComparable,
    RevocationUnavailable,
    Revoked,
    SelfSignedLeaf,
    WeakSignature,
)
from service.core.model.policy import Exemption, KeyPurpose, WeakAlgorithm
from service.core.model.verdict import (
    Decision,
    Method,
    NotChecked,
    Note,
    PathElement,
    Revocation,
    RevocationStatus,
    Status,
    Verdict,
)
from tests.application.chain import SUB, leaf, read
from tests.pki import NOW, REVOKED_AT

LEAF: Final = leaf("CN=leaf,O=Example")
NAMELESS: Final = leaf("", serial=0x1F)
ATTEMPT: Final = Attempt("http://crl.example/", Problem.HTTP_STATUS, "404")

SOMETHING: Final[dict[str, Any]] = {
    "certificate": LEAF,
    "issuer": read(SUB),
    "constrainer": read(SUB),
    "name": "DNS:a.example",
    "limit": 17,
    "size": 1024,
    "path_length": 3,
    "algorithm": WeakAlgorithm.SHA1,
    "reason": "keyCompromise",
    "purpose": KeyPurpose.SERVER,
    "extension": "1.2.3.4",
    "fault": "an empty issuer name (RFC 5280 §4.1.2.4)",
    "attempts": (ATTEMPT,),
    "revoked_at": REVOKED_AT,
    "resource": "signatures",
    "block": Block("b1", FingerprintMatch(bytes(32)), "ticket 4711", REVOKED_AT, "me"),
}
"""A value for each field of a failure, by name: a field that is new is missing here, and a test fails."""

FAILURES: Final[tuple[type[Failure], ...]] = get_args(Failure)


def failure(kind: type[Failure], certificate: Certificate = LEAF) -> Failure:
    """A failure of a kind."""
    values = {**SOMETHING, "certificate": certificate}
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def a_sentence(text: str) -> bool:
    """Whether a text begins and ends like one sentence, and names no value of the program."""
    return re.fullmatch(r"[A-Z][^\n]*[^. ]\.", text) is not None and "None" not in text and "<" not in text


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_is_a_sentence(kind: type[Failure]) -> None:
    """It is made of what the failure carries."""
    text = describe_failure(failure(kind))
    assert a_sentence(text), text


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_tells_what_it_carries(kind: type[Failure]) -> None:
    """Whatever evidence there is stands in the sentence; a path that is too long has many certificates to blame."""
    text = describe_failure(failure(kind))
    shown = {
        "certificate": "CN=leaf,O=Example",
        "issuer": "CN=Sub",
        "constrainer": "CN=Sub",
        "algorithm": "sha1",
        "purpose": "server",
        "attempts": "404",
        "revoked_at": "2025-12-31T00:00:00Z",
        "block": "ticket 4711 (block b1)",
    }
    quiet = {("PathTooLong", "certificate"), ("WeakKey", "algorithm")}
    for field in fields(kind):
        if (kind.__name__, field.name) not in quiet:
            assert shown.get(field.name, str(SOMETHING[field.name])) in text


def test_no_two_failures_read_the_same() -> None:
    """Each says something of its own."""
    assert len(FAILURES) == len({describe_failure(failure(kind)) for kind in FAILURES})


@pytest.mark.parametrize("kind", [kind for kind in FAILURES if "certificate" in {one.name for one in fields(kind)}])
def test_a_certificate_without_a_name(kind: type[Failure]) -> None:
    """Its serial number stands for it, so that nobody looks for a certificate that is called nothing."""
    text = describe_failure(failure(kind, NAMELESS))
    assert a_sentence(text), text
    assert ("serial number 1f" in text) is (kind.__name__ != "PathTooLong")


@pytest.mark.parametrize(
    ("length", "shortened"), [(MAX_SUBJECT_LENGTH, False), (MAX_SUBJECT_LENGTH + 1, True), (20_000, True)]
)
def test_long_subjects_are_shortened(length: int, shortened: bool) -> None:
    """The sentence stays one that a person reads."""
    certificate = replace(LEAF, subject=replace(LEAF.subject, text=("CN=" + "x" * length)[:length]))
    (name,) = re.findall(r"^(\S+) is self-signed", describe_failure(SelfSignedLeaf(certificate)))
    assert (min(length, MAX_SUBJECT_LENGTH), shortened) == (len(name), name.endswith("…"))


@pytest.mark.parametrize("algorithm", list(WeakAlgorithm))
def test_every_weak_algorithm_is_named(algorithm: WeakAlgorithm) -> None:
    """As the option that would accept it."""
    assert algorithm.value in describe_failure(WeakSignature(LEAF, algorithm))


def test_revoked() -> None:
    """Since when and why, as far as it is known."""
    assert "CN=leaf,O=Example is revoked." == describe_failure(Revoked(LEAF, None, None))
    assert "CN=leaf,O=Example is revoked, reason superseded." == describe_failure(Revoked(LEAF, None, "superseded"))
    since = describe_failure(Revoked(LEAF, REVOKED_AT, "keyCompromise"))
    assert "CN=leaf,O=Example is revoked since 2025-12-31T00:00:00Z, reason keyCompromise." == since


def test_nothing_declared() -> None:
    """An answer was needed, and there was nobody to ask."""
    text = describe_failure(RevocationUnavailable(LEAF, ()))
    expected = "nothing is declared and nothing is held"
    assert f"No usable answer about the revocation of CN=leaf,O=Example: {expected}." == text


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_has_words(problem: Problem) -> None:
    """With the source before them, and the detail behind them where there is one."""
    bare = describe_attempt(Attempt("http://a/", problem))
    assert re.fullmatch(r"http://a/: [a-z][^.]*[a-z0-9]", bare.replace("nextUpdate", "x")) is not None, bare
    assert f"{bare} (more)" == describe_attempt(Attempt("http://a/", problem, "more"))


def test_no_two_problems_read_the_same() -> None:
    """Each says something of its own."""
    assert len(Problem) == len({describe_attempt(Attempt("", problem)) for problem in Problem})


@pytest.mark.parametrize(
    ("length", "shortened"), [(MAX_SOURCE_LENGTH, False), (MAX_SOURCE_LENGTH + 1, True), (500_000, True)]
)
def test_long_urls_are_shortened(length: int, shortened: bool) -> None:
    """A certificate may declare one of any length; the sentence stays one that a person reads."""
    url = "http://a/".ljust(length, "x")
    source = describe_attempt(Attempt(url, Problem.OFFLINE)).partition(": ")[0]
    assert (min(length, MAX_SOURCE_LENGTH), shortened) == (len(source), source.endswith("…"))


@pytest.mark.parametrize("kind", [NameNotAllowed, NameNotComparable])
@pytest.mark.parametrize(
    ("length", "shortened"), [(MAX_SOURCE_LENGTH, False), (MAX_SOURCE_LENGTH + 1, True), (500_000, True)]
)
def test_long_names_are_shortened(kind: type[NameNotAllowed | NameNotComparable], length: int, shortened: bool) -> None:
    """A certificate may have them of any length too."""
    sentence = describe_failure(kind(LEAF, read(SUB), "DNS:a".ljust(length, "x")))
    (name,) = re.findall(r"has the name (\S+), which", sentence)
    assert (min(length, MAX_SOURCE_LENGTH), shortened) == (len(name), name.endswith("…"))


def test_several_attempts() -> None:
    """Each is spelt out up to a number, and the rest is counted."""
    attempts = tuple(Attempt(f"http://{number}/", Problem.UNREACHABLE) for number in range(MAX_ATTEMPTS + 2))
    some = "; ".join(f"http://{number}/: unreachable" for number in range(MAX_ATTEMPTS))
    assert some == describe_attempts(attempts[:MAX_ATTEMPTS])
    assert f"{some}; and 2 more" == describe_attempts(attempts)


@pytest.mark.parametrize("reason", list(NotChecked))
def test_every_reason_not_to_check(reason: NotChecked) -> None:
    """It has a sentence, whatever was tried."""
    revocation = Revocation(RevocationStatus.NOT_CHECKED, not_checked=reason, attempts=(ATTEMPT,))
    text = describe_revocation(revocation)
    assert a_sentence(text), text
    assert text.startswith("Not checked: ")


def test_no_two_reasons_not_to_check_read_the_same() -> None:
    """Each says something of its own."""
    texts = {describe_revocation(Revocation(RevocationStatus.NOT_CHECKED, not_checked=one)) for one in NotChecked}
    assert len(NotChecked) == len(texts)


def test_revocation_of_which_nothing_is_known() -> None:
    """What was tried is told, or that nothing was."""
    assert "No usable answer: http://crl.example/: answered with an HTTP error (404)." == describe_revocation(
        Revocation(RevocationStatus.UNKNOWN, attempts=(ATTEMPT,))
    )
    nothing = describe_revocation(Revocation(RevocationStatus.UNKNOWN))
    assert "No usable answer: nothing is declared and nothing is held." == nothing


@pytest.mark.parametrize("status", [RevocationStatus.GOOD, RevocationStatus.REVOKED])
def test_revocation_that_is_known(status: RevocationStatus) -> None:
    """There is nothing to add but what was not used."""
    assert "" == describe_revocation(Revocation(status))
    text = describe_revocation(Revocation(status, attempts=(ATTEMPT,)))
    assert "Not used: http://crl.example/: answered with an HTTP error (404)." == text


def test_a_block() -> None:
    """Its reason, as it was given; in the sentence of a verdict no longer than others."""
    block = Block("b1", FingerprintMatch(bytes(32)), "stolen, ticket 4711", REVOKED_AT, "me")
    assert block.reason == describe_revocation(Revocation(RevocationStatus.REVOKED, Method.BLOCK, "b1", block=block))
    sentence = "CN=leaf,O=Example is blocked here: stolen, ticket 4711 (block b1)."
    assert sentence == describe_failure(Blocked(LEAF, block))
    assert len(describe_failure(Blocked(LEAF, replace(block, reason="x" * 500)))) < 300


def verdict(status: Status, why: Failure | None) -> Verdict:
    """A verdict about the leaf."""
    element = PathElement(LEAF, Revocation(RevocationStatus.GOOD))
    decision = Decision.ALLOW if why is None else Decision.DENY
    code = Code.OK if why is None else why.code
    return Verdict(decision, status, code, why, LEAF, (element,), read(SUB), frozenset(), NOW)


def test_a_verdict_that_denies() -> None:
    """Its failure says why."""
    for why in (Expired(LEAF), Malformed("truncated DER"), BudgetExhausted("paths", 32)):
        assert describe_failure(why) == describe(verdict(Status.INVALID, why))


def test_a_verdict_that_allows() -> None:
    """Whether everything was answered makes two sentences."""
    good, unknown = (describe(verdict(status, None)) for status in (Status.GOOD, Status.UNKNOWN))
    assert (True, True) == (a_sentence(good), a_sentence(unknown))
    assert "The certificate chains to a trust anchor and nothing in its path is revoked." == good
    assert "not everything in its path has an answer" in unknown


def test_the_fields_of_failures_are_all_known() -> None:
    """What these tests fill in is what there is."""
    assert {field.name for kind in FAILURES for field in fields(kind)} == set(SOMETHING)


def test_grace_is_told_with_its_end() -> None:
    """Whoever reads the answer sees that the evidence is old, and when it stops serving."""
    found = Revocation(RevocationStatus.GOOD, Method.CRL, usable_until=NOW, notes=(Note.NO_CRL_NUMBER, Note.IN_GRACE))
    expected = "Noted: the CRL has no CRL number (RFC 5280 §5.2.3). Noted: served in grace until 2026-01-01T00:00:00Z."
    assert expected == describe_revocation(found)
    assert "Noted: served in grace." == describe_revocation(replace(found, notes=(Note.IN_GRACE,), usable_until=None))


def test_an_exemption_is_told_with_its_end_and_its_reason() -> None:
    """After what was tried; a reason without end is shortened."""
    found = Revocation(RevocationStatus.UNKNOWN, attempts=(ATTEMPT,), exemption=Exemption(1, NOW, "an old gateway"))
    assert describe_revocation(found).endswith(
        "(404). Exempt from needing one until 2026-01-01T00:00:00Z: an old gateway."
    )
    long = replace(found, exemption=Exemption(1, NOW, "x" * 500))
    assert describe_revocation(long).endswith(f": {'x' * (MAX_REASON_LENGTH - 1)}….")
