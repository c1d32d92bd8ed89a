"""The extensions about certificate policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from service.core.der.certificate import read_certificate
from service.core.der.policy_extensions import (
    MANY_CERTIFICATES,
    read_inhibit_any_policy,
    read_policies,
    read_policy_constraints,
    read_policy_mappings,
)
from service.core.model.certificate import ANY_POLICY, PolicyConstraints, PolicyMapping
from service.core.model.malformed import MalformedError
from tests.pki import Authority, Extension, der

P, Q = "1.2.3", "1.2.4"
P_OID, Q_OID = der.oid(P), der.oid(Q)

ROOT: Final = Authority.root("Root")


def policies(value: bytes) -> frozenset[str]:
    """What certificatePolicies of this value say."""
    return read_policies(value, 0, len(value))


def mappings(value: bytes) -> tuple[PolicyMapping, ...]:
    """What policyMappings of this value say."""
    return read_policy_mappings(value, 0, len(value))


def constraints(*fields: bytes) -> PolicyConstraints:
    """What policyConstraints with these fields say."""
    value = der.seq(*fields)
    return read_policy_constraints(value, 0, len(value))


def inhibit_any_policy(value: bytes) -> int:
    """What inhibitAnyPolicy of this value says."""
    return read_inhibit_any_policy(value, 0, len(value))


def count(number: int, skipped: int) -> bytes:
    """A field of policyConstraints."""
    return der.implicit(number, der.integer(skipped))


# --- certificatePolicies ---------------------------------------------------------------------------------------------


def test_policies() -> None:
    """A set, anyPolicy like any other."""
    assert frozenset({P}) == policies(der.seq(der.seq(P_OID)))
    assert frozenset({ANY_POLICY, P}) == policies(der.seq(der.seq(P_OID), der.seq(der.oid(ANY_POLICY))))


@pytest.mark.parametrize("qualifiers", [der.seq(), der.seq(der.null()), der.seq(der.seq(P_OID, der.ia5_string("?")))])
def test_qualifiers_are_not_looked_into(qualifiers: bytes) -> None:
    """They are for people; that they are a SEQUENCE and end with the policy is asked."""
    assert frozenset({P, Q}) == policies(der.seq(der.seq(P_OID, qualifiers), der.seq(Q_OID)))
    for more in (der.null(), qualifiers + der.null(), qualifiers + qualifiers, b"\x30"):
        with pytest.raises(MalformedError):
            policies(der.seq(der.seq(P_OID, more)))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.seq(), "empty"),
        (der.seq(der.seq(P_OID), der.seq(Q_OID), der.seq(P_OID)), "twice"),
        (der.seq(P_OID), "other than a policy"),
        (der.seq(der.seq()), "truncated"),
        (der.seq(der.seq(der.null())), "DER tag"),
        (der.seq(der.seq(der.tlv(6, b""))), "OBJECT IDENTIFIER"),
        (der.seq(der.seq(P_OID)) + b"\x00", "octets after"),
        (der.set_of(der.seq(P_OID)), "DER tag"),
    ],
)
def test_policies_refused(value: bytes, reason: str) -> None:
    """None at all, one twice, or something that is none."""
    with pytest.raises(MalformedError, match=reason):
        policies(value)


# --- policyMappings --------------------------------------------------------------------------------------------------


def test_policy_mappings() -> None:
    """Pairs in their order; a repeated one, one to itself, and anyPolicy are for path validation to judge."""
    pair, back = der.seq(P_OID, Q_OID), der.seq(Q_OID, der.oid(ANY_POLICY))
    assert (PolicyMapping(P, Q),) == mappings(der.seq(pair))
    assert (PolicyMapping(P, Q), PolicyMapping(Q, ANY_POLICY), PolicyMapping(P, Q)) == mappings(
        der.seq(pair, back, pair)
    )
    assert (PolicyMapping(P, P),) == mappings(der.seq(der.seq(P_OID, P_OID)))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.seq(), "empty"),
        (der.seq(P_OID, Q_OID), "other than pairs"),
        (der.seq(der.seq()), "other than pairs"),
        (der.seq(der.seq(P_OID)), "other than pairs"),
        (der.seq(der.seq(P_OID, Q_OID, P_OID)), "other than pairs"),
        (der.seq(der.seq(P_OID, der.null())), "other than pairs"),
        (der.seq(der.seq(P_OID, Q_OID)) + b"\x00", "octets after"),
    ],
)
def test_policy_mappings_refused(value: bytes, reason: str) -> None:
    """None at all, or something that is no pair of policies."""
    with pytest.raises(MalformedError, match=reason):
        mappings(value)


# --- policyConstraints, inhibitAnyPolicy -----------------------------------------------------------------------------


def test_policy_constraints() -> None:
    """Either field or both."""
    assert PolicyConstraints(0, None) == constraints(count(0, 0))
    assert PolicyConstraints(None, 5) == constraints(count(1, 5))
    assert PolicyConstraints(1, 300) == constraints(count(0, 1), count(1, 300))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((), "empty"),
        ((count(1, 0), count(0, 0)), "out of order"),
        ((count(0, 0), count(0, 0)), "repeated"),
        ((count(2, 0),), "unknown field"),
        ((count(0, 0), count(2, 0)), "unknown field"),
        ((der.explicit(0, der.integer(0)),), "unknown field"),
        ((der.integer(0),), "unknown field"),
        ((count(0, -1),), "negative"),
        ((count(1, -300),), "negative"),
        ((der.tlv(0x80, b""),), "empty INTEGER"),
        ((der.tlv(0x80, b"\x00\x01"),), "not minimal"),
    ],
)
def test_policy_constraints_refused(fields: tuple[bytes, ...], reason: str) -> None:
    """Neither field, which the RFC leaves open, or something else than these two numbers."""
    with pytest.raises(MalformedError, match=reason):
        constraints(*fields)


@pytest.mark.parametrize("skipped", [0, 1, 127, 128, 65_536, 2**24, 2**31 - 1])
def test_inhibit_any_policy(skipped: int) -> None:
    """A number of certificates."""
    assert skipped == inhibit_any_policy(der.integer(skipped))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (der.integer(-1), "negative"),
        (der.integer(-(10**30)), "negative"),
        (der.tlv(2, b""), "empty INTEGER"),
        (der.tlv(2, b"\x00\x00"), "not minimal"),
        (der.null(), "DER tag"),
        (der.integer(0) + b"\x00", "octets after"),
    ],
)
def test_inhibit_any_policy_refused(value: bytes, reason: str) -> None:
    """A number below zero, or none."""
    with pytest.raises(MalformedError, match=reason):
        inhibit_any_policy(value)


@pytest.mark.parametrize("bits", [31, 100, 100_000])
def test_a_number_beyond_every_path(bits: int) -> None:
    """It is read as one that is as good and takes no room; Python would not even write the longest in decimal."""
    skipped = 1 << bits
    assert 2**31 - 1 == MANY_CERTIFICATES
    assert MANY_CERTIFICATES == inhibit_any_policy(der.integer(skipped))
    assert PolicyConstraints(MANY_CERTIFICATES, 0) == constraints(count(0, skipped), count(1, 0))


# --- any octets ------------------------------------------------------------------------------------------------------

WHOLE: Final = (
    der.seq(der.seq(P_OID, der.seq(der.seq(Q_OID))), der.seq(Q_OID)),
    der.seq(der.seq(P_OID, Q_OID), der.seq(Q_OID, P_OID)),
    der.seq(count(0, 300), count(1, 0)),
    der.integer(300),
)


@pytest.mark.parametrize(
    "read", [read_policies, read_policy_mappings, read_policy_constraints, read_inhibit_any_policy]
)
@given(st.sampled_from(WHOLE), st.integers(0, 40), st.binary(max_size=4), st.integers(0, 4))
def test_octets_are_read_or_malformed(
    read: Callable[[bytes, int, int], object], whole: bytes, at: int, more: bytes, skipped: int
) -> None:
    """Whatever is put into a value in place of something else, nothing but the reader's own error comes of it."""
    value = whole[:at] + more + whole[at + skipped :]
    with suppress(MalformedError):
        read(value, 0, len(value))


# --- in certificates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("critical", [False, True])
def test_in_a_certificate(critical: bool) -> None:
    """All four arrive, whether or not they are critical, as another reader has written them."""
    written = (
        Extension.of(x509.PolicyConstraints(require_explicit_policy=3, inhibit_policy_mapping=0), critical=critical),
        Extension.of(x509.InhibitAnyPolicy(2), critical=critical),
        Extension("2.5.29.33", der.seq(der.seq(P_OID, Q_OID)), critical),
    )
    sub = ROOT.subordinate("Sub", policies=(P, ANY_POLICY), extensions=written, criticality={"2.5.29.32": critical})
    found = read_certificate(sub.der).extensions
    assert frozenset({P, ANY_POLICY}) == found.policies
    assert (PolicyMapping(P, Q),) == found.policy_mappings
    assert (PolicyConstraints(3, 0), 2) == (found.policy_constraints, found.inhibit_any_policy)
    assert () == found.unknown_critical


def test_absent() -> None:
    """Nothing is asserted, which is not the same as asserting nothing."""
    found = read_certificate(ROOT.der).extensions
    absent = (found.policies, found.policy_mappings, found.policy_constraints, found.inhibit_any_policy)
    assert (None, (), None, None) == absent
