"""Answers that are given again: while nothing has changed on which they depend, and not a moment longer."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from service.application.verdict_cache import (
    MAX_ANSWER_OCTETS,
    MAX_OCTETS,
    CacheReport,
    Kept,
    Ticket,
    VerdictCache,
)
from service.core.model.policy import IssuerMatch, IssuerRule, OcspNonce, Policy
from service.core.model.trust_store import TrustStore
from service.core.path.trust_store import build_trust_store
from tests.api.fakes import Number
from tests.application.manual_clock import ManualClock

NAME = "default"


@dataclass(slots=True)
class Setting:
    """A cache, and what it looks at."""

    limit: int = 3
    policy: Policy = field(default_factory=Policy)
    number: Number = field(default_factory=Number)
    clock: ManualClock = field(default_factory=ManualClock)
    stores: dict[str, TrustStore] = field(default_factory=lambda: {NAME: build_trust_store(NAME, ())})
    cache: VerdictCache[str] = field(init=False)

    def __post_init__(self) -> None:
        """Make the cache."""
        self.cache = VerdictCache(self.limit, self.policy, self.number, self.stores.get, self.clock)

    def ticket(self) -> Ticket:
        """What is in force now."""
        ticket = self.cache.begin(NAME)
        assert ticket is not None
        return ticket

    def keep(self, key: bytes, value: str, ticket: Ticket | None = None, octets: int = 1) -> None:
        """Keep an answer that holds for a minute."""
        now = self.clock.now()
        self.cache.keep(key, Kept(value, now, now + timedelta(seconds=60), ticket or self.ticket(), octets))

    def found(self, key: bytes) -> str | None:
        """What is given again."""
        kept = self.cache.find(key)
        return None if kept is None else kept.value


@pytest.fixture
def setting() -> Setting:
    """With one answer."""
    made = Setting()
    made.keep(b"one", "first")
    return made


def test_an_answer_is_given_again(setting: Setting) -> None:
    """It is the one that was kept under this key."""
    assert "first" == setting.found(b"one")
    assert None is setting.found(b"other")


@pytest.mark.parametrize(("seconds", "expected"), [(59.9, "first"), (60.0, None), (61.0, None), (-0.1, None)])
def test_until_it_ends(setting: Setting, seconds: float, expected: str | None) -> None:
    """Not at its end, not past it, and not where the clock was turned back."""
    setting.clock.advance(seconds)
    assert expected == setting.found(b"one")


def test_until_something_changes(setting: Setting) -> None:
    """Another generation ends every answer of the one before, and comes back to none of them."""
    setting.number.value = 8
    assert None is setting.found(b"one")
    setting.number.value = 7
    assert None is setting.found(b"one")


def test_until_the_trust_store_changes(setting: Setting) -> None:
    """Another version of the same certificates is another version."""
    setting.stores[NAME] = build_trust_store(NAME, ())
    assert None is setting.found(b"one")


def test_until_the_trust_store_goes(setting: Setting) -> None:
    """Whom nobody trusts any longer is not allowed once more."""
    del setting.stores[NAME]
    assert None is setting.found(b"one")


def test_a_generation_that_cannot_be_read(setting: Setting) -> None:
    """Nothing is given, nothing is kept, and what was kept is forgotten."""
    ticket = setting.ticket()
    setting.number.value = None
    assert None is setting.found(b"one")
    assert None is setting.cache.begin(NAME)
    setting.number.value = 7
    setting.keep(b"two", "second", ticket)
    assert (None, None) == (setting.found(b"one"), setting.found(b"two"))


def test_a_change_while_it_was_decided(setting: Setting) -> None:
    """Whether the answer knew of it nobody can say."""
    ticket = setting.ticket()
    setting.number.value = 8
    setting.keep(b"two", "second", ticket)
    assert None is setting.found(b"two")


def test_a_change_that_others_saw_first(setting: Setting) -> None:
    """An old ticket keeps nothing, though the new generation is known by then."""
    ticket = setting.ticket()
    setting.number.value = 8
    setting.ticket()
    setting.keep(b"two", "second", ticket)
    assert None is setting.found(b"two")


def test_the_least_recently_used_goes_first(setting: Setting) -> None:
    """It is bounded."""
    setting.keep(b"two", "second")
    setting.keep(b"three", "third")
    assert "first" == setting.found(b"one")
    setting.keep(b"four", "fourth")
    assert ["first", None, "third", "fourth"] == [setting.found(key) for key in (b"one", b"two", b"three", b"four")]


def test_a_long_answer_is_not_kept(setting: Setting) -> None:
    """What makes it long costs a caller nothing."""
    setting.keep(b"longest", "kept", octets=MAX_ANSWER_OCTETS)
    setting.keep(b"longer", "decided each time", octets=MAX_ANSWER_OCTETS + 1)
    assert ("kept", None) == (setting.found(b"longest"), setting.found(b"longer"))


def test_octets_are_bounded() -> None:
    """All answers together, whatever their number; one that is replaced counts once."""
    setting = Setting(limit=1_000_000)
    most = MAX_OCTETS // MAX_ANSWER_OCTETS
    for number in range(most):
        setting.keep(b"%d" % number, "kept", octets=MAX_ANSWER_OCTETS)
    setting.keep(b"0", "again", octets=MAX_ANSWER_OCTETS)
    assert ("again", "kept") == (setting.found(b"0"), setting.found(b"1"))
    setting.keep(b"one more", "kept", octets=1)
    assert most == setting.cache.report().entries
    assert (None, "again") == (setting.found(b"2"), setting.found(b"0"))


def test_octets_are_forgotten_with_the_answers() -> None:
    """After a change there is room for as many again."""
    setting = Setting(limit=1_000_000)
    most = MAX_OCTETS // MAX_ANSWER_OCTETS
    for generation in (8, 9):
        setting.number.value = generation
        for number in range(most):
            setting.keep(b"%d" % number, "kept", octets=MAX_ANSWER_OCTETS)
        assert most == setting.cache.report().entries


def test_a_newer_answer_takes_the_place(setting: Setting) -> None:
    """Of the same question."""
    setting.keep(b"one", "newer")
    assert "newer" == setting.found(b"one")
    assert 1 == setting.cache.report().entries


def test_an_unknown_store_has_no_ticket(setting: Setting) -> None:
    """What is decided without a store is not kept."""
    assert None is setting.cache.begin("unknown")


def test_no_cache_at_all() -> None:
    """A limit of nothing keeps nothing."""
    setting = Setting(limit=0)
    assert None is setting.cache.begin(NAME)
    assert None is setting.found(b"one")


RULE = IssuerRule(IssuerMatch(name=b"an issuer"))


@pytest.mark.parametrize(
    "policy",
    [
        Policy(ocsp_nonce=OcspNonce.REQUEST),
        Policy(ocsp_nonce=OcspNonce.REQUIRE),
        Policy(issuer_rules=(RULE, replace(RULE, ocsp_nonce=OcspNonce.REQUEST))),
        Policy(issuer_rules=(replace(RULE, ocsp_nonce=OcspNonce.REQUIRE), RULE)),
        Policy(ocsp_nonce=OcspNonce.REQUEST, issuer_rules=(replace(RULE, ocsp_nonce=OcspNonce.OFF),)),
    ],
)
def test_nothing_is_kept_where_nonces_are_wanted(policy: Policy) -> None:
    """For all, or by any rule: each request asks its responder, and is answered by nothing from before."""
    setting = Setting(policy=policy)
    assert None is setting.cache.begin(NAME)
    assert None is setting.found(b"one")
    assert 0 == setting.cache.report().limit


@pytest.mark.parametrize("nonce", [None, OcspNonce.OFF])
def test_rules_without_nonces_keep_answers(nonce: OcspNonce | None) -> None:
    """A rule that says nothing of them, or that it wants none, is no reason to decide anew."""
    setting = Setting(policy=Policy(issuer_rules=(replace(RULE, ocsp_nonce=nonce),)))
    setting.keep(b"one", "first")
    assert "first" == setting.found(b"one")


def test_its_report(setting: Setting) -> None:
    """How it does."""
    setting.found(b"one")
    setting.found(b"two")
    setting.number.value = 9
    setting.found(b"one")
    assert CacheReport(entries=0, limit=3, hits=1, misses=2, epochs=2) == setting.cache.report()


def test_what_went_for_want_of_room(setting: Setting) -> None:
    """It is counted, and what is forgotten since something changed is not."""
    for key in (b"two", b"three", b"four", b"five"):
        setting.keep(key, "kept", octets=100)
    report = setting.cache.report()
    assert (3, 300, 2) == (report.entries, report.octets, report.evictions)
    setting.number.value = 9
    setting.found(b"five")
    report = setting.cache.report()
    assert (0, 0, 2) == (report.entries, report.octets, report.evictions)
