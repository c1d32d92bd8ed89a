"""Values of single settings: what is within bounds is taken as it is meant, the rest is refused by name."""

import pytest

from tests.settings.given import load, problems_of


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("MANAGEMENT_PORT", "65536"),
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("HOST", "no host"),
        ("HOST", "[::1]"),
        ("HOST", "127.1"),
        ("REVOCATION_MODE", "fail"),
        ("REVOCATION_SCOPE", "all"),
        ("EVIDENCE_ORDER", "crl"),
        ("PROFILE", "lax"),
        ("OCSP_NONCE", "on"),
        ("OCSP_TRUSTED_RESPONDERS", "/nowhere.pem"),
        ("MAX_VERDICT_TTL_S", "86401"),
        ("MAX_VERDICT_TTL_S", "-1"),
        ("CLOCK_SKEW_S", "3601"),
        ("GRACE_S", "31622401"),
        ("GRACE_S", "nan"),
        ("DEADLINE_MS", "0"),
        ("DEADLINE_MS", "60001"),
        ("MAX_REQUEST_BYTES", "0"),
        ("MAX_REQUEST_BYTES", "67108865"),
        ("MAX_BATCH_BYTES", "268435457"),
        ("MAX_INTERMEDIATES", "1001"),
        ("MAX_CRL_BYTES", "1073741825"),
        ("FETCH_TIMEOUT_S", "0"),
        ("FETCH_TIMEOUT_S", "601"),
        ("OCSP_TIMEOUT_S", "inf"),
        ("OCSP_TIMEOUT_S", "61"),
        ("EGRESS_ALLOW", "10.0.0.1/8"),
        ("EGRESS_ALLOW", "ca.internal:8080"),
        ("EGRESS_ALLOW", "http://ca.internal"),
        ("EGRESS_PROXY", "https://proxy:3128"),
        ("EGRESS_PROXY", "http://proxy:3128/path"),
        ("EGRESS_PROXY", "http://proxy:0"),
        ("EGRESS_PROXY", "http://proxy:99999"),
        ("EGRESS_PROXY", "proxy"),
        ("EGRESS_CA_BUNDLE", "/nowhere.pem"),
        ("ALLOW_REQUEST_OVERRIDES", "maybe"),
        ("LOG_FORMAT", "xml"),
        ("SHUTDOWN_GRACE_S", "3601"),
        ("HANG_AFTER_S", "0.5"),
        ("TRUST_STORE_POLL_S", "0.5"),
        ("VERDICT_CACHE_ENTRIES", "-1"),
        ("VERDICT_CACHE_ENTRIES", "1000001"),
        ("SHADOW", "perhaps"),
        ("SHADOW_TRUST_STORES", "a/b"),
        ("CRL_REFRESH_FRACTION", "0"),
        ("CRL_REFRESH_FRACTION", "1"),
        ("OCSP_REFRESH_FRACTION", "0.96"),
        ("CRL_REFRESH_MIN_S", "0"),
        ("CRL_REFRESH_MAX_S", "2678401"),
        ("CRL_RETRY_S", "0"),
        ("CRL_RETRY_MAX_S", "3601"),
        ("CRL_FIRST_DELAY_S", "-1"),
        ("CRL_LEARNED_MAX", "100001"),
        ("FETCH_CONCURRENCY", "0"),
        ("FETCH_CONCURRENCY", "65"),
        ("FETCH_BANDWIDTH_BPS", "1023"),
        ("PENDING_MAX_BYTES", "-1"),
        ("BREAKER_FAILURES", "0"),
        ("BREAKER_OPEN_S", "0"),
        ("TRUST_STORE", "/nowhere.pem"),
        ("TRUST_STORE_DIR", "/dev/null"),
        ("TRUST_STORE", "/dev/null"),
        ("INTERMEDIATES", "/nowhere.pem"),
        ("TLS_CERT", "/"),
        ("TLS_KEY", "/" + "x" * 300),
        ("TRUST_STORE", "/" + "x" * 300),
        ("TRUST_STORE_DIR", "/" + "x" * 300),
    ],
)
def test_a_value_out_of_bounds(name: str, value: str) -> None:
    """One problem, which names the setting and repeats the value."""
    problem = problems_of(**{name: value})[0]
    assert problem.startswith(f"REVET_{name} is {value!r}: ")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "0", 0),
        ("PORT", "65535", 65535),
        ("HOST", "localhost", "localhost"),
        ("HOST", "127.5.5.5", "127.5.5.5"),
        ("HOST", "::1", "::1"),
        ("GRACE_S", "31622400", 31622400),
        ("MAX_VERDICT_TTL_S", "0", 0),
        ("MAX_INTERMEDIATES", "0", 0),
        (
            "EGRESS_ALLOW",
            "ca.internal, 10.0.0.0/8,fd00::/8,192.0.2.1,",
            ["ca.internal", "10.0.0.0/8", "fd00::/8", "192.0.2.1"],
        ),
        ("EGRESS_PROXY", "http://proxy:3128", "http://proxy:3128"),
        ("EGRESS_PROXY", "http://[::1]:3128/", "http://[::1]:3128/"),
        ("EGRESS_CA_BUNDLE", __file__, __file__),
        ("INTERMEDIATES", f"{__file__} , /tmp", [__file__, "/tmp"]),  # noqa: S108 - a directory that is there
        ("ALLOW_REQUEST_OVERRIDES", "true", True),
        ("SHUTDOWN_GRACE_S", " 0.5 ", 0.5),
        ("LOG_LEVEL", "debug", "debug"),
        ("SHADOW", "true", True),
        ("SHADOW_TRUST_STORES", "default, partners.2026", ["default", "partners.2026"]),
        ("FETCH_BANDWIDTH_BPS", "1024", 1024),
        ("PENDING_MAX_BYTES", "0", 0),
        ("VERDICT_CACHE_ENTRIES", "0", 0),
        ("CRL_LEARNED_MAX", "0", 0),
    ],
)
def test_a_value_within_bounds(name: str, value: str, expected: object) -> None:
    """Taken as it is meant."""
    assert expected == load(**{name: value}).masked()[f"REVET_{name}"]
