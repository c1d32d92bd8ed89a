"""The settings as a whole: every value has its type, and no two contradict each other."""

from datetime import timedelta
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from service.core.model.policy import Policy
from service.core.prefetch.schedule import Schedule
from service.settings.contradictions import contradictions
from service.settings.errors import SettingsError
from service.settings.fields import Fields

PREFIX = "REVET_"
"""What the names of settings begin with in the environment."""

CONTRADICTORY = "contradictory"
"""The type of the validation error that carries `contradictions` in its context."""


def setting(field: str) -> str:
    """What a field is called in the environment, and in every message."""
    return PREFIX + field.upper()


class Settings(Fields):
    """The settings of a service. They do not change while it runs."""

    @model_validator(mode="after")
    def _without_contradiction(self) -> Self:
        found = contradictions(self)
        if found:
            raise PydanticCustomError(
                CONTRADICTORY, "{text}", {"text": "; ".join(one.text for one in found), "contradictions": found}
            )
        return self

    def management_address(self) -> tuple[str, int] | None:
        """Host and port of the management interface; None where it shares the API's."""
        if self.management_port is None:
            return None
        return self.management_host or self.host, self.management_port

    def policy(self) -> Policy:
        """What a verdict depends on where the request does not override it, but for what stands in files."""
        return Policy(
            revocation_mode=self.revocation_mode,
            revocation_scope=self.revocation_scope,
            evidence_order=self.evidence_order,
            profile=self.profile,
            clock_skew=timedelta(seconds=self.clock_skew_s),
            grace=timedelta(seconds=self.grace_s),
            max_verdict_ttl=timedelta(seconds=self.max_verdict_ttl_s),
            ocsp_nonce=self.ocsp_nonce,
            key_purpose=self.key_purpose,
            issuer_rules=tuple(one.rule(f"issuer[{number}]") for number, one in enumerate(self.issuer, 1)),
        )

    def schedule(self, salt: bytes = b"") -> Schedule:
        """When CRLs are refreshed before anybody asks for them.

        Args:
            salt: What tells this replica from the others.
        """
        return Schedule(
            fraction=self.crl_refresh_fraction,
            minimum=timedelta(seconds=self.crl_refresh_min_s),
            maximum=timedelta(seconds=self.crl_refresh_max_s),
            retry_first=timedelta(seconds=self.crl_retry_s),
            retry_longest=timedelta(seconds=self.crl_retry_max_s),
            first_delay=timedelta(seconds=self.crl_first_delay_s),
            most_learned=self.crl_learned_max,
            overrides=tuple(one.override() for one in self.crl_refresh_overrides),
            salt=salt,
        )

    def require_trust_store(self) -> None:
        """Check that there is somebody to trust. Commands that need no trust store do without this check.

        Raises:
            SettingsError: there is neither a trust store nor a directory of them.
        """
        if self.trust_store is None and self.trust_store_dir is None:
            problem = (
                f"{setting('trust_store')} or {setting('trust_store_dir')} is needed: whom is the service to trust?"
            )
            raise SettingsError((problem,))

    def warnings(self) -> tuple[str, ...]:
        """What can be meant, and more often is not; each a sentence that names the setting."""
        if self.redis_url is not None and not self.fleet_key:
            consequence = (
                "anybody who can write to Redis can block what he likes, and a block is removed on no other host"
            )
            return (f"{setting('redis_url')} is given and {setting('fleet_key')} is not: {consequence}",)
        return ()

    def masked(self) -> dict[str, object]:
        """Every setting by its name in the environment, fit for JSON; of secrets there is nothing but their number."""
        return {setting(field): value for field, value in self.model_dump(mode="json").items()}
