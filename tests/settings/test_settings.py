"""The settings themselves: defaults, bounds, contradictions, and what is made of them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.core.model.policy import EvidenceOrder, OcspNonce, Policy, Profile, RevocationMode, RevocationScope
from service.core.prefetch.schedule import Schedule
from service.settings import Settings, SettingsError
from service.settings.cores import allowed_cores
from tests.pki.authority import Authority
from tests.pki.desk import openssl
from tests.settings.given import ADMIN, TOKEN, load, problems_of

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
    "REVET_REVOCATION_MODE": "hard-fail",
    "REVET_REVOCATION_SCOPE": "chain",
    "REVET_EVIDENCE_ORDER": "crl-first",
    "REVET_PROFILE": "standard",
    "REVET_OCSP_NONCE": "off",
    "REVET_OCSP_TRUSTED_RESPONDERS": [],
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
    "REVET_LOG_LEVEL": "info",
    "REVET_LOG_FORMAT": "auto",
    "REVET_SHUTDOWN_GRACE_S": 10,
    "REVET_HANG_AFTER_S": 10,
}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of a certificate, its key, another key, a protected key, and a client CA."""
    directory = tmp_path_factory.mktemp("tls")
    for name in ("server", "other"):
        key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=x")
    openssl("pkey", "-in", directory / "server.key", "-aes256", "-passout", "pass:x", "-out", directory / "locked.key")
    (directory / "ca.pem").write_text(Authority.root("Callers").pem)
    (directory / "text").write_text("no PEM in here")
    return {path.name: str(path) for path in directory.iterdir()}


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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "revet.internal"])
def test_an_open_door_is_refused(host: str) -> None:
    """On an address that others can reach, somebody has to be asked who he is."""
    (problem,) = problems_of(HOST=host)
    assert problem.startswith(f"REVET_HOST is {host}, which others can reach, and anybody could ask")


@pytest.mark.parametrize("name", ["API_TOKENS", "ADMIN_TOKENS", "SHADOW_TOKENS"])
def test_tokens_close_the_door(name: str) -> None:
    """Either kind of token will do."""
    assert "0.0.0.0" == load(HOST="0.0.0.0", **{name: TOKEN}).host


def test_a_client_ca_closes_the_door(tls: dict[str, str]) -> None:
    """Whoever has no certificate does not get in."""
    settings = load(HOST="0.0.0.0", TLS_CERT=tls["server.crt"], TLS_KEY=tls["server.key"], TLS_CLIENT_CA=tls["ca.pem"])
    assert Path(tls["ca.pem"]) == settings.tls_client_ca


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PORT": "9000", "MANAGEMENT_PORT": "9000"}, "REVET_MANAGEMENT_PORT is 9000, and so is REVET_PORT (9000)"),
        ({"MANAGEMENT_HOST": "::1"}, "REVET_MANAGEMENT_HOST is ::1, but there is no REVET_MANAGEMENT_PORT"),
        ({"API_TOKENS": TOKEN, "ADMIN_TOKENS": TOKEN}, "REVET_API_TOKENS and REVET_ADMIN_TOKENS have 1 in common"),
        ({"API_TOKENS": TOKEN, "SHADOW_TOKENS": TOKEN}, "REVET_API_TOKENS and REVET_SHADOW_TOKENS have 1 in common"),
        ({"ADMIN_TOKENS": ADMIN, "SHADOW_TOKENS": ADMIN}, "REVET_ADMIN_TOKENS and REVET_SHADOW_TOKENS have 1 in"),
        (
            {"CRL_REFRESH_MIN_S": "7200"},
            "REVET_CRL_REFRESH_MIN_S is 7200, which is more than REVET_CRL_REFRESH_MAX_S (3600)",
        ),
        ({"CRL_RETRY_S": "61"}, "REVET_CRL_RETRY_S is 61, which is more than REVET_CRL_RETRY_MAX_S (60)"),
        ({"BREAKER_OPEN_MAX_S": "4.5"}, "REVET_BREAKER_OPEN_S is 5, which is more than REVET_BREAKER_OPEN_MAX_S (4.5)"),
        (
            {"MAX_REQUEST_BYTES": "2000", "MAX_BATCH_BYTES": "1999"},
            "REVET_MAX_BATCH_BYTES is 1999, which is less than REVET_MAX_REQUEST_BYTES (2000)",
        ),
    ],
)
def test_contradictions(given: dict[str, str], expected: str) -> None:
    """One problem with both values."""
    (problem,) = problems_of(**given)
    assert problem.startswith(expected)


def test_two_ports_of_the_kernel_s_choice() -> None:
    """Port 0 twice is two ports."""
    assert ("127.0.0.1", 0) == load(PORT="0", MANAGEMENT_PORT="0").management_address()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"TLS_CERT": "server.crt"}, "REVET_TLS_CERT is {server.crt}, but there is no REVET_TLS_KEY"),
        ({"TLS_KEY": "server.key"}, "REVET_TLS_KEY is {server.key}, but there is no REVET_TLS_CERT"),
        ({"TLS_CLIENT_CA": "ca.pem"}, "REVET_TLS_CLIENT_CA is {ca.pem}, but there is no REVET_TLS_CERT"),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "other.key"},
            "REVET_TLS_CERT is {server.crt} and REVET_TLS_KEY is {other.key}, which cannot be used together: key",
        ),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "locked.key"},
            "REVET_TLS_CERT is {server.crt} and REVET_TLS_KEY is {locked.key}, which cannot be used together: not PEM",
        ),
        (
            {"TLS_CERT": "server.crt", "TLS_KEY": "server.key", "TLS_CLIENT_CA": "text"},
            "REVET_TLS_CLIENT_CA is {text}, which cannot be used",
        ),
    ],
)
def test_tls_files_that_do_not_go_together(tls: dict[str, str], given: dict[str, str], expected: str) -> None:
    """Found at the start, and not with the first handshake."""
    (problem,) = problems_of(**{name: tls[file] for name, file in given.items()})
    for file, path in tls.items():
        expected = expected.replace(f"{{{file}}}", path)
    assert problem.startswith(expected)


def test_a_contradiction_cannot_be_made_past_the_loader() -> None:
    """Whoever makes settings by hand is held to the same rules."""
    with pytest.raises(ValidationError, match="REVET_MANAGEMENT_PORT is 9000, and so is REVET_PORT"):
        Settings(data_dir=Path("/data"), port=9000, management_port=9000)
