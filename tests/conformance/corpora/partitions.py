"""CRLs about a part of what an authority has issued (RFC 5280 §5.2.5, §6.3.3 (b), (d)).

The form is that of AWS Private CA: each partition has a CRL of its own, whose critical issuing distribution point is
the URL that stands in the certificates of the partition. Who can choose which CRL a relying party gets must not gain
anything by it: the CRL of another partition does not list the certificate, and says nothing of it.
"""

from collections.abc import Iterator
from typing import Final

from cryptography import x509

from tests.conformance.case import Case, Corpus
from tests.conformance.corpora.making import (
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    SUB_REVOKED,
    SUB_UNANSWERED,
    UNREACHED,
    Row,
    by_crls,
    case,
    crls,
)
from tests.pki import NOW, DistributionPoint, Entry, IssuingDistributionPoint, hours, oids
from tests.pki.extensions import DistributionPoints, Reason

_BUCKET: Final = "http://crls.s3.eu-central-1.example/crl/4c1f"
ONE: Final = f"{_BUCKET}/0a7d0f53-3b1e.crl"
"""The partition of the certificate in question."""
TWO: Final = f"{_BUCKET}/9f2c8e11-77d4.crl"
"""Another partition of the same authority."""

IN_ONE: Final = IssuingDistributionPoint([ONE])
IN_TWO: Final = IssuingDistributionPoint([TWO])

_NOT_CRITICAL: Final = {oids.ISSUING_DISTRIBUTION_POINT: False}
_POINTS: Final = "RFC 5280 §6.3.3 (b)(2)(i)"


def partitions() -> Corpus:
    """By distribution point, by kind, by reason."""
    made = (*_by_point(), *_by_name(), *_by_kind(), *_by_reason())
    return Corpus("partitioned CRLs", "a CRL speaks of its own partition, kind and reasons, and of no other", made)


def _by_point() -> Iterator[Case]:
    leaf = SUB.issue("leaf", crl_urls=ONE)
    listed, earlier, late = [leaf.serial], NOW - hours(2), NOW - hours(1)
    own, own_lists = SUB.crl(idp=IN_ONE), SUB.crl(idp=IN_ONE, revoked=listed)
    other, other_lists = SUB.crl(idp=IN_TWO), SUB.crl(idp=IN_TWO, revoked=listed)
    complete, complete_lists = SUB.crl(), SUB.crl(revoked=listed)
    older, older_lists = (
        SUB.crl(idp=IN_ONE, this_update=earlier),
        SUB.crl(idp=IN_ONE, this_update=earlier, revoked=listed),
    )
    stale = SUB.crl(idp=IN_ONE, this_update=earlier, next_update=late)
    stale_lists = SUB.crl(idp=IN_ONE, this_update=earlier, next_update=late, revoked=listed)
    rows: tuple[Row, ...] = (
        ("own", "The CRL of its partition does not list it", SOUND, [own]),
        ("own-lists", "The CRL of its partition lists it", LEAF_REVOKED, [own_lists]),
        ("substituted", "The CRL of another partition says nothing of it", LEAF_UNANSWERED, [other]),
        ("substituted-lists", "Nor does it where that number stands in it", LEAF_UNANSWERED, [other_lists]),
        ("both", "Of two partitions its own counts", SOUND, [own, other]),
        ("both-own-lists", "Of two partitions its own counts", LEAF_REVOKED, [own_lists, other]),
        ("both-other-lists", "Of two partitions its own counts", SOUND, [own, other_lists]),
        ("complete", "A CRL without a scope is about all that its issuer issued", SOUND, [complete]),
        ("complete-lists", "A CRL without a scope lists it", LEAF_REVOKED, [complete_lists]),
        ("complete-and-own-lists", "What one CRL lists is revoked", LEAF_REVOKED, [complete, own_lists]),
        ("complete-lists-and-own", "What one CRL lists is revoked", LEAF_REVOKED, [complete_lists, own]),
        ("complete-and-substituted", "A complete CRL beside another partition's", SOUND, [complete, other]),
        ("absent", "There is none", LEAF_UNANSWERED, []),
        (
            "not-critical",
            "A scope counts also where it is not critical",
            SOUND,
            [SUB.crl(idp=IN_ONE, criticality=_NOT_CRITICAL)],
        ),
        (
            "substituted-not-critical",
            "A scope counts also where it is not critical",
            LEAF_UNANSWERED,
            [SUB.crl(idp=IN_TWO, criticality=_NOT_CRITICAL)],
        ),
        ("forged", "A forged CRL of its partition", LEAF_UNANSWERED, [SUB.crl(idp=IN_ONE, corrupt_signature=True)]),
        ("of-root", "The same scope in a CRL of the issuer's issuer", LEAF_UNANSWERED, [ROOT.crl(idp=IN_ONE)]),
        ("newer-lists", "Of one partition the newest CRL counts", LEAF_REVOKED, [older, own_lists]),
        ("older-lists", "Of one partition the newest CRL counts", SOUND, [older_lists, own]),
        ("newer-of-another", "A newer CRL of another partition supersedes nothing", LEAF_REVOKED, [older_lists, other]),
        ("stale", "The CRL of its partition is stale", LEAF_UNANSWERED, [stale]),
        ("stale-and-substituted", "Another partition's does not stand in for it", LEAF_UNANSWERED, [stale, other]),
        ("stale-and-complete", "A complete one does", SOUND, [stale, complete]),
        ("stale-lists", "The CRL of its partition is stale", LEAF_UNANSWERED, [stale_lists]),
        ("stale-lists-and-newer-complete", "A newer complete one says otherwise", SOUND, [stale_lists, complete]),
        (
            "stale-lists-and-older-complete",
            "What listed it last is stale: an older list makes nobody forget",
            LEAF_UNANSWERED,
            [stale_lists, SUB.crl(this_update=NOW - hours(9))],
        ),
    )
    return by_crls(leaf, _POINTS, rows)


