"""The settings themselves: defaults, what is shown of them, and what is made of them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.core.model.policy import (
    EvidenceOrder,
    KeyPurpose,
    OcspNonce,
    Policy,
    Profile,
    RevocationMode,
    RevocationScope,
)
from service.core.prefetch.schedule import Schedule
from service.settings import SettingsError
from service.settings.cores import allowed_cores
from service.settings.fleet import own_name
from tests.settings.given import ADMIN, TOKEN, load

DEFAULTS: dict[str, object] = {
    "REVET_HOST": "127.0.0.1",
    "REVET_PORT": 8080,
    "REVET_WORKERS": allowed_cores(),
    "REVET_MANAGEMENT_HOST": None,
    "REVET_MANAGEMENT_PORT": None,
    "REVET_TRUST_STORE": None,
    "REVET_TRUST_STORE_DIR": None,
    "REVET_INTERMEDIATES": [],
    "REVET_TRUST_STORE_POLL_S": 30,
    "REVET_DATA_DIR": "/home/somebody/.local/state/revet",
    "REVET_REDIS_URL": None,
    "REVET_REDIS_URL_FILE": None,
    "REVET_REDIS_PREFIX": "revet",
    "REVET_REDIS_CA_BUNDLE": None,
    "REVET_REDIS_CLIENT_CERT": None,
    "REVET_REDIS_CLIENT_KEY": None,
    "REVET_FLEET_KEY": [],
    "REVET_FLEET_KEY_FILE": None,
    "REVET_REPLICA_NAME": own_name(),
    "REVET_MAX_SHARED_AGE_S": 3600,
    "REVET_REVOCATION_MODE": "hard-fail",
    "REVET_REVOCATION_SCOPE": "chain",
    "REVET_EVIDENCE_ORDER": "crl-first",
    "REVET_PROFILE": "standard",
    "REVET_OCSP_NONCE": "off",
    "REVET_OCSP_TRUSTED_RESPONDERS": [],
    "REVET_KEY_PURPOSE": "client",
    "REVET_MAX_VERDICT_TTL_S": 60,
    "REVET_CLOCK_SKEW_S": 60,
    "REVET_GRACE_S": 0,
    "REVET_DEADLINE_MS": 500,
    "REVET_ALLOW_REQUEST_OVERRIDES": False,
    "REVET_VERDICT_CACHE_ENTRIES": 20_000,
    "REVET_SHADOW": False,
    "REVET_SHADOW_TRUST_STORES": [],
    "REVET_ISSUER": [],
    "REVET_CRL_SOURCES": [],
    "REVET_CRL_MAP": [],
    "REVET_CRL_REFRESH_FRACTION": 0.5,
    "REVET_CRL_REFRESH_MIN_S": 60,
    "REVET_CRL_REFRESH_MAX_S": 3600,
    "REVET_CRL_REFRESH_OVERRIDES": [],
    "REVET_CRL_RETRY_S": 5,
    "REVET_CRL_RETRY_MAX_S": 60,
    "REVET_CRL_FIRST_DELAY_S": 2,
    "REVET_CRL_LEARNED_MAX": 4096,
    "REVET_OCSP_REFRESH_FRACTION": 0.5,
    "REVET_AUTHORIZE_FRONTS": ["alb-passthrough", "alb-verify", "nginx", "envoy", "traefik", "rfc9440"],
    "REVET_AUTHORIZE_HEADER_ALB_PASSTHROUGH": "X-Amzn-Mtls-Clientcert",
    "REVET_AUTHORIZE_HEADER_ALB_VERIFY": "X-Amzn-Mtls-Clientcert-Leaf",
    "REVET_AUTHORIZE_HEADER_NGINX": "X-SSL-Client-Cert",
    "REVET_AUTHORIZE_HEADER_ENVOY": "X-Forwarded-Client-Cert",
    "REVET_AUTHORIZE_HEADER_TRAEFIK": "X-Forwarded-Tls-Client-Cert",
    "REVET_AUTHORIZE_HEADER_RFC9440": "Client-Cert",
    "REVET_AUTHORIZE_HEADER_RFC9440_CHAIN": "Client-Cert-Chain",
    "REVET_MAX_REQUEST_BYTES": 2**20,
    "REVET_MAX_BATCH_BYTES": 8 * 2**20,
    "REVET_MAX_INTERMEDIATES": 100,
    "REVET_MAX_CRL_BYTES": 128 * 2**20,
    "REVET_FETCH_TIMEOUT_S": 30,
    "REVET_OCSP_TIMEOUT_S": 2,
    "REVET_FETCH_CONCURRENCY": 8,
    "REVET_FETCH_BANDWIDTH_BPS": None,
    "REVET_PENDING_MAX_BYTES": 256 * 2**20,
    "REVET_BREAKER_FAILURES": 3,
    "REVET_BREAKER_OPEN_S": 5,
    "REVET_BREAKER_OPEN_MAX_S": 60,
    "REVET_EGRESS_ALLOW": [],
    "REVET_EGRESS_PROXY": None,
    "REVET_EGRESS_CA_BUNDLE": None,
    "REVET_API_TOKENS": [],
    "REVET_API_TOKENS_FILE": None,
    "REVET_ADMIN_TOKENS": [],
    "REVET_ADMIN_TOKENS_FILE": None,
    "REVET_SHADOW_TOKENS": [],
    "REVET_SHADOW_TOKENS_FILE": None,
    "REVET_TLS_CERT": None,
    "REVET_TLS_KEY": None,
    "REVET_TLS_CLIENT_CA": None,
    "REVET_RATE_LIMIT_PER_S": None,
    "REVET_RATE_LIMIT_BURST": None,
    "REVET_MAX_CALLER_CONCURRENCY": None,
    "REVET_LOG_LEVEL": "info",
    "REVET_LOG_FORMAT": "auto",
    "REVET_LOG_ALLOWS_PER_S": 1.0,
    "REVET_TRACING": "off",
    "REVET_AUDIT_LOG": None,
    "REVET_DECISIONS_KEEP_S": 604_800.0,
    "REVET_DECISIONS_MAX_MB": 256,
    "REVET_DECISIONS_KEEP_ALLOWS": False,
    "REVET_MAX_CONNECTIONS": 4096,
    "REVET_MAX_EVENT_STREAMS": 32,
    "REVET_HEAD_TIMEOUT_S": 30,
    "REVET_DRAIN_S": 3,
    "REVET_SHUTDOWN_GRACE_S": 10,
    "REVET_HANG_AFTER_S": 10,
}


def test_defaults() -> None:
    """The names and defaults that operators rely on."""
    assert DEFAULTS == load().masked()


def test_settings_do_not_change() -> None:
    """A worker never sees another value than its neighbour."""
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.__setattr__("port", 1)


def test_nothing_is_read_behind_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own environment counts only where it is handed over."""
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("REVET_PORT", "1")
    assert 8080 == load().port


