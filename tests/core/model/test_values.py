"""The vocabulary: values that nobody changes, and codes that mean one thing."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import timedelta
from typing import Final, get_args

import pytest

from service.core import model
from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import KeyUsage
from service.core.model.crl import CrlFinding
from service.core.model.evidence import CrlWanted, Evidence, GatheredCrls, GatheredOcsp, OcspWanted, Reach
from service.core.model.evidence_tier import Tier
from service.core.model.failure import (
    BudgetExhausted,
    Code,
    Failure,
    Malformed,
    PathFailure,
    RevocationUnavailable,
    Revoked,
)
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind, Name
from service.core.model.policy import (
    EvidenceOrder,
    KeyPurpose,
    Policy,
    PolicyInputs,
    RevocationMode,
    RevocationScope,
)
from tests.pki import Authority

MODULES: Final = [
    importlib.import_module(f"{model.__name__}.{module.name}") for module in pkgutil.iter_modules(model.__path__)
]
VALUES: Final[set[type]] = {
    value
    for module in MODULES
    for value in vars(module).values()
    if is_dataclass(value) and isinstance(value, type) and value.__module__ == module.__name__
}


@pytest.mark.parametrize("value", sorted(VALUES, key=repr), ids=lambda value: value.__name__)
def test_values_are_frozen(value: type) -> None:
    """Every value of the vocabulary is frozen and has no room for more than its fields."""
    empty: object = object.__new__(value)
    assert is_dataclass(empty)
    assert not hasattr(empty, "__dict__")
    for name in (*(field.name for field in fields(empty)), "other"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(empty, name, None)


def test_vocabulary_is_found() -> None:
    """The test above sees the values."""
    assert {Name, Policy, CrlFinding, Malformed} < VALUES


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", get_args(Failure), ids=lambda failure: failure.__name__)
def test_failures_have_a_code(failure: type[Failure]) -> None:
    """Each failure has a code of the interface that denies."""
    assert failure.code in set(Code) - {Code.OK}


def test_failures_of_paths_are_ranked_below_what_follows_a_path() -> None:
    """The most specific failure is reported: a path that was built and failed tells less than a valid one revoked."""
    after: tuple[type[Failure], ...] = (RevocationUnavailable, Revoked, BudgetExhausted, Malformed)
    ranks: list[int] = [max(failure.rank for failure in get_args(PathFailure))]
    ranks += [failure.rank for failure in after]
    assert sorted(set(ranks)) == ranks


def test_revocation_outranks_the_lack_of_an_answer() -> None:
    """A certificate that is revoked is that, although nothing is known of another one."""
    assert Revoked.rank > RevocationUnavailable.rank


# --- evidence --------------------------------------------------------------------------------------------------------

CA: Final = Authority.root("CA")
LEAF: Final = read_certificate(CA.issue("leaf").der)
ISSUER: Final = read_certificate(CA.der)
CRL: Final = CrlWanted(LEAF, ISSUER, Reach.HELD)
OCSP: Final = OcspWanted(LEAF, ISSUER, Reach.HELD)


def test_evidence_grows() -> None:
    """Evidence is added to, the latest word on a question counts, and what was there before is not changed."""
    meta = read_crl(CA.crl()).meta
    finding = CrlFinding(meta, None, None, "evidence", Tier.EVIDENCE)
    failed = GatheredOcsp(attempts=(Attempt("http://a/", Problem.TIMED_OUT),))
    nothing = Evidence()
    first = nothing.adding({CRL: GatheredCrls()}, {OCSP: failed})
    second = first.adding({CRL: GatheredCrls((finding,))}, {})
    assert ({}, {}) == (dict(nothing.crls), dict(nothing.ocsp))
    assert ({CRL: GatheredCrls()}, {OCSP: failed}) == (first.crls, first.ocsp)
    assert ({CRL: GatheredCrls((finding,))}, {OCSP: failed}) == (second.crls, second.ocsp)


def test_nothing_gathered_names_no_issuer() -> None:
    """A CRL is held for an issuer only where somebody says so: hard-fail asks for more then."""
    assert not GatheredCrls().names_issuer


def test_questions_are_apart() -> None:
    """How far to go is part of the question, and a question about OCSP is none about CRLs."""
    origin = CrlWanted(LEAF, ISSUER, Reach.ORIGIN)
    assert 3 == len({CRL, OCSP, origin, CrlWanted(LEAF, ISSUER, Reach.HELD)})


# --- policy ----------------------------------------------------------------------------------------------------------


def test_defaults_of_the_policy() -> None:
    """Who asks for nothing gets what the interface promises, and fails closed."""
    policy = Policy()
    assert RevocationMode.HARD_FAIL is policy.revocation_mode
    assert RevocationScope.CHAIN is policy.revocation_scope
    assert EvidenceOrder.CRL_FIRST is policy.evidence_order
    assert KeyPurpose.CLIENT is policy.key_purpose
    assert frozenset() == policy.weak_algorithms
    assert PolicyInputs(frozenset({"2.5.29.32.0"})) == policy.policies
    assert (None, None) == (policy.max_evidence_age, policy.max_path_length)
    minute, nothing = timedelta(seconds=60), timedelta(0)
    assert (minute, nothing, minute) == (policy.clock_skew, policy.grace, policy.max_verdict_ttl)


# --- names, keys, errors ---------------------------------------------------------------------------------------------


def test_empty_name() -> None:
    """A name is empty when there is nothing in it, whatever its text."""
    assert Name(b"\x30\x00", "").is_empty
    assert not Name(b"\x30\x0d", "").is_empty


def test_names_are_compared_by_their_octets() -> None:
    """The text of a name is for people."""
    assert Name(b"\x30\x00", "one") == Name(b"\x30\x00", "other")


def test_general_names_are_numbered_by_their_tags() -> None:
    """The forms of a general name are those of RFC 5280 §4.2.1.6, from otherName to registeredID."""
    assert list(range(9)) == [kind.value for kind in GeneralNameKind]
    assert ("OTHER_NAME", "URI", "REGISTERED_ID") == tuple(GeneralNameKind(tag).name for tag in (0, 6, 8))


def test_usages_are_apart() -> None:
    """Each bit of a key usage stands alone."""
    assert [1, 2, 4, 8, 16, 32, 64] == sorted(KeyUsage)
    assert KeyUsage(16 | 32 | 64) == KeyUsage.KEY_ESTABLISHMENT


def test_malformed_is_a_value_error() -> None:
    """A reader's error is caught as what it is, and keeps its reason."""
    error = MalformedError("no DER")
    assert isinstance(error, ValueError)
    assert "no DER" == error.reason == str(error)
