"""Every setting of this version: its name, type, bounds and default.

The field `trust_store` is `REVET_TRUST_STORE` in the environment and `trust_store` in a TOML file. What two settings
mean together is judged in `contradictions`, and where the values come from is `loading`'s business.
"""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.application.log_options import LogFormat, LogLevel
from service.core.model.policy import EvidenceOrder, OcspNonce, Profile, RevocationMode, RevocationScope
from service.settings.fleet import FleetKeys, FleetPrefix, RedisUrl, ReplicaName
from service.settings.issuers import Issuers
from service.settings.places import CrlMap, CrlSources, StoreNames, TrustStorePlace
from service.settings.tables import MAX_FRACTION, MAX_REFRESH_S, MIN_FRACTION, Overrides
from service.settings.values import (
    MAX_GRACE_S,
    EgressList,
    Host,
    Port,
    Proxy,
    ReadableDirectory,
    ReadableFile,
    ReadableList,
    Seconds,
    Tokens,
    Whole,
)

MIB: Final = 2**20

MAX_WORKERS: Final = 256
"""Worker processes at most: more cores than any machine on offer gives to one service; each costs 60 MB or more."""

MAX_VERDICT_TTL_S: Final = 86_400
"""A day: CRLs are commonly issued once a day, and a verdict that lives longer would hide the next one."""

MAX_SHARED_AGE_S: Final = 86_400
"""A day, as for verdicts: for so long whoever owns Redis can withhold a CRL that is newer than one he has recorded."""

MAX_CLOCK_SKEW_S: Final = 3_600
"""An hour: the usual tolerance is minutes (Kerberos: five); more is a clock to repair."""

MAX_DEADLINE_MS: Final = 60_000
"""A minute: what a load balancer waits for (ALB: 60 s by default; API Gateway: 29 s)."""

MAX_REQUEST_BYTES: Final = 64 * MIB
"""Of one request: a body is held in memory, and one of these is two of the longest CRLs that anybody sends inline."""

MAX_BATCH_BYTES: Final = 256 * MIB
"""Of one batch, which is held in memory too."""

MAX_CRL_BYTES: Final = 1_024 * MIB
"""Of one CRL: the default has room for three million entries, this for over twenty million."""

MAX_FETCH_TIMEOUT_S: Final = 600
"""Ten minutes: 128 MiB at 2 Mbit/s."""

MAX_OCSP_TIMEOUT_S: Final = 60
"""A minute: a request waits for an answer, and no request may take longer."""

MAX_PROCESS_WAIT_S: Final = 3_600
"""An hour, for the patience with processes that end or hang."""

MAX_RETRY_S: Final = 3_600
"""An hour, for what waits after failures: a certificate authority that is back must not stay unnoticed for a day."""

MAX_LEARNED: Final = 100_000
"""Sources that are learned from certificates: each is a row of 1 kB and a request of every refresh."""

MAX_CONCURRENCY: Final = 64
"""Fetches at one time: each may fill a spool file, and more than this only compete for one line."""

MIN_BANDWIDTH: Final = 1_024
"""A kibioctet a second: with less no CRL arrives before it is replaced."""

MAX_BANDWIDTH: Final = 10 * 1_024 * MIB
"""Ten gibioctets a second: faster than the line of any host."""

MAX_PENDING_BYTES: Final = 64 * 1_024 * MIB
"""Of CRLs whose issuer is not known: 64 GiB of a disk is more than all CRLs of the public web."""

MAX_BREAKER_FAILURES: Final = 1_000
"""In a row: a breaker that needs more never opens."""

MAX_TRUST_STORE_POLL_S: Final = 86_400
"""A day: an anchor that was taken away must not stay trusted for longer."""

MAX_CACHED_VERDICTS: Final = 1_000_000
"""Of one worker, some kilobytes each."""

MAX_INTERMEDIATES: Final = 1_000
"""Of one request: path building has a budget, but reading a certificate costs 50 µs whether it is needed or not."""


