"""A verdict is the same whether CRLs came with the request, are held here, or some of each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.application.inline_evidence import read_inline_evidence
from service.application.settled import SETTLED_S
from service.application.validate import ValidationAnswer
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from tests.application.chain import CRL_URL, ROOT, SUB, leaf, order, read
from tests.application.conftest import MEMORY
from tests.application.world import ALLOWED, REVOKED, UNAVAILABLE, request, summary, world
from tests.pki import NOW, Authority, CrlOverrides, DistributionPoint, Entry, IssuingDistributionPoint, key
from tests.pki.extensions import Reason

RENEWED: Final = ROOT.subordinate("Sub", key=key("p256", 1))
LISTS: Final = ROOT.subordinate("Lists")
SIGNERS: Final = (SUB, RENEWED, LISTS)
"""The issuer of the certificates, the same with another key, and who lists certificates of others."""

DIRECT: Final = leaf("direct", crl_urls=CRL_URL)
NAMING_LISTS: Final = leaf("indirect", crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Lists")])
NAMING_BOTH: Final = leaf("both", crl_urls=[CRL_URL, DistributionPoint([CRL_URL], crl_issuer="Lists")])

MINUTE: Final = timedelta(minutes=1)

REASONS: Final[tuple[Reason | None, ...]] = (None, "keyCompromise", "certificateHold", "removeFromCRL")

SCOPES: Final = st.sampled_from(
    [
        None,
        None,
        IssuingDistributionPoint([CRL_URL], indirect=True),
        IssuingDistributionPoint([CRL_URL]),
        IssuingDistributionPoint(["http://crl.example/another"]),
        IssuingDistributionPoint(only_user=True),
        IssuingDistributionPoint(only_ca=True),
        IssuingDistributionPoint([CRL_URL], only_some_reasons={"keyCompromise"}),
        IssuingDistributionPoint([CRL_URL], only_some_reasons={"superseded"}),
    ]
)


@dataclass(frozen=True, slots=True)
class Published:
    """One CRL, and what tells it from the others.

    Attributes:
        age: How many CRLs of its kind are as old; those that are newer have a lower one.
    """

    signer: Authority
    scope: IssuingDistributionPoint | None
    base: int | None
    age: int
    der: bytes

    @property
    def place(self) -> tuple[bytes, bytes, bool, int]:
        """Of two CRLs with the same number and time in one slot, the store keeps the first, and a request both."""
        scope = b"" if self.scope is None else self.scope.encoded()
        return self.signer.issued.spki, scope, self.base is not None, self.age


@st.composite
def crls(draw: st.DrawFn, about: Certificate) -> Published:
    """A CRL that may say something of a certificate, or of its namesakes."""
    signer, scope, age = draw(st.sampled_from(SIGNERS)), draw(SCOPES), draw(st.integers(0, 3))
    base = draw(st.none() | st.integers(4, 8))
    is_indirect = scope is not None and scope.indirect
    reasons: list[Reason | None] = draw(st.lists(st.sampled_from(REASONS), max_size=2))
    listed = [
        Entry(about.serial_number, reason, certificate_issuer=draw(st.sampled_from(["Sub", "Lists"])))
        if is_indirect
        else Entry(about.serial_number, reason)
        for reason in reasons
    ]
    overrides: CrlOverrides = {
        "idp": scope,
        "number": draw(st.sampled_from([9 - age, 9 - age, 9 - age, None])),
        "this_update": NOW - (30 + age) * MINUTE,
        "next_update": NOW + draw(st.sampled_from([60, 60, 60, -20])) * MINUTE,
        "revoked": [*listed, Entry(1)],
    }
    if base is not None:
        overrides["delta_base"] = base
    return Published(signer, scope, base, age, signer.crl(**overrides))


def sets_of_crls(about: Certificate) -> st.SearchStrategy[list[Published]]:
    """A few CRLs that know their age."""
    return st.lists(crls(about), max_size=4, unique_by=lambda one: one.place)


async def judge(about: Certificate, held: Sequence[Published], inline: Sequence[Published]) -> ValidationAnswer:
    """Ask a new host about a certificate, with CRLs in its store and in the request; nothing else can be had."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        directory = Path(name)
        with Store.open(directory / "store", Role.INGESTER) as store:
            service = world(store, directory)
            for crl in held:
                service.origin.answers = {CRL_URL: crl.der}
                service.clock.advance(SETTLED_S)
                for attempt in await service.ingester.fetch(order(CRL_URL, signers=SIGNERS)):
                    assert attempt.problem in (Problem.STALE, Problem.ROLLED_BACK)
            service.origin.answers = {}
            service.clock.advance(SETTLED_S)
            evidence = read_inline_evidence([crl.der for crl in inline], [])
            signers = (read(RENEWED), read(LISTS))
            asked = request(about)
            return await service.validator.validate(
                replace(asked, evidence=evidence, intermediates=(*asked.intermediates, *signers))
            )


def told(answer: ValidationAnswer) -> tuple[object, ...]:
    """What a verdict says, apart from where it was found."""
    revocation = answer.verdict.path[0].revocation
    return (
        *summary(answer),
        revocation.status,
        revocation.method,
        revocation.this_update,
        revocation.next_update,
        revocation.usable_until,
        revocation.revoked_at,
        revocation.reason,
        revocation.crl_number,
        revocation.notes,
    )


@settings(max_examples=60)
@given(st.data())
def test_held_or_inline(data: st.DataObject) -> None:
    """Whatever a few CRLs say, deltas and indirect ones among them, and in whatever order they came to be held."""
    about = data.draw(st.sampled_from([DIRECT, NAMING_LISTS, NAMING_BOTH]))
    published = data.draw(sets_of_crls(about))
    arriving = data.draw(st.permutations(published))
    split = data.draw(st.integers(0, len(published)))
    cold, warm, mixed = (
        told(asyncio.run(judge(about, held, inline)))
        for held, inline in (((), published), (arriving, ()), (arriving[:split], arriving[split:]))
    )
    assert cold == warm
    assert cold == mixed


def test_what_it_finds() -> None:
    """Verdicts of every kind: the property above is not about certificates that nobody has heard of."""
    scope = IssuingDistributionPoint([CRL_URL], indirect=True)
    listed = Entry(NAMING_LISTS.serial_number, certificate_issuer="Sub")
    good, bad = (Published(LISTS, scope, None, 0, LISTS.crl(idp=scope, revoked=each)) for each in ([], [listed]))
    assert [ALLOWED, REVOKED, UNAVAILABLE] == [
        summary(asyncio.run(judge(NAMING_LISTS, held, ()))) for held in ([good], [bad], [])
    ]
