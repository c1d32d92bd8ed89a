"""Which certificates of a CRL signer count (RFC 5280 §6.3.3 (f)), for how much, and what looking for them costs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from service.core.model.budget import Limits
from service.core.model.policy import Policy, RevocationMode
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import AnchorRule, build_trust_store, with_intermediates
from tests.core.decision.chains import ALLOWED, EXHAUSTED, ROOT, UNAVAILABLE, certificate, summary
from tests.core.decision.shell import CRL_URL, Shelf, ask, trusting
from tests.pki import NOW, Authority, Issued, IssuingDistributionPoint, days, key

POINT: Final = "http://crl.example/signers"
SUB: Final = ROOT.subordinate("Sub", crl_urls=CRL_URL)
LEAF: Final = SUB.issue("leaf", crl_urls=CRL_URL)
ROOT_CRL: Final = ROOT.crl()
REQUIRE: Final = Policy(RevocationMode.REQUIRE)


def test_the_issuers_key_has_another_certificate_for_crls() -> None:
    """The one in the path may not sign CRLs; where the other is at hand, what the key signed makes good again."""
    bare = ROOT.subordinate("Sub", key_usage={"keyCertSign"}, crl_urls=CRL_URL)
    for_crls = bare.reissue(ca=False, key_usage=frozenset({"cRLSign"}))
    leaf, held = bare.issue("leaf", crl_urls=CRL_URL), Shelf((ROOT_CRL, bare.crl()))
    assert [UNAVAILABLE, ALLOWED] == [
        summary(ask(leaf, trusting(ROOT, bare, *more), held=held, policy=REQUIRE).verdict) for more in ((), (for_crls,))
    ]


@pytest.mark.parametrize("certifier", [ROOT, SUB], ids=["anchor", "issuer"])
def test_whom_the_anchor_or_the_issuer_certified(certifier: Authority) -> None:
    """A renewed key unsays what the older one has signed, also where its certificate comes with the request."""
    renewed = certifier.subordinate("Sub", key=key("p256", 1), crl_urls=POINT)
    about_renewed = certifier.crl(idp=IssuingDistributionPoint([POINT]))
    ended = SUB.crl(revoked=[LEAF.serial], this_update=NOW - days(3), next_update=NOW - days(1))
    store = with_intermediates(trusting(ROOT, SUB), [certificate(renewed)])
    held = Shelf((ROOT_CRL, about_renewed, ended, renewed.crl(number=9)))
    assert ALLOWED == summary(ask(LEAF, store, held=held, policy=REQUIRE).verdict)


# --- what looking for them costs -------------------------------------------------------------------------------------


def least(leaf: Issued, store: TrustStore, limits: Callable[[int], Limits], held: Shelf) -> int:
    """The smallest limit under which the question is not given up."""
    policies = (replace(REQUIRE, limits=limits(limit)) for limit in range(100))
    verdicts = (ask(leaf, store, held=held, policy=policy).verdict for policy in policies)
    return next(limit for limit, verdict in enumerate(verdicts) if EXHAUSTED != summary(verdict))


def steps(limit: int) -> Limits:
    """A limit of certificates that are looked at."""
    return Limits(steps=limit)


def signatures(limit: int) -> Limits:
    """A limit of signatures that are verified."""
    return Limits(signatures=limit)


def test_every_bearer_of_the_name_costs() -> None:
    """Whatever its key is: whoever sends a crowd of them along does not make us look at it for nothing."""
    renewed = ROOT.subordinate("Sub", key=key("p256", 1), crl_urls=CRL_URL)
    crowd = [ROOT.subordinate("Sub", key=key("p256", 20 + number), crl_urls=CRL_URL) for number in range(5)]
    stores = trusting(ROOT, SUB, renewed), trusting(ROOT, SUB, renewed, *crowd)
    held = Shelf((ROOT_CRL, renewed.crl()))
    assert [6, 16] == [least(LEAF, store, steps, held) for store in stores]


def test_an_anchor_that_certified_another_costs_a_signature() -> None:
    """That it did is verified."""
    old = Authority.root("Rolling")
    new = old.cross_sign(Authority.root("Rolling", key=key("p256", 8)))
    store = build_trust_store("test", map(certificate, (old, new)), rule=AnchorRule.EVERY)
    leaf = new.issue("leaf", crl_urls=CRL_URL)
    assert [2, 3] == [least(leaf, store, signatures, Shelf((signer.crl(),))) for signer in (new, old)]


def test_every_path_that_is_kept_costs() -> None:
    """Also one that its names dismiss: a stranger has certified the signer's key, again and again."""
    signer, stranger = ROOT.subordinate("Sub", key=key("p256", 1)), Authority.root("Stranger")
    strangers = [(stranger.cross_sign(signer, serial=number), stranger) for number in range(1, 6)]
    crls = signer.crl(revoked=[LEAF.serial]), ROOT_CRL
    assert [7, 12] == [
        least(LEAF, trusting(ROOT, SUB), steps, Shelf(crls, kept=((signer, ROOT), *more))) for more in ((), strangers)
    ]
