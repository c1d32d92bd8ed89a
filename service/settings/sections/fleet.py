"""Replicas that share a Redis."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.fleet import FleetKeys, FleetPrefix, RedisUrl, ReplicaName
from service.settings.shown import DOCUMENTED, Shown
from service.settings.values import ReadableFile, Seconds

MAX_SHARED_AGE_S: Final = 86_400
"""A day, as for verdicts: for so long whoever owns Redis can withhold a CRL that is newer than one he has recorded."""


class Fleet(BaseModel):
    """Replicas that share a Redis."""

    model_config = DOCUMENTED

    redis_url: RedisUrl | None = None
    """What the replicas share. Never shown: there may be a password in it."""
    redis_url_file: ReadableFile | None = None
    """The same, in one line."""
    redis_prefix: FleetPrefix = "revet"
    """What all names in it begin with, 64 characters at most, a letter or digit first: fleets that share one Redis
    differ in it."""
    redis_ca_bundle: ReadableFile | None = None
    """Certificate authorities (PEM) of its certificate, in place of the system's."""
    redis_client_cert: ReadableFile | None = None
    """The certificate (PEM) to present to it, with the intermediates after it."""
    redis_client_key: ReadableFile | None = None
    """Its private key (PEM), without a passphrase."""
    fleet_key: FleetKeys = ()
    """Authenticates what replicas write: the first key makes, both are accepted. Each has 16 characters at least,
    printable ASCII without blanks and commas; `openssl rand -base64 32` makes a good one."""
    fleet_key_file: ReadableFile | None = None
    """The same, one a line."""
    replica_name: Annotated[ReplicaName, Shown(default="the host's name")] = "replica"
    """What this replica is called among the others, 128 characters at most. Each has a name of its own: in Kubernetes
    the pod's, which is the host's."""
    max_shared_age_s: Annotated[Seconds, Field(ge=1, le=MAX_SHARED_AGE_S)] = 3_600.0
    """How long ago what comes out of Redis may have been fetched before the origin is asked instead: for so long
    whoever owns Redis, and has recorded what replicas wrote, can withhold what is newer."""
