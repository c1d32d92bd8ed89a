"""Delta CRLs (RFC 5280 §5.2.4, §6.3.3 (c), (i), (j), (k)): what changed since a complete CRL, and nothing by itself.

The complete CRL has number 10; the delta, an hour younger, has number 12 and builds on number 10, unless a case says
otherwise. A delta that does not fit takes nothing back. That it lists a certificate is not passed over, whatever it
fits: its issuer has signed that the certificate is revoked.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final, Unpack

from tests.conformance.case import Case, Corpus
from tests.conformance.corpora.making import (
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    SUB_REVOKED,
    UNREACHED,
    Row,
    by_crls,
    case,
    crls,
)
from tests.pki import NOW, Authority, CrlOverrides, Entry, Extension, IssuingDistributionPoint, days, der, hours, key
from tests.pki.extensions import Reason

NAMESAKE: Final = Authority.root("Sub", key=key("p256", 7))
URL: Final = "http://crl.example/sub.crl"
DELTA_URL: Final = "http://crl.example/sub-delta.crl"

_COMPLETE: Final[CrlOverrides] = {"number": 10, "this_update": NOW - hours(2)}
_DELTA: Final[CrlOverrides] = {"number": 12, "delta_base": 10, "this_update": NOW - hours(1)}
_REASONS: Final[tuple[Reason, Reason, Reason]] = ("certificateHold", "keyCompromise", "removeFromCRL")
_CRITICAL: Final = Extension("1.3.6.1.4.1.99999.1", der.null(), critical=True)


def deltas() -> Corpus:
    """What a delta says, and where it says nothing."""
    made = (*_together(), *_about_sub(), *_numbers(), *_alone(), *_spoilt(), *_scopes(), *_several(), *_declared())
    return Corpus("delta CRLs", "a delta that fits is one with its complete CRL; one that does not clears nobody", made)


def complete(says: Reason | None = None, serial: int = LEAF.serial, **how: Unpack[CrlOverrides]) -> bytes:
    """A complete CRL of Sub that says this of the leaf, or lists nobody."""
    return SUB.crl(**(_COMPLETE | {"revoked": {} if says is None else {serial: says}} | how))


def delta(says: Reason | None = None, serial: int = LEAF.serial, **how: Unpack[CrlOverrides]) -> bytes:
    """A delta of it that says this of the leaf, or of nobody."""
    return SUB.crl(**(_DELTA | {"revoked": {} if says is None else {serial: says}} | how))


def _together() -> Iterator[Case]:
    listed: tuple[Reason | None, ...] = (None, "keyCompromise", "certificateHold")
    changed: tuple[Reason | None, ...] = (None, "keyCompromise", "certificateHold", "removeFromCRL")
    for before, now in product(listed, changed):
        says = before if now is None else now
        yield case(
            f"{before or 'nothing'}-then-{now or 'nothing'}",
            f"The CRL says {before or 'nothing'}, its delta {now or 'nothing'} (RFC 5280 §6.3.3 (i) to (k)).",
            (LEAF, SUB),
            crls(ROOT.crl(), complete(before), delta(now)),
            SOUND if says in (None, "removeFromCRL") else LEAF_REVOKED,
        )


def _about_sub() -> Iterator[Case]:
    hold, gone, removed = (Entry(SUB.serial, reason) for reason in _REASONS)
    rows = (
        ("nothing", ROOT.crl(**_COMPLETE), ROOT.crl(**_DELTA), SOUND),
        ("revoked-in-the-delta", ROOT.crl(**_COMPLETE), ROOT.crl(**(_DELTA | {"revoked": [gone]})), SUB_REVOKED),
        ("revoked-before", ROOT.crl(**(_COMPLETE | {"revoked": [gone]})), ROOT.crl(**_DELTA), SUB_REVOKED),
        (
            "released-in-the-delta",
            ROOT.crl(**(_COMPLETE | {"revoked": [hold]})),
            ROOT.crl(**(_DELTA | {"revoked": [removed]})),
            SOUND,
        ),
    )
    for name, base, changes, expected in rows:
        rule = "Deltas are for certificates of authorities as well (RFC 5280 §6.3.3 (i), (k))."
        evidence = crls(base, changes, SUB.crl())
        otherwise = UNREACHED if expected == SUB_REVOKED else None
        yield case(f"intermediate-{name}", rule, (LEAF, SUB), evidence, expected, prefetched=otherwise)


def _numbers() -> Iterator[Case]:
    released = delta("removeFromCRL")
    held, older, newer = complete("certificateHold"), NOW - hours(3), NOW - hours(0.5)
    rows: tuple[Row, ...] = (
        ("base-itself", "The complete CRL is the delta's base", SOUND, [held, released]),
        (
            "newer-than-the-base",
            "The complete CRL is newer than the base",
            SOUND,
            [complete("certificateHold", number=11), released],
        ),
        (
            "older-than-the-base-releases",
            "The complete CRL is older than the base: what was released since is not known",
            LEAF_REVOKED,
            [complete("certificateHold", number=9, this_update=older), released],
        ),
        (
            "older-than-the-base-nothing",
            "The complete CRL is older than the base, and in its time",
            SOUND,
            [complete(number=9, this_update=older), delta()],
        ),
        (
            "older-than-the-base-lists",
            "A delta that does not fit, and lists it",
            LEAF_REVOKED,
            [complete(number=9, this_update=older), delta("keyCompromise")],
        ),
        (
            "same-number-releases",
            "A delta of the same number is no newer",
            LEAF_REVOKED,
            [complete("certificateHold", number=12), released],
        ),
        (
            "overtaken-releases",
            "A delta that is older than the complete CRL says nothing new",
            LEAF_REVOKED,
            [complete("certificateHold", number=13, this_update=newer), released],
        ),
        (
            "overtaken-lists",
            "What a delta has listed, and a newer complete CRL does not, was released",
            SOUND,
            [complete(number=13, this_update=newer), delta("certificateHold")],
        ),
        (
            "unnumbered-base",
            "Without a number nothing fits",
            LEAF_REVOKED,
            [complete("certificateHold", number=None), released],
        ),
        (
            "unnumbered-delta",
            "Without a number nothing fits",
            LEAF_REVOKED,
            [held, delta("removeFromCRL", number=None)],
        ),
        (
            "large-numbers",
            "Numbers have up to 20 octets (§5.2.3)",
            SOUND,
            [complete("certificateHold", number=2**158), delta("removeFromCRL", number=2**158 + 2, delta_base=2**158)],
        ),
    )
    yield from by_crls(LEAF, "RFC 5280 §5.2.4 (c), (d)", rows)


def _alone() -> Iterator[Case]:
    rows: tuple[Row, ...] = (
        ("alone", "A delta is no CRL by itself", LEAF_UNANSWERED, [delta()]),
        ("alone-releases", "A delta is no CRL by itself", LEAF_UNANSWERED, [delta("removeFromCRL")]),
        ("alone-lists", "What a delta by itself lists is revoked", LEAF_REVOKED, [delta("keyCompromise")]),
        (
            "beside-a-stale-base",
            "A current delta does not make a stale base current",
            LEAF_UNANSWERED,
            [complete(next_update=NOW - hours(1)), delta()],
        ),
        (
            "beside-a-stale-base-lists",
            "What a delta by itself lists is revoked",
            LEAF_REVOKED,
            [complete(next_update=NOW - hours(1)), delta("keyCompromise")],
        ),
        (
            "beside-a-stale-base-releases",
            "A current delta does not make a stale base current",
            LEAF_UNANSWERED,
            [complete("certificateHold", next_update=NOW - hours(1)), delta("removeFromCRL")],
        ),
        ("beside-a-forged-base", "A forged base is none", LEAF_UNANSWERED, [complete(corrupt_signature=True), delta()]),
        ("removal-without-a-delta", "removeFromCRL is for deltas (§5.3.1)", LEAF_REVOKED, [complete("removeFromCRL")]),
    )
    yield from by_crls(LEAF, "RFC 5280 §5.2.4", rows)


def _spoilt() -> Iterator[Case]:
    ways: tuple[tuple[str, str, CrlOverrides], ...] = (
        ("forged", "One bit of its signature is another (g)", {"corrupt_signature": True}),
        ("another-key", "Another key has signed it (g)", {"signing_key": NAMESAKE.key}),
        ("stale", "Its nextUpdate has passed (a)", {"next_update": NOW - hours(0.5)}),
        ("of-tomorrow", "Its thisUpdate lies ahead (a)", {"this_update": NOW + days(1), "next_update": NOW + days(2)}),
        ("without-end", "It has no nextUpdate (§5.1.2.5)", {"next_update": None}),
        ("critical", "It has a critical extension that nobody knows (§5.2)", {"extensions": (_CRITICAL,)}),
        ("another-issuer", "Somebody else has issued it (c)(1)", {"issuer_name": "Sister"}),
    )
    for name, rule, how in ways:
        rows: tuple[Row, ...] = (
            (f"{name}-nothing", rule, SOUND, [complete(), delta(**how)]),
            (f"{name}-releases", rule, LEAF_REVOKED, [complete("certificateHold"), delta("removeFromCRL", **how)]),
            (f"{name}-beside-revoked", rule, LEAF_REVOKED, [complete("keyCompromise"), delta(**how)]),
        )
        yield from by_crls(LEAF, "RFC 5280 §6.3.3", rows)
    ended = delta("keyCompromise", next_update=NOW - hours(0.5))
    rows = (
        (
            "stale-lists",
            "What listed it last is stale: an older list makes nobody forget",
            LEAF_UNANSWERED,
            [complete(), ended],
        ),
        (
            "stale-lists-and-newer-complete",
            "A newer complete CRL says otherwise",
            SOUND,
            [complete(number=13, this_update=NOW - hours(0.25)), ended],
        ),
    )
    yield from by_crls(LEAF, "RFC 5280 §6.3.3 (a)", rows)


def _scopes() -> Iterator[Case]:
    leaf = SUB.issue("leaf", crl_urls=URL)
    scope, another = IssuingDistributionPoint([URL]), IssuingDistributionPoint([f"{URL}?"])
    users = IssuingDistributionPoint([URL], only_user=True)

    def held(idp: IssuingDistributionPoint | None) -> bytes:
        return complete("certificateHold", leaf.serial, idp=idp)

    def released(idp: IssuingDistributionPoint | None) -> bytes:
        return delta("removeFromCRL", leaf.serial, idp=idp)

    rows: tuple[Row, ...] = (
        (
            "same-scope-nothing",
            "The delta has the scope of the complete CRL",
            SOUND,
            [complete(idp=scope), delta(idp=scope)],
        ),
        ("same-scope-releases", "The delta has the scope of the complete CRL", SOUND, [held(scope), released(scope)]),
        (
            "same-scope-lists",
            "The delta has the scope of the complete CRL",
            LEAF_REVOKED,
            [complete(idp=scope), delta("keyCompromise", leaf.serial, idp=scope)],
        ),
        (
            "wider-scope-releases",
            "The delta has no scope, the complete CRL has",
            LEAF_REVOKED,
            [held(scope), released(None)],
        ),
        (
            "narrower-scope-releases",
            "The delta has a scope, the complete CRL none",
            LEAF_REVOKED,
            [held(None), released(scope)],
        ),
        ("another-kind-releases", "The delta is for users alone", LEAF_REVOKED, [held(scope), released(users)]),
        (
            "another-partition-releases",
            "The delta is another partition's",
            LEAF_REVOKED,
            [held(scope), released(another)],
        ),
        (
            "another-partition-lists",
            "The delta of another partition says nothing of it",
            SOUND,
            [complete(idp=scope), delta("keyCompromise", leaf.serial, idp=another)],
        ),
    )
    yield from by_crls(leaf, "RFC 5280 §6.3.3 (c)(2)", rows)


def _several() -> Iterator[Case]:
    later: CrlOverrides = {"number": 13, "this_update": NOW - hours(0.5)}
    rows: tuple[Row, ...] = (
        (
            "newer-releases",
            "Of two deltas the newer counts",
            SOUND,
            [complete(), delta("certificateHold"), delta("removeFromCRL", **later)],
        ),
        (
            "newer-lists",
            "Of two deltas the newer counts",
            LEAF_REVOKED,
            [complete("certificateHold"), delta("removeFromCRL"), delta("keyCompromise", **later)],
        ),
        (
            "newer-nothing",
            "A delta holds all that changed since its base",
            SOUND,
            [complete(), delta("certificateHold"), delta(**later)],
        ),
        (
            "two-complete",
            "Of two complete CRLs the newer counts, with its delta",
            SOUND,
            [
                complete("certificateHold", number=9, this_update=NOW - hours(3)),
                complete("certificateHold"),
                delta("removeFromCRL"),
            ],
        ),
    )
    yield from by_crls(LEAF, "RFC 5280 §5.2.4", rows)


def _declared() -> Iterator[Case]:
    leaf = SUB.issue("leaf", crl_urls=URL, freshest_crl_urls=DELTA_URL)
    rows: tuple[Row, ...] = (
        ("declared-and-absent", "Deltas are an offer", SOUND, [complete()]),
        ("declared-nothing", "The delta that the certificate names", SOUND, [complete(), delta()]),
        (
            "declared-lists",
            "The delta that the certificate names",
            LEAF_REVOKED,
            [complete(), delta("keyCompromise", leaf.serial)],
        ),
        (
            "named-by-the-crl",
            "The delta that the complete CRL names",
            LEAF_REVOKED,
            [complete(freshest_crl_urls=DELTA_URL), delta("keyCompromise", leaf.serial)],
        ),
        ("declared-and-nothing-else", "A delta is no CRL by itself", LEAF_UNANSWERED, [delta()]),
    )
    yield from by_crls(leaf, "RFC 5280 §4.2.1.15, §5.2.6", rows)
