"""Indirect CRLs (RFC 5280 §5.2.5, §5.3.3, §6.3.3 (b)(1)): somebody else than the issuer says what is revoked.

Root certifies Sub, which issues the leaf, and Desk, which signs CRLs for others. The leaf names Desk as the issuer of
its CRLs (cRLIssuer), and Desk's CRL says of each entry whose certificate it is about (certificateIssuer).
"""

from collections.abc import Iterator, Sequence
from typing import Final, Unpack

from cryptography import x509

from tests.conformance.case import Case, Corpus, Expected
from tests.conformance.corpora.making import (
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    SUB_REVOKED,
    SUB_UNANSWERED,
    case,
    crls,
)
from tests.pki import (
    NOW,
    Authority,
    CertificateOverrides,
    CrlOverrides,
    DistributionPoint,
    Entry,
    IssuingDistributionPoint,
    hours,
    key,
)

URL: Final = "http://crl.example/everybody.crl"

_FOR_CRLS: Final[CertificateOverrides] = {"ca": False, "key_usage": {"cRLSign"}}
DESK: Final = ROOT.subordinate("Desk", **_FOR_CRLS)
OTHER_ROOT: Final = Authority.root("Other Root")

_POINT: Final = DistributionPoint([URL], crl_issuer="Desk")
_SCOPE: Final = IssuingDistributionPoint([URL], indirect=True)
LEAF: Final = SUB.issue("leaf", crl_urls=[_POINT])
_MARKED: Final = "RFC 5280 §5.3.3"


def indirect() -> Corpus:
    """Whose certificate an entry is about, and who may say so."""
    made = (*_entries(), *_issuers_own(), *_scopes(), *_signers(), *_about_sub(), *_deltas())
    return Corpus(
        "indirect CRLs", "an entry is about the certificate that it says, signed by whom the certificate says", made
    )


def listing(*entries: Entry, **how: Unpack[CrlOverrides]) -> bytes:
    """Desk's CRL with these entries."""
    overrides: CrlOverrides = {"idp": _SCOPE, "revoked": entries}
    return DESK.crl(**(overrides | how))


def _about(whose: str | None) -> Entry:
    """An entry with the leaf's serial number."""
    return Entry(LEAF.serial, "keyCompromise", certificate_issuer=whose)


def _entries() -> Iterator[Case]:
    rows: tuple[tuple[str, str, Expected, Sequence[Entry]], ...] = (
        ("empty", "It lists nobody", SOUND, []),
        ("marked", "The entry is about a certificate of Sub", LEAF_REVOKED, [_about("Sub")]),
        ("unmarked", "Without certificateIssuer an entry is about the CRL issuer's own", SOUND, [_about(None)]),
        ("marked-for-another", "The entry is about a certificate of another issuer", SOUND, [_about("Sister")]),
        ("marked-for-itself", "The entry is about a certificate of the CRL issuer", SOUND, [_about("Desk")]),
        ("marked-in-another-case", "Names differ by more than case (§7.1)", LEAF_REVOKED, [_about("SUB")]),
        ("marked-with-more-spaces", "Names differ by more than spaces (§7.1)", LEAF_REVOKED, [_about(" Sub ")]),
        (
            "carried",
            "certificateIssuer stands for what follows",
            LEAF_REVOKED,
            [Entry(1, certificate_issuer="Sub"), _about(None)],
        ),
        (
            "carried-far",
            "certificateIssuer stands for what follows",
            LEAF_REVOKED,
            [Entry(1, certificate_issuer="Sub"), *map(Entry, range(2, 50)), _about(None)],
        ),
        (
            "carried-until-the-next",
            "certificateIssuer stands until the next one",
            SOUND,
            [Entry(1, certificate_issuer="Sub"), Entry(2, certificate_issuer="Sister"), _about(None)],
        ),
        (
            "carried-again",
            "The last certificateIssuer counts",
            LEAF_REVOKED,
            [Entry(1, certificate_issuer="Sister"), Entry(2, certificate_issuer="Sub"), Entry(3), _about(None)],
        ),
        (
            "not-carried-backwards",
            "certificateIssuer does not stand for what came before",
            SOUND,
            [_about(None), Entry(1, certificate_issuer="Sub")],
        ),
        ("twice", "One number of two issuers", LEAF_REVOKED, [_about("Sister"), _about("Sub")]),
        (
            "other-numbers",
            "Other certificates of Sub are revoked",
            SOUND,
            [Entry(LEAF.serial - 1, certificate_issuer="Sub"), Entry(LEAF.serial + 1)],
        ),
    )
    for name, rule, expected, entries in rows:
        evidence = crls(ROOT.crl(), listing(*entries))
        yield case(f"entry-{name}", f"{rule} ({_MARKED}).", (LEAF, SUB), evidence, expected, beside=[DESK])