def _by_name() -> Iterator[Case]:
    part, another = _relative("part 1"), _relative("part 2")
    relative = [DistributionPoint(relative_name=part)]
    two_urls = [DistributionPoint([ONE, TWO])]
    scope = IssuingDistributionPoint
    rows: tuple[tuple[str, str, bool, DistributionPoints | None, IssuingDistributionPoint], ...] = (
        ("two-points", "It lies in both of two distribution points", True, [ONE, TWO], IN_TWO),
        ("two-urls-of-a-point", "One of several names is enough", True, two_urls, IN_TWO),
        ("two-urls-of-a-scope", "One of several names is enough", True, ONE, scope([TWO, ONE])),
        ("two-urls-and-neither", "None of several names is the same", False, two_urls, scope([f"{ONE}?", f"{TWO}?"])),
        ("no-point", "Without distribution points it lies in no partition", False, None, IN_ONE),
        ("another-case", "Paths differ by case (RFC 3986 §6.2.2.1)", False, ONE, scope([ONE.replace("0a", "0A")])),
        ("another-scheme", "http is not https", False, ONE, scope([ONE.replace("http:", "https:")])),
        ("longer", "One name only begins with the other", False, ONE, scope([f"{ONE}/"])),
        ("relative", "The same name relative to the same issuer", True, relative, scope(relative_name=part)),
        (
            "relative-and-full",
            "A relative name is the whole that it makes",
            True,
            relative,
            scope([_full("CN=part 1,CN=Sub")]),
        ),
        ("relative-and-another", "Another relative name", False, relative, scope(relative_name=another)),
        ("relative-alone", "A relative name is not a whole one", False, relative, scope([_full("CN=part 1")])),
        (
            "issuer",
            "A point of no name but the issuer's",
            True,
            [DistributionPoint(crl_issuer="Sub")],
            scope([_full("CN=Sub")]),
        ),
        ("implied", "Its issuer's name is always one (§6.3.3, at its end)", True, None, scope([_full("CN=Sub")])),
    )
    for name, rule, meets, points, idp in rows:
        leaf = SUB.issue("leaf", crl_urls=points)
        said: tuple[Row, ...] = (
            (name, rule, SOUND if meets else LEAF_UNANSWERED, [SUB.crl(idp=idp)]),
            (
                f"{name}-lists",
                rule,
                LEAF_REVOKED if meets else LEAF_UNANSWERED,
                [SUB.crl(idp=idp, revoked=[leaf.serial])],
            ),
        )
        yield from by_crls(leaf, _POINTS, said)


