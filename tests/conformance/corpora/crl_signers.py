"""Keys that sign an authority's CRLs and not its certificates (RFC 5280 §6.3.3 (f)): renewed keys, and keys for CRLs.

They bear the authority's name, and need a certificate of their own: in date, with cRLSign, not revoked, and with a path
to the anchor that the certificate in question has.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from service.core.model.policy import RevocationMode
from tests.conformance.case import REQUIRING, UNANSWERED, Case, Corpus, Expected
from tests.conformance.corpora.making import (
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    SUB_UNANSWERED,
    case,
    crls,
)
from tests.pki import NOW, Authority, CertificateOverrides, IssuingDistributionPoint, hours, key
from tests.pki.extensions import KeyUsage

NEW_KEY: Final = key("p256", 50)
_FOR_CRLS: Final[CertificateOverrides] = {"key": NEW_KEY, "ca": False, "key_usage": {"cRLSign"}}
OTHER_ROOT: Final = Authority.root("Other Root")
_USERS: Final = IssuingDistributionPoint(only_user=True)
_AUTHORITIES: Final = IssuingDistributionPoint(only_ca=True)


def crl_signers() -> Corpus:
    """Every signer, with a CRL that lists the leaf and one that does not."""
    made = (*_keys_for_crls(), *_soft_fail(), *_own_usage(), *_rollover(), *_of_the_anchor())
    return Corpus("CRL signers", "another key of an authority signs its CRLs only with a path of its own", made)


def _signed(
    name: str, rule: str, signer: Authority, *about: bytes, beside: tuple[Authority, ...], may: bool
) -> Iterator[Case]:
    """What the signer says of the leaf, in both ways."""
    for said, listed, expected in (("good", [], SOUND), ("revoked", [LEAF.serial], LEAF_REVOKED)):
        yield case(
            f"{name}-{said}",
            f"{rule} (RFC 5280 §6.3.3 (f)).",
            (LEAF, SUB),
            crls(*about, signer.crl(revoked=listed)),
            expected if may else LEAF_UNANSWERED,
            beside=beside,
            trusted=(ROOT, OTHER_ROOT),
        )


def _keys_for_crls() -> Iterator[Case]:
    good = ROOT.crl()
    signer = ROOT.subordinate("Sub", **_FOR_CRLS)
    yield from _signed(
        "certified", "A key for CRLs, certified by the same issuer", signer, good, beside=(signer,), may=True
    )
    yield from _signed("not-at-hand", "Its certificate is not there", signer, good, beside=(), may=False)
    revoked = ROOT.crl(revoked=[signer.serial])
    yield from _signed("revoked", "It is revoked", signer, revoked, beside=(signer,), may=False)
    unknown = ROOT.crl(idp=_AUTHORITIES)
    yield from _signed("unchecked", "Whether it is revoked is not known", signer, unknown, beside=(signer,), may=False)
    late: CertificateOverrides = {"not_after": NOW - hours(1)}
    usage: CertificateOverrides = {"key_usage": {"digitalSignature"}}
    spoilt: CertificateOverrides = {"corrupt_signature": True}
    for name, rule, how in (
        ("expired", "It is out of date", late),
        ("without-crl-sign", "Its keyUsage lacks cRLSign", usage),
        ("forged", "One bit of the signature on its certificate is another", spoilt),
    ):
        spoilt_signer = ROOT.subordinate("Sub", **(_FOR_CRLS | how))
        yield from _signed(name, rule, spoilt_signer, good, beside=(spoilt_signer,), may=False)
    own = Authority.root("Sub", key=NEW_KEY)
    yield from _signed("self-made", "Anybody can bear the name", own, good, beside=(own,), may=False)
    theirs = OTHER_ROOT.subordinate("Sub", **_FOR_CRLS)
    rule = "Its path ends at another anchor, which is trusted as well"
    yield from _signed("below-another-anchor", rule, theirs, good, OTHER_ROOT.crl(), beside=(theirs,), may=False)
    by_itself = SUB.subordinate("Sub", **_FOR_CRLS)
    rule = "A key for CRLs, certified by the authority itself"
    yield from _signed("certified-by-itself", rule, by_itself, good, beside=(by_itself,), may=True)
    yield case(
        "certified-by-itself-lists-itself",
        "A CRL that lists its own signer is not authentic (RFC 5280 §6.3.3 (f)).",
        (LEAF, SUB),
        crls(good, by_itself.crl(revoked=[by_itself.serial])),
        LEAF_UNANSWERED,
        beside=(by_itself,),
    )


def _soft_fail() -> Iterator[Case]:
    """Where no answer is needed, a signer that is revoked gives none all the same."""
    policy = replace(REQUIRING, revocation_mode=RevocationMode.SOFT_FAIL)
    signer = ROOT.subordinate("Sub", **_FOR_CRLS)
    for name, about, listed, expected in (
        ("good", ROOT.crl(), [], SOUND),
        ("lists", ROOT.crl(), [LEAF.serial], LEAF_REVOKED),
        ("revoked-good", ROOT.crl(revoked=[signer.serial]), [], UNANSWERED),
        ("revoked-lists", ROOT.crl(revoked=[signer.serial]), [LEAF.serial], UNANSWERED),
    ):
        rule = "A signer that is revoked says nothing, in no mode (RFC 5280 §6.3.3 (f))."
        evidence = crls(about, signer.crl(revoked=listed))
        yield case(f"soft-fail-{name}", rule, (LEAF, SUB), evidence, expected, beside=(signer,), policy=policy)


def _own_usage() -> Iterator[Case]:
    signer = ROOT.subordinate("Sub", **_FOR_CRLS)
    rows: tuple[tuple[str, frozenset[KeyUsage] | None, Expected, Expected], ...] = (
        ("key-cert-sign-alone", frozenset({"keyCertSign"}), LEAF_UNANSWERED, SOUND),
        ("both", frozenset({"keyCertSign", "cRLSign"}), SOUND, SOUND),
        ("without-key-usage", None, SOUND, SOUND),
    )
    rule = "Who signs CRLs has cRLSign where it has a keyUsage (RFC 5280 §6.3.3 (f))."
    for name, usage, own, other in rows:
        sub = ROOT.subordinate("Sub", key_usage=usage)
        path = (sub.issue("leaf"), sub)
        yield case(f"{name}-own-crl", rule, path, crls(ROOT.crl(), sub.crl()), own)
        yield case(f"{name}-other-key", rule, path, crls(ROOT.crl(), signer.crl()), other, beside=(signer,))


def _rollover() -> Iterator[Case]:
    new = SUB.reissue(key=NEW_KEY)
    new_with_old, old_with_new = SUB.subordinate("Sub", key=NEW_KEY), new.subordinate("Sub", key=SUB.key)
    of_new = new.issue("leaf")
    rows = (
        ("new-key-signs", "The renewed key signs for what the old one issued", LEAF, (SUB, new), new, True),
        ("new-key-unknown", "Nobody vouches for the renewed key", LEAF, (SUB,), new, False),
        ("new-with-old", "The old key has certified the renewed one", LEAF, (SUB, new_with_old), new, True),
        ("old-key-signs", "The old key signs for what the renewed one issued", of_new, (new, SUB), SUB, True),
        ("old-key-unknown", "Nobody vouches for the old key", of_new, (new,), SUB, False),
        ("old-with-new", "The renewed key has certified the old one", of_new, (new, old_with_new), SUB, True),
    )
    for name, rule, leaf, others, signer, may in rows:
        for said, listed, expected in (("good", [], SOUND), ("revoked", [leaf.serial], LEAF_REVOKED)):
            evidence = crls(ROOT.crl(), signer.crl(revoked=listed))
            right = expected if may else LEAF_UNANSWERED
            yield case(f"{name}-{said}", f"{rule} (RFC 5280 §6.3.3 (f)).", (leaf, *others), evidence, right)
    for name, given, expected in (
        ("good", (SUB.crl(), new.crl()), SOUND),
        ("old-lists", (SUB.crl(revoked=[LEAF.serial]), new.crl()), LEAF_REVOKED),
        ("new-lists", (SUB.crl(), new.crl(revoked=[LEAF.serial])), LEAF_REVOKED),
    ):
        rule = "What a CRL of one key lists is revoked, whatever that of the other says (RFC 5280 §6.3.3 (f))."
        yield case(f"both-keys-{name}", rule, (LEAF, SUB, new), crls(ROOT.crl(), *given), expected)


def _of_the_anchor() -> Iterator[Case]:
    new = ROOT.cross_sign(Authority.root("Root", key=NEW_KEY))
    evidence = crls(new.crl(), SUB.crl())
    rule = "An anchor's renewed key signs CRLs once the anchor has certified it (RFC 5280 §6.3.3 (f))."
    yield case("anchor-renewed", rule, (LEAF, SUB), evidence, SOUND, beside=(new,))
    yield case("anchor-renewed-unknown", rule, (LEAF, SUB), evidence, SUB_UNANSWERED)
    claimed = Authority.root("Root", key=NEW_KEY)
    yield case("anchor-renewed-self-made", rule, (LEAF, SUB), evidence, SUB_UNANSWERED, beside=(claimed,))