def _issuers_own() -> Iterator[Case]:
    """An issuer's own CRL that is indirect: it may list others besides."""
    leaf, own = SUB.issue("leaf"), IssuingDistributionPoint(indirect=True)
    rows: tuple[tuple[str, str, bool, Sequence[Entry]], ...] = (
        ("nobody", "It lists nobody", True, []),
        ("own", "Without certificateIssuer an entry is about its own", False, [Entry(leaf.serial)]),
        ("own-marked", "An entry about its own certificate", False, [Entry(leaf.serial, certificate_issuer="Sub")]),
        ("another", "An entry about another's certificate", True, [Entry(leaf.serial, certificate_issuer="Sister")]),
        (
            "carried",
            "An entry after one about another's",
            True,
            [Entry(1, certificate_issuer="Sister"), Entry(leaf.serial)],
        ),
        (
            "before",
            "An entry before one about another's",
            False,
            [Entry(leaf.serial), Entry(1, certificate_issuer="Sister")],
        ),
    )
    for name, rule, is_good, entries in rows:
        evidence = crls(ROOT.crl(), SUB.crl(idp=own, revoked=entries))
        yield case(f"own-{name}", f"{rule} ({_MARKED}).", (leaf, SUB), evidence, SOUND if is_good else LEAF_REVOKED)


def _scopes() -> Iterator[Case]:
    directory = x509.DirectoryName(x509.Name.from_rfc4514_string("CN=Desk"))
    nameless = SUB.issue("leaf", crl_urls=[DistributionPoint(crl_issuer="Desk")])
    rows = (
        ("without-the-flag", "indirectCRL is not set", LEAF, IssuingDistributionPoint([URL]), LEAF_UNANSWERED),
        ("without-a-scope", "There is no issuing distribution point", LEAF, None, LEAF_UNANSWERED),
        (
            "of-another-point",
            "The distribution point is another",
            LEAF,
            IssuingDistributionPoint([f"{URL}?"], indirect=True),
            LEAF_UNANSWERED,
        ),
        (
            "of-every-point",
            "A scope without a name is every distribution point",
            LEAF,
            IssuingDistributionPoint(indirect=True),
            SOUND,
        ),
        (
            "for-authorities",
            "It is about authorities alone",
            LEAF,
            IssuingDistributionPoint([URL], indirect=True, only_ca=True),
            LEAF_UNANSWERED,
        ),
        (
            "named-by-its-issuer",
            "Where a point has no name, cRLIssuer stands for it",
            nameless,
            IssuingDistributionPoint([directory], indirect=True),
            SOUND,
        ),
        ("nameless-and-a-url", "Where a point has no name, cRLIssuer stands for it", nameless, _SCOPE, LEAF_UNANSWERED),
    )
    for name, rule, leaf, idp, expected in rows:
        evidence = crls(ROOT.crl(), DESK.crl(idp=idp))
        section = "RFC 5280 §6.3.3 (b)(1), (b)(2)"
        yield case(f"scope-{name}", f"{rule} ({section}).", (leaf, SUB), evidence, expected, beside=[DESK])
    marked = crls(ROOT.crl(), SUB.crl(revoked=[Entry(1, certificate_issuer="Sister")]))
    yield case(
        "entries-of-others-in-a-direct-crl",
        "certificateIssuer is for indirect CRLs: whom these entries are about is not known (RFC 5280 §5.3.3).",
        (SUB.issue("leaf"), SUB),
        marked,
        LEAF_UNANSWERED,
    )
    undeclared = crls(ROOT.crl(), DESK.crl(idp=IssuingDistributionPoint(indirect=True)))
    yield case(
        "nobody-has-named-it",
        "Nobody speaks for an issuer whom the certificate does not name (RFC 5280 §6.3.3 (b)(1)).",
        (SUB.issue("leaf"), SUB),
        undeclared,
        LEAF_UNANSWERED,
        beside=[DESK],
    )
    two = SUB.issue("leaf", crl_urls=["http://crl.example/sub.crl", _POINT])
    for name, given, expected in (
        ("own", [SUB.crl()], SOUND),
        ("other", [listing()], SOUND),
        ("own-lists", [SUB.crl(revoked=[two.serial]), listing()], LEAF_REVOKED),
        ("other-lists", [SUB.crl(), listing(Entry(two.serial, certificate_issuer="Sub"))], LEAF_REVOKED),
    ):
        rule = "A certificate may name its issuer's CRL and another's: what one lists is revoked (RFC 5280 §6.3.3 (l))."
        yield case(f"two-points-{name}", rule, (two, SUB), crls(ROOT.crl(), *given), expected, beside=[DESK])


