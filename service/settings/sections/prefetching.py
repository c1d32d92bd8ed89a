"""CRLs before anybody asks for them."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.places import CrlMap, CrlSources
from service.settings.shown import DOCUMENTED
from service.settings.tables import MAX_FRACTION, MAX_REFRESH_S, MIN_FRACTION, Overrides
from service.settings.values import Seconds, Whole

MAX_RETRY_S: Final = 3_600
"""An hour, for what waits after failures: a certificate authority that is back must not stay unnoticed for a day."""

MAX_LEARNED: Final = 100_000
"""Sources that are learned from certificates: each is a row of 1 kB and a request of every refresh."""


class Prefetching(BaseModel):
    """CRLs before anybody asks for them."""

    model_config = DOCUMENTED

    crl_sources: CrlSources = ()
    """Where CRLs are published. A file or a directory can be read when the service starts."""
    crl_map: CrlMap = ()
    """What a distribution point's URL begins with, and where its CRLs are in fact:
    `http://crl.example/=s3://bucket/crl/`. Both end in `/`, and of several that fit the longest is taken; or
    neither does, and one URL is meant, exactly. What stands on the right is the operator's word."""
    crl_refresh_fraction: Annotated[Seconds, Field(ge=MIN_FRACTION, le=MAX_FRACTION)] = 0.5
    """Part of a CRL's validity after which a newer one is looked for."""
    crl_refresh_min_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] = 60.0
    """Between a success and the next attempt, at least."""
    crl_refresh_max_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] = 3_600.0
    """Between a success and the next attempt, at most: for how long a revocation may stay unseen while everything
    works."""
    crl_refresh_overrides: Overrides = ()
    """Other intervals for some places, in the TOML file alone:
    [`[[crl_refresh_overrides]]`](#other-intervals-for-some-places)."""
    crl_retry_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 5.0
    """After the first failure; doubled by each further one."""
    crl_retry_max_s: Annotated[Seconds, Field(gt=0, le=MAX_RETRY_S)] = 60.0
    """Where doubling ends."""
    crl_first_delay_s: Annotated[Seconds, Field(ge=0, le=MAX_RETRY_S)] = 2.0
    """Before the first attempt, at most; how long is chance, so that many replicas do not come at once."""
    crl_learned_max: Annotated[Whole, Field(ge=0, le=MAX_LEARNED)] = 4_096
    """Places learned from certificates that are kept refreshed; the one that was not used for longest is forgotten."""
    ocsp_refresh_fraction: Annotated[Seconds, Field(ge=MIN_FRACTION, le=MAX_FRACTION)] = 0.5
    """Part of an OCSP answer's validity after which a newer one is looked for, where it is in use."""