def _relative(common_name: str) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _full(text: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name.from_rfc4514_string(text))


def _by_kind() -> Iterator[Case]:
    scopes = (
        ("user", IssuingDistributionPoint(only_user=True), "onlyContainsUserCerts", "ii"),
        ("ca", IssuingDistributionPoint(only_ca=True), "onlyContainsCACerts", "iii"),
        ("attribute", IssuingDistributionPoint(only_attribute=True), "onlyContainsAttributeCerts", "iv"),
    )
    for kind, idp, field, number in scopes:
        rule = f"{field} says of which certificates it speaks (RFC 5280 §6.3.3 (b)(2)({number}))."
        leaf = (SUB.crl(idp=idp), SUB.crl(idp=idp, revoked=[LEAF.serial]))
        for crl, right in zip(leaf, (SOUND, LEAF_REVOKED), strict=True):
            expected = right if kind == "user" else LEAF_UNANSWERED
            yield case(f"{kind}-leaf-{right.status}", rule, (LEAF, SUB), crls(ROOT.crl(), crl), expected)
        sub = (ROOT.crl(idp=idp), ROOT.crl(idp=idp, revoked=[SUB.serial]))
        for crl, right in zip(sub, (SOUND, SUB_REVOKED), strict=True):
            expected = right if kind == "ca" else SUB_UNANSWERED
            otherwise = UNREACHED if expected == SUB_REVOKED else None
            evidence = crls(crl, SUB.crl())
            name = f"{kind}-intermediate-{right.status}"
            yield case(name, rule, (LEAF, SUB), evidence, expected, prefetched=otherwise)


def _by_reason() -> Iterator[Case]:
    theft: frozenset[Reason] = frozenset({"keyCompromise", "cACompromise", "aACompromise"})
    change: frozenset[Reason] = frozenset({
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "privilegeWithdrawn",
    })  # fmt: skip
    of_theft, of_change = (IssuingDistributionPoint(only_some_reasons=one) for one in (theft, change))
    listed, held = [Entry(LEAF.serial, "keyCompromise")], [Entry(LEAF.serial, "certificateHold")]
    pair, lists = [SUB.crl(idp=of_theft), SUB.crl(idp=of_change)], SUB.crl(idp=of_theft, revoked=listed)
    rows: tuple[Row, ...] = (
        ("some-reasons", "Some reasons are not all", LEAF_UNANSWERED, pair[:1]),
        ("other-reasons", "Some reasons are not all", LEAF_UNANSWERED, pair[1:]),
        ("all-reasons", "Two CRLs cover every reason together", SOUND, pair),
        ("some-reasons-lists", "What is listed is revoked, whatever else is not known", LEAF_REVOKED, [lists]),
        ("all-reasons-lists", "What one of two lists is revoked", LEAF_REVOKED, [lists, pair[1]]),
        (
            "all-reasons-holds",
            "What one of two lists is revoked",
            LEAF_REVOKED,
            [pair[0], SUB.crl(idp=of_change, revoked=held)],
        ),
        (
            "all-reasons-one-stale",
            "A stale CRL covers none",
            LEAF_UNANSWERED,
            [pair[0], SUB.crl(idp=of_change, next_update=NOW - hours(1))],
        ),
        ("complete-and-some-reasons", "A complete CRL covers every reason", SOUND, [SUB.crl(), pair[0]]),
    )
    yield from by_crls(LEAF, "RFC 5280 §6.3.3 (d), (l)", rows)
    points = [DistributionPoint([ONE], reasons=theft), DistributionPoint([TWO], reasons=change)]
    leaf = SUB.issue("leaf", crl_urls=points)
    one, two, one_lists = SUB.crl(idp=IN_ONE), SUB.crl(idp=IN_TWO), SUB.crl(idp=IN_ONE, revoked=[leaf.serial])
    rows = (
        ("point-for-some-reasons", "The reasons of one distribution point are not all", LEAF_UNANSWERED, [one]),
        ("points-for-all-reasons", "Two distribution points cover every reason together", SOUND, [one, two]),
        ("points-for-all-reasons-lists", "What one of them lists is revoked", LEAF_REVOKED, [one_lists, two]),
    )
    yield from by_crls(leaf, "RFC 5280 §6.3.3 (d)", rows)
