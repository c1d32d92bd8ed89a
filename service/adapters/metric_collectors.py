"""Metrics that are true at the moment of asking: the CRLs held, the trust stores in force, the version.

Every process of the service sees the same store and the same files, so any of them can answer for all.

Rules it keeps: the issuer of a CRL and the name of a trust store are the operator's own affairs and may be labels;
there is a limit to how many of them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.application.evidence_store import HeldCrl, StoreError
from service.application.trust_stores import TrustStoreReport

MAX_LABEL_SETS: Final = 1_000
"""CRLs, or trust stores, with metrics of their own: what one scrape of one target should not exceed is some ten
thousand series, and each of them has up to four."""

MAX_ISSUER: Final = 256
"""Characters of an issuer's name in a label."""

SLOT_DIGITS: Final = 12
"""Hexadecimal digits of a CRL's slot: it tells the partitions of one issuer apart, and two keys of one name."""

MAX_NUMBER: Final = 2**159 - 1
"""The largest CRL number, 20 octets (RFC 5280 §5.2.3): whatever an issuer writes, it fits a float."""

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


class HeldCrlCollector(Collector):
    """How fresh the CRLs are. Of too many, those that run out first are shown."""

    def __init__(self, held: Callable[[], tuple[HeldCrl, ...]]) -> None:
        """Take what lists the CRLs held."""
        self._held = held

    def collect(self) -> Iterator[Metric]:
        """Look what is held."""
        readable = GaugeMetricFamily("revet_crl_store_readable", "Whether the store of CRLs can be read.")
        try:
            held = self._held()
        except StoreError:
            readable.add_metric((), 0)
            yield readable
            return
        readable.add_metric((), 1)
        yield readable
        ordered = sorted(held, key=lambda one: one.meta.next_update or _END_OF_TIME)
        yield from _crl_gauges(ordered[:MAX_LABEL_SETS])
        yield _gauge("revet_crls_held", "CRLs held.", len(ordered))
        omitted = max(0, len(ordered) - MAX_LABEL_SETS)
        yield _gauge("revet_crls_omitted", "CRLs held that have no metrics of their own.", omitted)


class TrustStoreCollector(Collector):
    """Which trust stores are in force, and which should be and are not."""

    def __init__(self, report: Callable[[], tuple[TrustStoreReport, ...]]) -> None:
        """Take what reports on the trust stores."""
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """Look what is in force."""
        label = ("name",)
        loaded = GaugeMetricFamily("revet_trust_store_loaded", "Whether any version is in force.", labels=label)
        problem = GaugeMetricFamily(
            "revet_trust_store_problem", "Whether what is written down cannot be used.", labels=label
        )
        certificates = GaugeMetricFamily(
            "revet_trust_store_certificates", "Certificates of the version in force.", labels=label
        )
        ends = GaugeMetricFamily(
            "revet_trust_store_not_after_timestamp_seconds",
            "notAfter of that one of them which ends first, in seconds since 1970.",
            labels=label,
        )
        # Those with a problem first: they are what an alert looks for.
        reports = sorted(self._report(), key=lambda report: (report.problem is None, report.name))
        for report in reports[:MAX_LABEL_SETS]:
            name = (report.name,)
            loaded.add_metric(name, report.store is not None)
            problem.add_metric(name, report.problem is not None)
            if report.store is not None:
                certificates.add_metric(name, len(report.store.certificates))
                first = min((one.not_after for one in report.store.certificates), default=None)
                if first is not None:
                    ends.add_metric(name, first.timestamp())
        yield from (loaded, problem, certificates, ends)


class BlockCollector(Collector):
    """How many blocks there are; nothing where they cannot be counted."""

    def __init__(self, count: Callable[[], int]) -> None:
        """Take what counts them."""
        self._count = count

    def collect(self) -> Iterator[Metric]:
        """Count them."""
        with suppress(StoreError):
            yield _gauge("revet_blocks", "Blocks, those included whose time is over.", self._count())


class BuildCollector(Collector):
    """Which version runs."""

    def __init__(self, version: str) -> None:
        """Take the version."""
        self._version = version

    def collect(self) -> Iterable[Metric]:
        """Say it."""
        build = GaugeMetricFamily("revet_build_info", "The version of the service.", labels=("version",))
        build.add_metric((self._version,), 1)
        return (build,)


def _crl_gauges(held: Iterable[HeldCrl]) -> tuple[Metric, ...]:
    """The names are those of CRL exporters that people have dashboards for."""
    labels = ("issuer", "slot")
    next_update = GaugeMetricFamily(
        "x509_crl_next_update_timestamp_seconds", "nextUpdate, in seconds since 1970.", labels=labels
    )
    this_update = GaugeMetricFamily(
        "x509_crl_this_update_timestamp_seconds", "thisUpdate, in seconds since 1970.", labels=labels
    )
    number = GaugeMetricFamily("x509_crl_number", "CRL number.", labels=labels)
    entries = GaugeMetricFamily("x509_crl_entries", "Certificates revoked in it.", labels=labels)
    for one in held:
        names = (one.meta.issuer.text[:MAX_ISSUER], one.slot.key.hex()[:SLOT_DIGITS])
        this_update.add_metric(names, one.meta.this_update.timestamp())
        entries.add_metric(names, one.meta.entries)
        if one.meta.next_update is not None:
            next_update.add_metric(names, one.meta.next_update.timestamp())
        if one.meta.crl_number is not None:
            number.add_metric(names, min(one.meta.crl_number, MAX_NUMBER))
    return next_update, this_update, number, entries


def _gauge(name: str, documentation: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, documentation)
    gauge.add_metric((), value)
    return gauge
