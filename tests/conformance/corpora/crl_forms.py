"""CRLs as they come: versions, numbers, serial numbers, times, extensions (RFC 5280 §5), and what is none at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Final, get_args

from service.core.model.policy import Policy, Profile, WeakAlgorithm
from tests.conformance.case import REQUIRING, Case, Corpus
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    Row,
    by_crls,
    case,
    crls,
)
from tests.pki import NOW, CrlOverrides, Entry, Extension, algorithm_identifier, days, der, hours
from tests.pki.extensions import Reason

_SECOND: Final = timedelta(seconds=1)
_SKEW: Final = REQUIRING.clock_skew
_UNKNOWN: Final = Extension("1.3.6.1.4.1.99999.1", der.null())
_CRITICAL: Final = replace(_UNKNOWN, critical=True)


def crl_forms() -> Corpus:
    """Everything about a CRL but its signer and its scope."""
    made = (*_serials(), *_lookalikes(), *_entries(), *_header(), *_times(), *_settings(), *_unreadable())
    return Corpus("CRL forms", "a CRL is used for what it says, and not at all where it cannot be understood", made)


def _both(name: str, rule: str, how: CrlOverrides, *, is_used: bool = True) -> Iterator[Row]:
    """A CRL of this form that does not list the leaf, and one that does."""
    yield name, rule, SOUND if is_used else LEAF_UNANSWERED, [SUB.crl(**how)]
    listing: CrlOverrides = {**how, "revoked": [LEAF.serial]}
    yield f"{name}-lists", rule, LEAF_REVOKED if is_used else LEAF_UNANSWERED, [SUB.crl(**listing)]


def _serials() -> Iterator[Case]:
    serials = {
        "zero": 0,
        "one": 1,
        "minus-one": -1,
        "negative": -(2**64) + 5,
        "high-bit": 0x80,
        "20-octets": 2**159 - 1,
        "21-octets": 2**160 + 7,
        "64-octets": 2**511 - 2,
    }
    for name, serial in serials.items():
        leaf = SUB.issue("leaf", serial=serial)
        rows: tuple[Row, ...] = (
            (
                f"serial-{name}",
                "Users handle numbers of every kind",
                SOUND,
                [SUB.crl(revoked=[serial + 1, serial - 1])],
            ),
            (f"serial-{name}-lists", "Users handle numbers of every kind", LEAF_REVOKED, [SUB.crl(revoked=[serial])]),
        )
        yield from by_crls(leaf, "RFC 5280 §4.1.2.2", rows)


def _lookalikes() -> Iterator[Case]:
    for serial, listed in ((0x80, -0x80), (-1, 0xFF), (1, 0x101), (0x100, 1), (0, 0x100), (2**159, -(2**159))):
        leaf = SUB.issue("leaf", serial=serial)
        rule = "Numbers are compared with their sign and length"
        rows: tuple[Row, ...] = ((f"serial-{serial:#x}-is-not-{listed:#x}", rule, SOUND, [SUB.crl(revoked=[listed])]),)
        yield from by_crls(leaf, "RFC 5280 §4.1.2.2", rows)


def _entries() -> Iterator[Case]:
    own, others = LEAF.serial, [Entry(serial) for serial in range(1, 400)]
    rows: list[Row] = [
        ("unsorted", "Entries have no order", LEAF_REVOKED, [SUB.crl(revoked=[9, own, 3, 7, 1])]),
        ("unsorted-others", "Entries have no order", SOUND, [SUB.crl(revoked=[9, 3, 7, 1])]),
        ("first-of-many", "Every entry counts", LEAF_REVOKED, [SUB.crl(revoked=[Entry(own), *others])]),
        ("last-of-many", "Every entry counts", LEAF_REVOKED, [SUB.crl(revoked=[*others, Entry(own)])]),
        ("none-of-many", "Every entry counts", SOUND, [SUB.crl(revoked=others)]),
        ("twice", "An entry twice is one", LEAF_REVOKED, [SUB.crl(revoked=[own, 5, own])]),
        (
            "twice-and-removed",
            "removeFromCRL is for deltas",
            LEAF_REVOKED,
            [SUB.crl(revoked=[Entry(own, "certificateHold"), Entry(own, "removeFromCRL")])],
        ),
        (
            "dated-tomorrow",
            "What is listed is revoked, whatever date stands beside it",
            LEAF_REVOKED,
            [SUB.crl(revoked={own: (NOW + days(1), None)})],
        ),
        (
            "invalid-tomorrow",
            "invalidityDate changes nothing",
            LEAF_REVOKED,
            [SUB.crl(revoked=[Entry(own, invalidity_date=NOW + days(1))])],
        ),
        (
            "unknown-extension",
            "An unknown extension is ignored",
            LEAF_REVOKED,
            [SUB.crl(revoked=[Entry(own, extensions=[_UNKNOWN])])],
        ),
        (
            "unknown-extension-of-another",
            "An unknown extension is ignored",
            SOUND,
            [SUB.crl(revoked=[Entry(1, extensions=[_UNKNOWN])])],
        ),
        (
            "critical",
            "A critical extension of an entry that nobody knows spoils all of the CRL",
            LEAF_UNANSWERED,
            [SUB.crl(revoked=[Entry(own, extensions=[_CRITICAL])])],
        ),
        (
            "critical-of-another",
            "A critical extension of an entry that nobody knows spoils all of the CRL",
            LEAF_UNANSWERED,
            [SUB.crl(revoked=[Entry(1, extensions=[_CRITICAL])])],
        ),
        ("reason-7", "There is no reason 7 (§5.3.1)", LEAF_UNANSWERED, [SUB.crl(revoked=[Entry(own, 7)])]),
    ]
    reasons: tuple[Reason, ...] = get_args(Reason)
    rows += [
        (reason, "What is listed is revoked, for whatever reason", LEAF_REVOKED, [SUB.crl(revoked={own: reason})])
        for reason in reasons
        if reason != "removeFromCRL"
    ]
    named = ((f"entry-{name}", rule, expected, given) for name, rule, expected, given in rows)
    yield from by_crls(LEAF, "RFC 5280 §5.3", named)


def _header() -> Iterator[Case]:
    sha384 = algorithm_identifier(SUB.key, "sha384")
    rows = (
        *_both("v1", "Version 1 has no extensions, and says as much without (§5.1.2.1)", {"version": 1}),
        *_both("without-number", "A CRL without a number says as much (§5.2.3)", {"number": None}),
        *_both("number-0", "The first number may be 0 (§5.2.3)", {"number": 0}),
        *_both("number-of-20-octets", "Numbers have up to 20 octets (§5.2.3)", {"number": 2**159 - 1}),
        *_both("name-in-another-case", "Names differ by more than case (§7.1)", {"issuer_name": "SUB"}),
        *_both("name-with-spaces", "Names differ by more than spaces (§7.1)", {"issuer_name": "  Sub  "}),
        *_both("without-key-identifier", "A key identifier is a hint (§5.2.1)", {"authority_key_identifier": None}),
        *_both("unknown-extension", "An unknown extension is ignored (§5.2)", {"extensions": (_UNKNOWN,)}),
        *_both("critical", "An unknown critical extension is not (§5.2)", {"extensions": (_CRITICAL,)}, is_used=False),
        *_both("another-name", "Its issuer is another (§6.3.3 (b)(1))", {"issuer_name": "Sister"}, is_used=False),
        *_both(
            "two-algorithms-inside",
            "Both algorithms are the same (§5.1.1.2)",
            {"inner_algorithm": sha384},
            is_used=False,
        ),
        *_both(
            "two-algorithms-outside",
            "Both algorithms are the same (§5.1.1.2)",
            {"outer_algorithm": sha384},
            is_used=False,
        ),
    )
    yield from by_crls(LEAF, "RFC 5280", rows)


def _times() -> Iterator[Case]:
    rows = (
        *_both("begins-now", "thisUpdate is inclusive", {"this_update": NOW}),
        *_both("begins-within-skew", "Clocks differ by the skew", {"this_update": NOW + _SKEW}),
        *_both("begins-later", "thisUpdate lies ahead", {"this_update": NOW + _SKEW + _SECOND}, is_used=False),
        *_both("ends-now", "nextUpdate is inclusive", {"next_update": NOW}),
        *_both("ended-within-skew", "Clocks differ by the skew", {"next_update": NOW - _SKEW}),
        *_both("ended", "nextUpdate has passed", {"next_update": NOW - _SKEW - _SECOND}, is_used=False),
        *_both(
            "without-end",
            "Without nextUpdate nobody knows for how long it serves",
            {"next_update": None},
            is_used=False,
        ),
    )
    yield from by_crls(LEAF, "RFC 5280 §6.3.3 (a), §5.1.2.5", rows)
    late: Row = (
        "newer-stale",
        "An old list makes nobody forget a newer one",
        LEAF_UNANSWERED,
        [
            SUB.crl(number=1, this_update=NOW - hours(9)),
            SUB.crl(number=2, this_update=NOW - hours(2), next_update=NOW - hours(1)),
        ],
    )
    yield from by_crls(LEAF, "RFC 5280 §6.3.3 (a)", [late])


def _settings() -> Iterator[Case]:
    aged = replace(REQUIRING, max_evidence_age=timedelta(hours=1))
    strict = replace(REQUIRING, profile=Profile.STRICT)
    weak = replace(REQUIRING, weak_algorithms=frozenset({WeakAlgorithm.SHA1}))
    lenient = replace(REQUIRING, grace=timedelta(hours=2))
    ended = SUB.crl(next_update=NOW - hours(1))
    rows: tuple[tuple[str, str, Policy, bytes, bool], ...] = (
        ("strict-with-number", "The strict profile wants a number (§5.2.3)", strict, SUB.crl(), True),
        ("strict-without-number", "The strict profile wants a number (§5.2.3)", strict, SUB.crl(number=None), False),
        ("young", "A caller may say how old evidence may be", aged, SUB.crl(this_update=NOW - hours(1)), True),
        ("old", "A caller may say how old evidence may be", aged, SUB.crl(this_update=NOW - hours(2)), False),
        ("young-without-end", "Then nextUpdate may be absent (§5.1.2.5)", aged, SUB.crl(next_update=None), True),
        (
            "old-without-end",
            "Then nextUpdate may be absent (§5.1.2.5)",
            aged,
            SUB.crl(this_update=NOW - hours(2), next_update=None),
            False,
        ),
        ("sha1", "SHA-1 is refused", REQUIRING, SUB.crl(signature_hash="sha1"), False),
        ("sha1-accepted", "SHA-1 is refused unless a caller accepts it", weak, SUB.crl(signature_hash="sha1"), True),
        ("within-grace", "An operator may let evidence serve for longer", lenient, ended, True),
        (
            "beyond-grace",
            "An operator may let evidence serve for longer",
            lenient,
            SUB.crl(next_update=NOW - hours(3)),
            False,
        ),
    )
    for name, rule, policy, crl, is_used in rows:
        about_sub = crls(ROOT.crl(this_update=NOW))
        expected = SOUND if is_used else LEAF_UNANSWERED
        yield case(name, f"{rule} (RFC 5280 §6.3.3).", (LEAF, SUB), about_sub + crls(crl), expected, policy=policy)


def _unreadable() -> Iterator[Case]:
    crl = SUB.crl()
    broken = {
        "octets-after-it": crl + b"\x00",
        "cut-off": crl[:-1],
        "empty": b"\x30\x00",
        "not-der": b"<html>404</html>",
        "certificate": LEAF.der,
        "time-that-does-not-exist": SUB.crl(this_update=der.tlv(0x17, b"260231000000Z")),
        "time-with-an-offset": SUB.crl(this_update=der.tlv(0x17, b"2601010000+0100")),
        "time-without-seconds": SUB.crl(this_update=der.tlv(0x17, b"2512312300Z")),
        "time-with-a-fraction": SUB.crl(this_update=der.tlv(0x18, b"20251231230000.5Z")),
        "extension-twice": SUB.crl(extensions=[_UNKNOWN, _UNKNOWN]),
    }
    for (name, given), beside in product(broken.items(), (False, True)):
        rule = "What cannot be read is no CRL, and does not disturb one (RFC 5280 §5.1)."
        evidence = ABOUT_SUB + crls(given, crl) if beside else ABOUT_SUB + crls(given)
        expected = SOUND if beside else LEAF_UNANSWERED
        yield case(f"{name}{'-beside-good' if beside else ''}", rule, (LEAF, SUB), evidence, expected)
