"""What is refused by name in a CRL: deltas, indirect CRLs, unknown critical extensions (RFC 5280 §5.2, §5.3)."""

from typing import Final

import pytest

from service.core.crl.support import unsupported_feature
from tests.core.crl.findings import LEAF, URL, meta
from tests.pki import CrlOverrides, Entry, Extension, IssuingDistributionPoint, der

UNKNOWN: Final = Extension("1.2.3.4", der.null(), critical=True)
HARMLESS: Final = Extension("1.2.3.4", der.null())
OTHER_SERIAL: Final = 7


@pytest.mark.parametrize(
    ("overrides", "feature"),
    [
        (CrlOverrides(delta_base=1), "delta CRL"),
        (CrlOverrides(delta_base=0), "delta CRL"),
        (CrlOverrides(idp=IssuingDistributionPoint(indirect=True)), "indirect CRL"),
        (CrlOverrides(extensions=[UNKNOWN]), "1.2.3.4"),
        (CrlOverrides(revoked=[Entry(OTHER_SERIAL, extensions=[UNKNOWN])]), "1.2.3.4"),
        (CrlOverrides(revoked=[Entry(OTHER_SERIAL, certificate_issuer="Other")]), "certificateIssuer"),
    ],
)
def test_refused_by_name(overrides: CrlOverrides, feature: str) -> None:
    """A delta, an indirect CRL, and what is critical and unknown in the CRL or in anybody's entry."""
    assert feature == unsupported_feature(meta(**overrides))


@pytest.mark.parametrize(
    "overrides",
    [
        CrlOverrides(),
        CrlOverrides(version=1, revoked=[LEAF.serial]),
        CrlOverrides(idp=IssuingDistributionPoint([URL], only_user=True)),
        CrlOverrides(extensions=[HARMLESS], freshest_crl_urls=URL),
        CrlOverrides(revoked=[Entry(OTHER_SERIAL, "superseded", extensions=[HARMLESS])]),
    ],
)
def test_supported(overrides: CrlOverrides) -> None:
    """Complete CRLs with a scope, with extensions that nobody need know, and of version 1."""
    assert unsupported_feature(meta(**overrides)) is None


def test_the_kind_comes_first() -> None:
    """What the CRL is says more than what is in it."""
    indirect = IssuingDistributionPoint(indirect=True)
    assert "indirect CRL" == unsupported_feature(meta(idp=indirect, extensions=[UNKNOWN]))
    assert "delta CRL" == unsupported_feature(meta(idp=indirect, extensions=[UNKNOWN], delta_base=1))
