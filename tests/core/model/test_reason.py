"""Revocation reasons, as RFC 5280 §5.3.1 and §4.2.1.13 write them."""

import pytest
from cryptography import x509

from service.core.model.reason import ALL_REASONS, Reason, Reasons


@pytest.mark.parametrize("reason", list(Reason))
def test_text(reason: Reason) -> None:
    """A reason is called what RFC 5280 calls it; `cryptography` agrees."""
    assert x509.ReasonFlags(reason.text).name == reason.name.lower()


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason.UNSPECIFIED, "unspecified"),
        (Reason.KEY_COMPROMISE, "keyCompromise"),
        (Reason.CA_COMPROMISE, "cACompromise"),
        (Reason.CESSATION_OF_OPERATION, "cessationOfOperation"),
        (Reason.REMOVE_FROM_CRL, "removeFromCRL"),
        (Reason.AA_COMPROMISE, "aACompromise"),
    ],
)
def test_spelling(reason: Reason, text: str) -> None:
    """Abbreviations keep their capitals but for a first letter."""
    assert text == reason.text


def test_numbers() -> None:
    """An entry's code is a number, and 7 was never given out; a flag is the bit of the same name's position."""
    assert [0, 1, 2, 3, 4, 5, 6, 8, 9, 10] == [reason.value for reason in Reason]
    assert [1 << bit for bit in range(9)] == [flag.value for flag in Reasons]


def test_all_reasons() -> None:
    """Every flag with a name but the unused one, and no bit without a name."""
    named = {flag for flag in Reasons if flag is not Reasons.UNUSED}
    assert named == set(ALL_REASONS)
    assert Reasons.UNUSED not in ALL_REASONS
    assert 8 == len(named)


def test_every_flag_is_a_reason() -> None:
    """A reason that a CRL may cover is one that an entry may give; two more can only be given."""
    flags = {flag.name for flag in ALL_REASONS}
    assert flags == {reason.name for reason in Reason} - {"UNSPECIFIED", "REMOVE_FROM_CRL"}