def test_secrets_are_never_shown() -> None:
    """Neither in a traceback nor by `config show`, which is fit for JSON."""
    settings = load(API_TOKENS=TOKEN, ADMIN_TOKENS=f"{ADMIN},{ADMIN}2")
    shown = json.dumps(settings.masked())
    assert {"REVET_API_TOKENS": ["**********"], "REVET_ADMIN_TOKENS": ["**********"] * 2}.items() <= json.loads(
        shown
    ).items()
    assert not [text for text in (shown, repr(settings), str(settings)) if TOKEN in text or ADMIN in text]


def test_policy() -> None:
    """What a verdict depends on, in the core's own types."""
    settings = load(
        REVOCATION_MODE="require",
        REVOCATION_SCOPE="leaf",
        EVIDENCE_ORDER="both",
        PROFILE="strict",
        OCSP_NONCE="require",
        KEY_PURPOSE="any",
        CLOCK_SKEW_S="5",
        GRACE_S="3600",
        MAX_VERDICT_TTL_S="0.5",
    )
    expected = Policy(
        revocation_mode=RevocationMode.REQUIRE,
        revocation_scope=RevocationScope.LEAF,
        evidence_order=EvidenceOrder.BOTH,
        profile=Profile.STRICT,
        ocsp_nonce=OcspNonce.REQUIRE,
        key_purpose=KeyPurpose.ANY,
        clock_skew=timedelta(seconds=5),
        grace=timedelta(hours=1),
        max_verdict_ttl=timedelta(milliseconds=500),
    )
    assert expected == settings.policy()


def test_the_default_policy_is_the_core_s() -> None:
    """Two places write the defaults down, and they agree."""
    assert Policy() == load().policy()


def test_schedule() -> None:
    """When CRLs are refreshed, in the core's own type."""
    settings = load(
        CRL_REFRESH_FRACTION="0.25",
        CRL_REFRESH_MIN_S="1",
        CRL_REFRESH_MAX_S="2",
        CRL_RETRY_S="3",
        CRL_RETRY_MAX_S="4",
        CRL_FIRST_DELAY_S="0",
        CRL_LEARNED_MAX="5",
    )
    expected = Schedule(
        fraction=0.25,
        minimum=timedelta(seconds=1),
        maximum=timedelta(seconds=2),
        retry_first=timedelta(seconds=3),
        retry_longest=timedelta(seconds=4),
        first_delay=timedelta(0),
        most_learned=5,
        salt=b"replica",
    )
    assert expected == settings.schedule(b"replica")


def test_the_default_schedule_is_the_core_s() -> None:
    """Here too two places agree."""
    assert Schedule() == load().schedule()


def test_the_management_address() -> None:
    """Its host is the API's unless it has one of its own."""
    assert [None, ("127.0.0.1", 9000), ("::1", 9000)] == [
        load().management_address(),
        load(MANAGEMENT_PORT="9000").management_address(),
        load(MANAGEMENT_PORT="9000", MANAGEMENT_HOST="::1").management_address(),
    ]


def test_a_service_needs_somebody_to_trust() -> None:
    """Commands that serve nobody do without a trust store; the service does not."""
    with pytest.raises(SettingsError, match="REVET_TRUST_STORE or REVET_TRUST_STORE_DIR is needed"):
        load().require_trust_store()


@pytest.mark.parametrize("name", ["TRUST_STORE", "TRUST_STORE_DIR"])
def test_one_place_of_trust_is_enough(tmp_path: Path, name: str) -> None:
    """A default store, or a directory of named ones."""
    load(**{name: str(tmp_path)}).require_trust_store()