class Fields(BaseSettings):
    """The settings one by one. Nothing is read from the environment here: `loading` gives what it has looked through.

    Otherwise a name that is nobody's would pass unnoticed, and a test would depend on the shell it runs in.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )

    host: Host = "127.0.0.1"
    """Address to listen at."""
    port: Port = 8080
    """Port of the API; 0 lets the kernel choose one."""
    workers: Annotated[Whole, Field(ge=1, le=MAX_WORKERS)] = 1
    """Processes that answer requests; `loading` puts the number of allowed cores here."""
    management_host: Host | None = None
    """Address for the management port; REVET_HOST where absent."""
    management_port: Port | None = None
    """/healthz, /readyz and /metrics on a port of their own, without client certificates; absent: on the main port."""

    trust_store: TrustStorePlace | None = None
    """The trust store called `default`: a PEM file, a directory of them, `s3://bucket/key`, or `https://…`."""
    trust_store_dir: ReadableDirectory | None = None
    """Every NAME.pem in it is a trust store called NAME."""
    intermediates: ReadableList = ()
    """PEM files, or directories of them, whose certificates are intermediates in every trust store."""
    trust_store_poll_s: Annotated[Seconds, Field(ge=1, le=MAX_TRUST_STORE_POLL_S)] = 30.0
    """How often a trust store that is no file is looked at for a change."""

    data_dir: Path
    """Where revocation evidence is kept: a local file system, for this user only."""

    redis_url: RedisUrl | None = None
    """What the replicas of a fleet share: a Redis, a cluster of them, or a socket; there may be a password in it."""
    redis_prefix: FleetPrefix = "revet"
    """What all names in it begin with: fleets that share one Redis differ in it."""
    redis_ca_bundle: ReadableFile | None = None
    """Certificate authorities of its certificate, in place of the system's."""
    redis_client_cert: ReadableFile | None = None
    """The certificate to present to it, with the intermediates after it."""
    redis_client_key: ReadableFile | None = None
    """Its private key, without a passphrase."""
    fleet_key: FleetKeys = ()
    """Authenticates what replicas write there: the first key makes, both are accepted."""
    fleet_key_file: ReadableFile | None = None
    """The same, one a line."""
    replica_name: ReplicaName = "replica"
    """What this replica is called among the others; `loading` puts the name of the host here."""
    max_shared_age_s: Annotated[Seconds, Field(ge=1, le=MAX_SHARED_AGE_S)] = 3_600.0
    """How long ago what comes out of Redis may have been fetched before the origin is asked instead."""

    revocation_mode: RevocationMode = RevocationMode.HARD_FAIL
    """How much evidence of not being revoked an allow needs."""
    revocation_scope: RevocationScope = RevocationScope.CHAIN
    """Which certificates of a path are asked about."""
    evidence_order: EvidenceOrder = EvidenceOrder.CRL_FIRST
    """Which methods are admitted, and which is fetched first."""
    profile: Profile = Profile.STANDARD
    """How much of what RFC 5280 demands of CRL issuers is insisted upon."""
    ocsp_nonce: OcspNonce = OcspNonce.OFF
    """Whether OCSP requests carry a nonce, and what becomes of answers without it."""
    ocsp_trusted_responders: ReadableList = ()
    """PEM files, or directories of them, with certificates of responders that answer for every issuer."""
    max_verdict_ttl_s: Annotated[Seconds, Field(ge=0, le=MAX_VERDICT_TTL_S)] = 60.0
    """For how long at most a caller may reuse an answer."""
    clock_skew_s: Annotated[Seconds, Field(ge=0, le=MAX_CLOCK_SKEW_S)] = 60.0
    """Tolerance around the times of evidence."""
    grace_s: Annotated[Seconds, Field(ge=0, le=MAX_GRACE_S)] = 0.0
    """How long after nextUpdate evidence still serves."""
    deadline_ms: Annotated[Whole, Field(ge=1, le=MAX_DEADLINE_MS)] = 500
    """For one request, fetches included."""
    allow_request_overrides: bool = False
    """Whether a request may carry `options`."""
    verdict_cache_entries: Annotated[Whole, Field(ge=0, le=MAX_CACHED_VERDICTS)] = 20_000
    """Verdicts that each worker keeps until something changes; 0 keeps none."""
    shadow: bool = False
    """Whether `revoked` and `revocation_unavailable` are recorded, and answered as allow."""
    shadow_trust_stores: StoreNames = ()
    """Trust stores for which they are."""

    issuer: Issuers = ()
    """Rules for the certificates of single issuers, the first that matches; in the TOML file alone."""

    crl_sources: CrlSources = ()
    """Places from which CRLs are fetched before anybody asks for them."""
    crl_map: CrlMap = ()
    """What the URL of a distribution point begins with, and where its CRLs are in fact."""
    crl_refresh_fraction: Annotated[Seconds, Field(ge=MIN_FRACTION, le=MAX_FRACTION)] = 0.5
    """Part of a CRL's validity after which a newer one is looked for."""
    crl_refresh_min_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] = 60.0
    """Between a success and the next attempt, at least."""
    crl_refresh_max_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] = 3_600.0
    """Between a success and the next attempt, at most."""
    crl_refresh_overrides: Overrides = ()
    """Other intervals for places that begin so; in the TOML file alone."""
    crl_retry_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 5.0
    """After the first failure; doubled by each further one."""
    crl_retry_max_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 60.0
    """Where doubling ends."""
    crl_first_delay_s: Annotated[Seconds, Field(ge=0, le=MAX_RETRY_S)] = 2.0
    """Before the first attempt, at most; how long is chance."""
    crl_learned_max: Annotated[Whole, Field(ge=0, le=MAX_LEARNED)] = 4_096
    """Places learned from certificates that are kept refreshed."""
    ocsp_refresh_fraction: Annotated[Seconds, Field(ge=MIN_FRACTION, le=MAX_FRACTION)] = 0.5
    """Part of an OCSP answer's validity after which a newer one is looked for, where it is in use."""

    max_request_bytes: Annotated[Whole, Field(ge=1, le=MAX_REQUEST_BYTES)] = MIB
    """Body of one request."""
    max_batch_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 8 * MIB
    """Body of one batch."""
    max_intermediates: Annotated[Whole, Field(ge=0, le=MAX_INTERMEDIATES)] = 100
    """Intermediates that one request may bring."""

    # Above every limit of the peers: Snowflake's drivers 20 MB, notation 32 MiB, ALB trust stores 50 MB.
    max_crl_bytes: Annotated[Whole, Field(ge=1, le=MAX_CRL_BYTES)] = 128 * MIB
    """One CRL, before and after decompression."""
    fetch_timeout_s: Annotated[Seconds, Field(gt=0, le=MAX_FETCH_TIMEOUT_S)] = 30.0
    """For one CRL: name, connection, redirects, the last byte."""
    ocsp_timeout_s: Annotated[Seconds, Field(gt=0, le=MAX_OCSP_TIMEOUT_S)] = 2.0
    """For one OCSP answer, likewise."""
    fetch_concurrency: Annotated[Whole, Field(ge=1, le=MAX_CONCURRENCY)] = 8
    """CRLs that are fetched at one time."""
    fetch_bandwidth_bps: Annotated[Whole, Field(ge=MIN_BANDWIDTH, le=MAX_BANDWIDTH)] | None = None
    """Octets a second of all CRLs that are fetched together."""
    pending_max_bytes: Annotated[Whole, Field(ge=0, le=MAX_PENDING_BYTES)] = 256 * MIB
    """Of CRLs whose issuer is not known yet, together; 0 keeps none."""
    breaker_failures: Annotated[Whole, Field(ge=1, le=MAX_BREAKER_FAILURES)] = 3
    """In a row, after which a host is left alone."""
    breaker_open_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 5.0
    """For how long at first; doubled each time that it still fails."""
    breaker_open_max_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 60.0
    """Where doubling ends."""
    egress_allow: EgressList = ()
    """Hosts and CIDRs that URLs out of certificates may lead to although they are not public."""
    egress_proxy: Proxy | None = None
    """http://host:port through which URLs out of certificates are fetched."""
    egress_ca_bundle: ReadableFile | None = None
    """Certificate authorities for https fetches, besides the system's."""

    api_tokens: Tokens = ()
    """Bearer tokens of callers."""
    api_tokens_file: ReadableFile | None = None
    """The same, one a line."""
    admin_tokens: Tokens = ()
    """Bearer tokens of administrators; each is a caller's token as well."""
    admin_tokens_file: ReadableFile | None = None
    """The same, one a line."""
    shadow_tokens: Tokens = ()
    """Bearer tokens of callers who are answered in shadow."""
    shadow_tokens_file: ReadableFile | None = None
    """The same, one a line."""
    tls_cert: ReadableFile | None = None
    """Serve HTTPS with this certificate and the intermediates after it."""
    tls_key: ReadableFile | None = None
    """Its private key, without a passphrase."""
    tls_client_ca: ReadableFile | None = None
    """Callers must present a certificate that one of these issued."""

    log_level: LogLevel = LogLevel.INFO
    """The least important events that are still written."""
    log_format: LogFormat = LogFormat.AUTO
    """`json`, `console`, or `auto`: console where standard error is a terminal."""
    shutdown_grace_s: Annotated[Seconds, Field(ge=0, le=MAX_PROCESS_WAIT_S)] = 10.0
    """How long processes may take to end after SIGTERM."""
    hang_after_s: Annotated[Seconds, Field(ge=1, le=MAX_PROCESS_WAIT_S)] = 10.0
    """A process that is silent for longer is replaced."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the constructor is given, and nothing else."""
        return (init_settings,)
