"""How, and what, may be fetched."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.shown import DOCUMENTED
from service.settings.values import EgressList, Proxy, ReadableFile, Seconds, Whole

MIB: Final = 2**20

MAX_FETCH_TIMEOUT_S: Final = 600
"""Ten minutes: 128 MiB at 2 Mbit/s."""

MAX_OCSP_TIMEOUT_S: Final = 60
"""A minute: a request waits for an answer, and no request may take longer."""

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

MAX_RETRY_S: Final = 3_600
"""An hour, for what waits after failures: a certificate authority that is back must not stay unnoticed for a day."""


class Fetching(BaseModel):
    """How, and what, may be fetched."""

    model_config = DOCUMENTED

    fetch_timeout_s: Annotated[Seconds, Field(gt=0, le=MAX_FETCH_TIMEOUT_S)] = 30.0
    """For one CRL: name, connection, redirects, the last byte."""
    ocsp_timeout_s: Annotated[Seconds, Field(gt=0, le=MAX_OCSP_TIMEOUT_S)] = 2.0
    """For one OCSP answer, likewise."""
    fetch_concurrency: Annotated[Whole, Field(ge=1, le=MAX_CONCURRENCY)] = 8
    """CRLs that are fetched at one time."""
    fetch_bandwidth_bps: Annotated[Whole, Field(ge=MIN_BANDWIDTH, le=MAX_BANDWIDTH)] | None = None
    """Octets a second of all CRLs that are fetched together."""
    pending_max_bytes: Annotated[Whole, Field(ge=0, le=MAX_PENDING_BYTES)] = 256 * MIB
    """Of CRLs whose issuer is not known yet, together (256 MiB); 0 keeps none."""
    breaker_failures: Annotated[Whole, Field(ge=1, le=MAX_BREAKER_FAILURES)] = 3
    """In a row, after which a host is left alone."""
    breaker_open_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 5.0
    """For how long at first; doubled each time that it still fails."""
    breaker_open_max_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 60.0
    """Where doubling ends."""
    egress_allow: EgressList = ()
    """Where URLs out of certificates may lead although it is private, loopback or link-local. A host name means that
    one exactly."""
    egress_proxy: Proxy | None = None
    """Through which URLs out of certificates are fetched. Proxies of the environment are never used."""
    egress_ca_bundle: ReadableFile | None = None
    """Certificate authorities for https fetches, besides the system's."""
