"""What the intermediates of trust stores name is kept fresh where nobody asks for verdicts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from service.adapters.trust_store_files import TrustStoreFiles
from service.application.crl_fetcher import CrlOrder, CrlSigner
from service.application.evidence_store import StoreError
from service.application.prefetch.named_by_stores import USED_EVERY_S, NamedByStores
from service.application.trust_stores import TrustStores
from service.core.der.certificate import read_certificate
from service.core.model.policy import IssuerMatch, IssuerRule, Policy, UrlRule, Urls
from service.core.names.rfc4514 import canonical_of_text
from tests.application.manual_clock import ManualClock
from tests.pki import Authority, bundle

pytestmark = pytest.mark.anyio

URL: Final = "http://crl.example/root.crl"
BELOW: Final = "http://crl.example/sub.crl"
ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub", crl_urls=[URL])
LOWER: Final = SUB.subordinate("Lower", crl_urls=[BELOW])
STRAY: Final = Authority.root("Other").subordinate("Stray", crl_urls=["http://stranger.example/x.crl"])


@dataclass(slots=True)
class Desk:
    """Writes down what it is asked for. Implements `Learner`."""

    learned: list[CrlOrder] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    full: bool = False

    async def learn(self, orders: tuple[CrlOrder, ...]) -> None:
        """Write it down, unless the disk is full."""
        if self.full:
            raise StoreError("no space left")
        self.learned += orders

    async def note_used(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Write it down."""
        self.used += keys
        return ()


class Fetcher:
    """A fetcher with a trust store."""

    def __init__(self, place: Path, *trusted: Authority, policy: Policy | None = None) -> None:
        self.file = place / "trust.pem"
        self.clock = ManualClock()
        self.desk = Desk()
        self.trust(*trusted)
        self.stores = TrustStores(TrustStoreFiles(self.file, None), self.clock)
        self.stores.load()
        self.named = NamedByStores(self.stores, self.desk, policy or Policy(), self.clock)

    def trust(self, *trusted: Authority) -> None:
        """Write the trust store."""
        self.file.write_text(bundle(trusted))


def signer(authority: Authority) -> CrlSigner:
    """Under whose key it verifies."""
    return CrlSigner.of(read_certificate(authority.issued.der))


async def test_what_intermediates_name(tmp_path: Path) -> None:
    """Each that leads to an anchor, under its issuer's key; nothing of one that does not."""
    fetcher = Fetcher(tmp_path, ROOT, SUB, LOWER, STRAY)
    await fetcher.named.look()
    assert {(URL,): (signer(ROOT),), (BELOW,): (signer(SUB),)} == {
        one.urls: one.signers for one in fetcher.desk.learned
    }
    assert {URL, BELOW} == set(fetcher.desk.used)


async def test_a_trust_store_that_changes(tmp_path: Path) -> None:
    """It is looked at again then, and otherwise once an hour, so that nothing is forgotten."""
    fetcher = Fetcher(tmp_path, ROOT, SUB)
    await fetcher.named.look()
    await fetcher.named.look()
    assert [(URL,)] == [one.urls for one in fetcher.desk.learned]
    fetcher.trust(ROOT, SUB, LOWER)
    await fetcher.stores.reload()
    await fetcher.named.look()
    assert {URL, BELOW} == {one.urls[0] for one in fetcher.desk.learned}
    del fetcher.desk.used[:]
    fetcher.clock.advance(USED_EVERY_S)
    await fetcher.named.look()
    assert {URL, BELOW} == set(fetcher.desk.used)


async def test_what_the_operator_says_instead(tmp_path: Path) -> None:
    """A rule for the issuer that replaces what its certificates name."""
    other = "http://mirror.example/root.crl"
    rule = IssuerRule(IssuerMatch(name=canonical_of_text("CN=Root")), crl_urls=Urls((other,), UrlRule.REPLACE))
    fetcher = Fetcher(tmp_path, ROOT, SUB, policy=Policy(issuer_rules=(rule,)))
    await fetcher.named.look()
    assert [(other,)] == [one.urls for one in fetcher.desk.learned]


async def test_a_disk_without_room(tmp_path: Path) -> None:
    """It is tried again."""
    fetcher = Fetcher(tmp_path, ROOT, SUB)
    fetcher.desk.full = True
    await fetcher.named.look()
    fetcher.desk.full = False
    await fetcher.named.look()
    assert [(URL,)] == [one.urls for one in fetcher.desk.learned]