def _signers() -> Iterator[Case]:
    of_authorities = IssuingDistributionPoint(only_ca=True)
    theirs = OTHER_ROOT.subordinate("Desk", **_FOR_CRLS)
    forged = ROOT.subordinate("Desk", **(_FOR_CRLS | {"corrupt_signature": True}))
    expired = ROOT.subordinate("Desk", **(_FOR_CRLS | {"not_after": NOW - hours(1)}))
    rows: tuple[tuple[str, str, Authority | None, list[bytes], bool], ...] = (
        ("certified", "It has a path to the anchor, and is not revoked", DESK, [ROOT.crl()], True),
        ("that-is-an-authority", "It may be an authority as well", ROOT.subordinate("Desk"), [ROOT.crl()], True),
        ("not-at-hand", "Its certificate is not there", None, [ROOT.crl()], False),
        (
            "without-crl-sign",
            "Its key may not sign CRLs",
            ROOT.subordinate("Desk", ca=False, key_usage={"digitalSignature"}),
            [ROOT.crl()],
            False,
        ),
        ("expired", "It is out of date", expired, [ROOT.crl()], False),
        ("revoked", "It is revoked", DESK, [ROOT.crl(revoked=[DESK.serial])], False),
        ("unchecked", "Whether it is revoked is not known", DESK, [ROOT.crl(idp=of_authorities)], False),
        ("forged", "One bit of the signature on its certificate is another", forged, [ROOT.crl()], False),
        ("self-made", "It has certified itself", Authority.root("Desk", key_usage={"cRLSign"}), [ROOT.crl()], False),
        ("below-another-anchor", "Its path ends at another anchor", theirs, [ROOT.crl(), OTHER_ROOT.crl()], False),
    )
    for name, rule, signer, given, may in rows:
        made = signer or DESK
        for said, entries, expected in (("good", [], SOUND), ("revoked", [_about("Sub")], LEAF_REVOKED)):
            yield case(
                f"signer-{name}-{said}",
                f"{rule} (RFC 5280 §6.3.3 (f)).",
                (LEAF, SUB),
                crls(*given, made.crl(idp=_SCOPE, revoked=entries)),
                expected if may else LEAF_UNANSWERED,
                beside=[] if signer is None else [signer],
                trusted=[ROOT, OTHER_ROOT],
            )
    for name, rule, crl in (
        ("forged", "One bit of its signature is another (g)", listing(corrupt_signature=True)),
        ("another-key", "Another key has signed it (g)", listing(signing_key=key("p256", 7))),
        ("by-the-issuer", "The certificate's issuer signs in its name (g)", listing(signing_key=SUB.key)),
        ("stale", "Its nextUpdate has passed (a)", listing(next_update=NOW - hours(1))),
    ):
        evidence = crls(ROOT.crl(), crl)
        yield case(f"crl-{name}", f"{rule} (RFC 5280 §6.3.3).", (LEAF, SUB), evidence, LEAF_UNANSWERED, beside=[DESK])


def _about_sub() -> Iterator[Case]:
    sub = ROOT.subordinate("Sub", crl_urls=[_POINT])
    leaf = sub.issue("leaf")
    rows: tuple[tuple[str, Sequence[Entry], Expected], ...] = (
        ("nothing", [], SOUND),
        ("lists", [Entry(sub.serial, certificate_issuer="Root")], SUB_REVOKED),
        ("lists-another-of-that-number", [Entry(sub.serial, certificate_issuer="Sub")], SOUND),
    )
    for name, entries, expected in rows:
        rule = "Authorities may have their CRLs from somebody else as well (RFC 5280 §5.3.3)."
        evidence = crls(ROOT.crl(idp=IssuingDistributionPoint(only_user=True)), sub.crl(), listing(*entries))
        yield case(f"intermediate-{name}", rule, (leaf, sub), evidence, expected, beside=[DESK])
    evidence = crls(ROOT.crl(idp=IssuingDistributionPoint(only_user=True)), sub.crl())
    rule = "Where it is not there, nobody says anything (RFC 5280 §6.3.3 (b)(1))."
    yield case("intermediate-absent", rule, (leaf, sub), evidence, SUB_UNANSWERED, beside=[DESK])


def _deltas() -> Iterator[Case]:
    base: CrlOverrides = {"number": 10, "this_update": NOW - hours(2)}
    later: CrlOverrides = {"number": 12, "delta_base": 10}
    hold, removed = (
        Entry(LEAF.serial, reason, certificate_issuer="Sub") for reason in ("certificateHold", "removeFromCRL")
    )
    rows = (
        ("nothing", [listing(**base), listing(**later)], SOUND),
        ("lists", [listing(**base), listing(hold, **later)], LEAF_REVOKED),
        ("releases", [listing(hold, **base), listing(removed, **later)], SOUND),
        (
            "releases-anothers",
            [listing(hold, **base), listing(Entry(LEAF.serial, "removeFromCRL"), **later)],
            LEAF_REVOKED,
        ),
    )
    for name, given, expected in rows:
        rule = "A delta of an indirect CRL says whose certificate it is about as well (RFC 5280 §5.2.4, §5.3.3)."
        yield case(f"delta-{name}", rule, (LEAF, SUB), crls(ROOT.crl(), *given), expected, beside=[DESK])
