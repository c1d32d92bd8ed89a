"""What cannot be meant, although every single setting could: each finding names the settings and their values."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from service.application.redis_address import parse_redis_address
from service.application.tls_material import TlsMaterialError, load_authorities, load_pair
from service.application.tokens import digest_of_entry
from service.settings.fields import Fields
from service.settings.files import are_checked
from service.settings.repeating import hidden
from service.settings.values import is_loopback

TOKENS: Final = ("api_tokens", "admin_tokens", "shadow_tokens")
"""The settings that are bearer tokens; each can come out of a file as well."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Settings that do not go together.

    Attributes:
        fields: Which.
        text: A sentence with their values.
    """

    fields: tuple[str, ...]
    text: str


def contradictions(settings: Fields) -> tuple[Contradiction, ...]:
    """Find all of them."""
    return (
        *_ports(settings),
        *_access(settings),
        *_tokens(settings),
        *_tls(settings),
        *_redis(settings),
        *_headers(settings),
        *_sizes(settings),
        *_callers(settings),
        *_intervals(settings),
    )


def _ports(settings: Fields) -> Iterator[Contradiction]:
    if settings.management_port is None:
        if settings.management_host is not None:
            yield Contradiction(
                ("management_host", "management_port"),
                f"REVET_MANAGEMENT_HOST is {settings.management_host}, but there is no REVET_MANAGEMENT_PORT",
            )
    elif settings.management_port == settings.port != 0:
        yield Contradiction(
            ("port", "management_port"),
            f"REVET_MANAGEMENT_PORT is {settings.management_port}, and so is REVET_PORT ({settings.port}): "
            "it needs a port of its own",
        )


def _access(settings: Fields) -> Iterator[Contradiction]:
    # A file counts that is left alone: whoever reads it refuses an empty one.
    tokens = any(getattr(settings, name) or getattr(settings, f"{name}_file") for name in TOKENS)
    if not (is_loopback(settings.host) or tokens or settings.tls_client_ca is not None):
        yield Contradiction(
            ("host", *(name for kind in TOKENS for name in (kind, f"{kind}_file")), "tls_client_ca"),
            f"REVET_HOST is {settings.host}, which others can reach, and anybody could ask: give REVET_API_TOKENS, "
            "REVET_ADMIN_TOKENS (or their _FILE), or REVET_TLS_CLIENT_CA",
        )


def _tokens(settings: Fields) -> Iterator[Contradiction]:
    kinds = {
        "api_tokens": settings.api_tokens,
        "admin_tokens": settings.admin_tokens,
        "shadow_tokens": settings.shadow_tokens,
    }
    for (one, tokens), (other, others) in combinations(kinds.items(), 2):
        both = len(_digests(tokens) & _digests(others))
        if both:
            yield Contradiction(
                (one, f"{one}_file", other, f"{other}_file"),
                f"REVET_{one.upper()} and REVET_{other.upper()} have {both} in common: whose token is it? "
                "An administrator's token is a caller's as well, and so is one in shadow: each is given once",
            )


def _digests(tokens: tuple[SecretStr, ...]) -> set[bytes]:
    """A token and its digest are the same token."""
    return {digest_of_entry(token.get_secret_value()) for token in tokens}


def _tls(settings: Fields) -> Iterator[Contradiction]:
    match settings.tls_cert, settings.tls_key:
        case None, None:
            if settings.tls_client_ca is not None:
                yield Contradiction(
                    ("tls_client_ca", "tls_cert", "tls_key"),
                    f"REVET_TLS_CLIENT_CA is {settings.tls_client_ca}, but there is no REVET_TLS_CERT: "
                    "callers present certificates in TLS only",
                )
        case certificate, None:
            yield Contradiction(
                ("tls_cert", "tls_key"), f"REVET_TLS_CERT is {certificate}, but there is no REVET_TLS_KEY"
            )
        case None, key:
            shown = _named("tls_key", key)
            yield Contradiction(("tls_cert", "tls_key"), f"REVET_TLS_KEY{shown}, but there is no REVET_TLS_CERT")
        case certificate, key:
            if not are_checked():
                return
            yield from _unusable_pair(("tls_cert", certificate), ("tls_key", key))
            if settings.tls_client_ca is not None:
                yield from _unusable_authorities("tls_client_ca", settings.tls_client_ca)


def _unusable_pair(certificate: tuple[str, Path | None], key: tuple[str, Path | None]) -> Iterator[Contradiction]:
    """Try what will be done with them: two files that exist may still not belong together."""
    (cert_field, cert_path), (key_field, key_path) = certificate, key
    if cert_path is None or key_path is None:
        return
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), cert_path, key_path)
    except TlsMaterialError as error:
        yield Contradiction(
            (cert_field, key_field),
            f"REVET_{cert_field.upper()} is {cert_path} and REVET_{key_field.upper()}{_named(key_field, key_path)}, "
            f"which cannot be used together: {error}",
        )


def _named(field: str, path: Path | None) -> str:
    """The file of a secret, if that is what was given."""
    why_not = hidden(field, path)
    return f" is {path}" if why_not is None else why_not


def _unusable_authorities(field: str, path: Path) -> Iterator[Contradiction]:
    try:
        load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), path)
    except TlsMaterialError as error:
        yield Contradiction((field,), f"REVET_{field.upper()} is {path}, which cannot be used: {error}")


def _redis(settings: Fields) -> Iterator[Contradiction]:
    match settings.redis_client_cert, settings.redis_client_key:
        case None, None:
            pass
        case certificate, None:
            yield Contradiction(
                ("redis_client_cert", "redis_client_key"),
                f"REVET_REDIS_CLIENT_CERT is {certificate}, but there is no REVET_REDIS_CLIENT_KEY",
            )
        case None, key:
            yield Contradiction(
                ("redis_client_cert", "redis_client_key"),
                f"REVET_REDIS_CLIENT_KEY{_named('redis_client_key', key)}, but there is no REVET_REDIS_CLIENT_CERT",
            )
        case certificate, key:
            yield from _unusable_pair(("redis_client_cert", certificate), ("redis_client_key", key))
    if settings.redis_ca_bundle is not None:
        yield from _unusable_authorities("redis_ca_bundle", settings.redis_ca_bundle)
    if settings.redis_url is None or parse_redis_address(settings.redis_url.get_secret_value()).tls:
        return
    for field in ("redis_ca_bundle", "redis_client_cert"):
        path = getattr(settings, field)
        if path is not None:
            yield Contradiction(
                (field, "redis_url"),
                f"REVET_{field.upper()} is {path}, but REVET_REDIS_URL is one without TLS: rediss:// or "
                "rediss+cluster:// is needed",
            )


def _callers(settings: Fields) -> Iterator[Contradiction]:
    if settings.rate_limit_burst is not None and settings.rate_limit_per_s is None:
        yield Contradiction(
            ("rate_limit_burst", "rate_limit_per_s"),
            f"REVET_RATE_LIMIT_BURST is {settings.rate_limit_burst}, but there is no REVET_RATE_LIMIT_PER_S: "
            "nothing would be limited",
        )


def _intervals(settings: Fields) -> Iterator[Contradiction]:
    yield from _ordered("crl_retry_s", settings.crl_retry_s, "crl_retry_max_s", settings.crl_retry_max_s)
    yield from _ordered("breaker_open_s", settings.breaker_open_s, "breaker_open_max_s", settings.breaker_open_max_s)
    least, most = settings.crl_refresh_min_s, settings.crl_refresh_max_s
    yield from _ordered("crl_refresh_min_s", least, "crl_refresh_max_s", most)
    seen: set[str] = set()
    for number, one in enumerate(settings.crl_refresh_overrides, 1):
        place = f"crl_refresh_overrides[{number}]"
        if one.prefix in seen:
            yield Contradiction(("crl_refresh_overrides",), f"{place} has the prefix {one.prefix!r}, as one before it")
        seen.add(one.prefix)
        shortest = least if one.min_s is None else one.min_s
        longest = most if one.max_s is None else one.max_s
        if shortest > longest and (one.min_s is not None or one.max_s is not None):
            yield Contradiction(
                ("crl_refresh_overrides", "crl_refresh_min_s", "crl_refresh_max_s"),
                f"{place} for {one.prefix!r} makes {shortest:g} s the shortest interval and {longest:g} s the longest",
            )


def _ordered(lower: str, low: float, upper: str, high: float) -> Iterator[Contradiction]:
    if low > high:
        yield Contradiction(
            (lower, upper), f"REVET_{lower.upper()} is {low:g}, which is more than REVET_{upper.upper()} ({high:g})"
        )


def _headers(settings: Fields) -> Iterator[Contradiction]:
    leaf, chain = settings.authorize_header_rfc9440, settings.authorize_header_rfc9440_chain
    if leaf.lower() == chain.lower():
        yield Contradiction(
            ("authorize_header_rfc9440", "authorize_header_rfc9440_chain"),
            f"REVET_AUTHORIZE_HEADER_RFC9440 is {leaf}, and so is REVET_AUTHORIZE_HEADER_RFC9440_CHAIN ({chain}): "
            "the certificate and its chain come in two headers",
        )


def _sizes(settings: Fields) -> Iterator[Contradiction]:
    if settings.max_batch_bytes < settings.max_request_bytes:
        yield Contradiction(
            ("max_batch_bytes", "max_request_bytes"),
            f"REVET_MAX_BATCH_BYTES is {settings.max_batch_bytes}, which is less than REVET_MAX_REQUEST_BYTES "
            f"({settings.max_request_bytes}): a batch of one request would not fit",
        )
