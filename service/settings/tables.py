"""Settings that are tables of the TOML file, each with members of its own."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from service.core.prefetch.schedule import Override
from service.settings.shown import Shown
from service.settings.values import Seconds

TABLES: Final = frozenset({"crl_refresh_overrides", "issuer"})
"""Settings that a line of text cannot hold: the environment has no say in them."""

MIN_FRACTION: Final = 0.05
"""A twentieth of a validity: what is refreshed more often than twenty times in it is not meant as a fraction."""

MAX_FRACTION: Final = 0.95
"""Leaves a twentieth of a validity for retries; 1 would look for the next CRL when the last one has ended."""

MAX_REFRESH_S: Final = 31 * 86_400
"""A month: no CRL of a certificate authority that issues to end entities lives longer than that by much."""


class Table(BaseModel):
    """A table: what it does not know is refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True, strict=False
    )


class RefreshOverride(Table):
    """Other intervals for the CRLs of some places; what is absent is as for all."""

    prefix: Annotated[str, Field(min_length=1)]
    """What the place begins with."""
    fraction: Annotated[Seconds, Field(ge=MIN_FRACTION, le=MAX_FRACTION)] | None = None
    """As `crl_refresh_fraction`."""
    min_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] | None = None
    """As `crl_refresh_min_s`."""
    max_s: Annotated[Seconds, Field(gt=0, le=MAX_REFRESH_S)] | None = None
    """As `crl_refresh_max_s`."""

    def override(self) -> Override:
        """The same in the core's terms."""
        return Override(self.prefix, self.fraction, _duration(self.min_s), _duration(self.max_s))


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


Overrides = Annotated[tuple[RefreshOverride, ...], Shown("tables")]
"""The tables `[[crl_refresh_overrides]]`."""
