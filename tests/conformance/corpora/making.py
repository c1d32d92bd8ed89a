"""What generated cases are made of: one small hierarchy, and a short way to write a case about it.

Root issues Sub, and Sub issues the leaf. What a corpus does not spoil is right, and everything about Sub is good unless
a corpus says otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from service.core.model.policy import Policy
from service.core.model.verdict import RevocationStatus
from tests.conformance.case import GOOD, REQUIRING, REVOKED, UNAVAILABLE, Case, Evidence, Expected, Otherwise
from tests.pki import Authority, Issued

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

SOUND: Final = replace(GOOD, path=(RevocationStatus.GOOD, RevocationStatus.GOOD))
LEAF_REVOKED: Final = replace(REVOKED, path=(RevocationStatus.REVOKED, RevocationStatus.GOOD))
LEAF_UNANSWERED: Final = replace(UNAVAILABLE, path=(RevocationStatus.UNKNOWN, RevocationStatus.GOOD))
SUB_REVOKED: Final = replace(REVOKED, path=(RevocationStatus.GOOD, RevocationStatus.REVOKED))
SUB_UNANSWERED: Final = replace(UNAVAILABLE, path=(RevocationStatus.GOOD, RevocationStatus.UNKNOWN))

UNREACHED: Final = Otherwise(
    replace(SUB_REVOKED, path=(RevocationStatus.NOT_CHECKED, RevocationStatus.REVOKED)),
    "Sub is revoked by what is held: nobody waits for the leaf's CRL, whose issuer the host learns from the request.",
)
"""Sub is revoked, and the CRL about the leaf waits for Sub to be known."""

Row: TypeAlias = tuple[str, str, Expected, Sequence[bytes]]
"""A case about the leaf: its name, its rule without the paragraph, what is right, and the CRLs or answers."""


def case(
    name: str,
    rule: str,
    path: Sequence[Authority | Issued],
    evidence: Evidence,
    expected: Expected,
    *,
    trusted: Sequence[Authority] = (ROOT,),
    beside: Sequence[Authority] = (),
    policy: Policy = REQUIRING,
    responders: tuple[tuple[str, bytes], ...] = (),
    prefetched: Otherwise | None = None,
) -> Case:
    """A case about a path.

    Args:
        name: Its name.
        rule: What it proves.
        path: Leaf first and without its anchor.
        evidence: What comes with the request.
        expected: The right answer.
        trusted: The anchors.
        beside: Certificates that come with the request and belong to no path of the leaf.
        policy: What is asked.
        responders: What OCSP responders answer.
        prefetched: What is answered where the CRLs were brought in beforehand, if that is something else.
    """
    leaf, *between = path
    return Case(
        name=name,
        rule=rule,
        leaf=leaf.der,
        trusted=tuple(one.der for one in trusted),
        intermediates=tuple(one.der for one in (*between, *beside)),
        evidence=evidence,
        policy=policy,
        responders=responders,
        expected=expected,
        prefetched=prefetched,
    )


def crls(*given: bytes) -> Evidence:
    """CRLs alone."""
    return Evidence(crls=given)


def ocsp(*given: bytes) -> Evidence:
    """OCSP answers alone."""
    return Evidence(ocsp=given)


ABOUT_SUB: Final = crls(ROOT.crl())
"""Sub is not revoked."""


def by_crls(leaf: Issued, section: str, rows: Iterable[Row]) -> Iterator[Case]:
    """Cases about one leaf below Sub, of which CRLs tell."""
    for name, rule, expected, given in rows:
        evidence = ABOUT_SUB + crls(*given)
        yield case(name, f"{rule} ({section}).", (leaf, SUB), evidence, expected)
