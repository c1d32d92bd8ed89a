"""Validity periods around the real now, for tests with real processes that read the machine's clock."""

from datetime import UTC, datetime, timedelta

from tests.pki.certificate import CertificateOverrides


def now() -> datetime:
    """The moment, in whole seconds as certificates have them."""
    return datetime.now(UTC).replace(microsecond=0)


def validity_of_now() -> CertificateOverrides:
    """A month from yesterday on."""
    return {"not_before": now() - timedelta(days=1), "not_after": now() + timedelta(days=30)}
