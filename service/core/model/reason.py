"""Revocation reasons."""

from enum import IntEnum, IntFlag


class Reason(IntEnum):
    """CRLReason (RFC 5280 §5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @property
    def text(self) -> str:
        """The name as RFC 5280 writes it: `keyCompromise`."""
        first, *rest = self.name.split("_")
        return _spelling.get(first, first.lower()) + "".join(_spelling.get(word, word.capitalize()) for word in rest)


_spelling = {"CA": "cA", "AA": "aA", "CRL": "CRL"}


class Reasons(IntFlag):
    """ReasonFlags (RFC 5280 §4.2.1.13); bit n of the BIT STRING is 1 << n. Bit 0 is unused by the standard."""

    UNUSED = 1 << 0
    KEY_COMPROMISE = 1 << 1
    CA_COMPROMISE = 1 << 2
    AFFILIATION_CHANGED = 1 << 3
    SUPERSEDED = 1 << 4
    CESSATION_OF_OPERATION = 1 << 5
    CERTIFICATE_HOLD = 1 << 6
    PRIVILEGE_WITHDRAWN = 1 << 7
    AA_COMPROMISE = 1 << 8


ALL_REASONS = Reasons(0x1FE)
"""Every reason: what a CRL without onlySomeReasons covers."""
