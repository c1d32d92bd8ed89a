"""Metrics that are true at the moment of asking."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from service.adapters import metric_collectors
from service.adapters.metric_collectors import MAX_ISSUER, BlockCollector, HeldCrlCollector, TrustStoreCollector
from service.adapters.metrics import MetricsPage, PrometheusObserver
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.evidence_store import HeldCrl, StoreError
from service.application.trust_stores import TrustStores
from service.core.crl.slot import slot_of
from service.core.der.crl import read_crl
from tests.adapters.metrics_reader import samples, value
from tests.application.manual_clock import ManualClock
from tests.pki.authority import Authority, bundle
from tests.pki.crl import IssuingDistributionPoint
from tests.pki.moments import NEXT_UPDATE, NOW, THIS_UPDATE

ROOT = Authority.root("Root")
SUB = ROOT.subordinate("Sub")


def held(authority: Authority, crl: bytes) -> HeldCrl:
    """A CRL as the store lists it."""
    meta = read_crl(crl).meta
    spki = sha256(authority.der).digest()
    return HeldCrl(slot_of(meta, spki), meta, spki, "http://ca.example/crl", NOW)


def crl_page(*crls: HeldCrl) -> bytes:
    """The metrics of these CRLs."""
    return MetricsPage(PrometheusObserver(NOW), (HeldCrlCollector(lambda: crls),), None).render()


def test_how_fresh_a_crl_is() -> None:
    """Its times, number and entries, under its issuer's name."""
    one = held(ROOT, ROOT.crl(number=7, revoked=(1, 2, 3)))
    rendered = crl_page(one)
    labels = {"issuer": "CN=Root", "slot": one.slot.key.hex()[:12]}
    assert [THIS_UPDATE.timestamp(), NEXT_UPDATE.timestamp(), 7, 3] == [
        value(rendered, f"x509_crl_{name}", **labels)
        for name in ("this_update_timestamp_seconds", "next_update_timestamp_seconds", "number", "entries")
    ]
    assert [1, 0, 1] == [
        value(rendered, name) for name in ("revet_crls_held", "revet_crls_omitted", "revet_crl_store_readable")
    ]


def test_what_a_crl_does_not_say() -> None:
    """No sample is better than a wrong one."""
    rendered = crl_page(held(ROOT, ROOT.crl(number=None, next_update=None)))
    assert {"x509_crl_this_update_timestamp_seconds", "x509_crl_entries"} == {
        name for name, _ in samples(rendered) if name.startswith("x509_crl_")
    }


def test_a_number_beyond_all_bounds() -> None:
    """RFC 5280 ends at 20 octets; an issuer that does not must not break the page."""
    one = held(ROOT, ROOT.crl())
    beyond = replace(one, meta=replace(one.meta, crl_number=2**2000))
    assert 2.0**159 == value(crl_page(beyond), "x509_crl_number", issuer="CN=Root", slot=one.slot.key.hex()[:12])


def test_partitions_of_one_issuer() -> None:
    """They are told apart by their slot; Prometheus refuses a page that has a series twice."""
    urls = ("http://ca.example/1", "http://ca.example/2")
    rendered = crl_page(*(held(ROOT, ROOT.crl(idp=IssuingDistributionPoint(names=(url,)))) for url in urls))
    assert 2 == len([name for name, _ in samples(rendered) if name == "x509_crl_next_update_timestamp_seconds"])


def test_a_long_name() -> None:
    """A label has a limit, whatever an issuer calls itself."""
    one = held(ROOT, ROOT.crl())
    name = replace(one.meta.issuer, text='CN="\n' + "x" * 1000)
    rendered = crl_page(replace(one, meta=replace(one.meta, issuer=name)))
    (issuer,) = {dict(labels)["issuer"] for name, labels in samples(rendered) if name == "x509_crl_entries"}
    assert ('CN="\n' + "x" * 1000)[:MAX_ISSUER] == issuer


def test_too_many_crls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that run out first are shown, and the rest is counted."""
    monkeypatch.setattr(metric_collectors, "MAX_LABEL_SETS", 1)
    late = held(ROOT, ROOT.crl(next_update=NEXT_UPDATE + timedelta(days=1)))
    soon = held(SUB, SUB.crl())
    rendered = crl_page(late, soon, held(ROOT, ROOT.crl(next_update=None)))
    assert ["CN=Sub"] == [dict(labels)["issuer"] for name, labels in samples(rendered) if name == "x509_crl_entries"]
    assert (3, 2) == (value(rendered, "revet_crls_held"), value(rendered, "revet_crls_omitted"))


def test_a_store_that_cannot_be_read() -> None:
    """It is a metric, and no reason to have no page."""

    def broken() -> tuple[HeldCrl, ...]:
        raise StoreError("corrupt")

    rendered = MetricsPage(PrometheusObserver(NOW), (HeldCrlCollector(broken),), None).render()
    assert 0 == value(rendered, "revet_crl_store_readable")
    assert 0 == value(rendered, "revet_validate_requests_total", decision="allow", code="ok", front="api")


def test_trust_stores(tmp_path: Path) -> None:
    """Which are in force, which are not, and how large they are."""
    (tmp_path / "good.pem").write_text(bundle([ROOT, SUB]))
    (tmp_path / "bad.pem").write_text("nothing")
    stores = TrustStores(TrustStoreFiles(None, tmp_path), ManualClock())
    stores.load()
    (tmp_path / "good.pem").write_text("nothing")
    stores.load()
    rendered = MetricsPage(PrometheusObserver(NOW), (TrustStoreCollector(stores.report),), None).render()
    assert [(1, 1, 2), (0, 1, None)] == [
        tuple(value(rendered, f"revet_trust_store_{what}", name=name) for what in ("loaded", "problem", "certificates"))
        for name in ("good", "bad")
    ]


def test_too_many_trust_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a problem are shown first."""
    monkeypatch.setattr(metric_collectors, "MAX_LABEL_SETS", 1)
    (tmp_path / "a.pem").write_text(ROOT.pem)
    (tmp_path / "b.pem").write_text("nothing")
    stores = TrustStores(TrustStoreFiles(None, tmp_path), ManualClock())
    stores.load()
    rendered = MetricsPage(PrometheusObserver(NOW), (TrustStoreCollector(stores.report),), None).render()
    assert [None, 1] == [value(rendered, "revet_trust_store_problem", name=name) for name in ("a", "b")]


def test_blocks() -> None:
    """How many there are; nothing where nobody can say."""

    def broken() -> int:
        raise StoreError("corrupt")

    rendered, without = (
        MetricsPage(PrometheusObserver(NOW), (BlockCollector(count),), None).render() for count in (lambda: 7, broken)
    )
    assert 7 == value(rendered, "revet_blocks")
    assert b"revet_blocks" not in without
