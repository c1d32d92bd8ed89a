"""Every setting of this version: its name, type, bounds and default, section by section.

The field `trust_store` is `REVET_TRUST_STORE` in the environment and `trust_store` in a TOML file. What two settings
mean together is judged in `contradictions`, and where the values come from is `loading`'s business.
"""

from typing import Final

from pydantic import BaseModel
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.settings.sections.access import Access
from service.settings.sections.callers import Callers
from service.settings.sections.fetching import Fetching
from service.settings.sections.fleet import Fleet
from service.settings.sections.front_doors import FrontDoors
from service.settings.sections.host import Host
from service.settings.sections.prefetching import Prefetching
from service.settings.sections.revocation import Revocation
from service.settings.sections.serving import Serving
from service.settings.sections.sizes import Sizes
from service.settings.sections.trust_stores import TrustStores


class Fields(
    Host,
    Fleet,
    FrontDoors,
    Callers,
    Access,
    Fetching,
    Sizes,
    Prefetching,
    Revocation,
    TrustStores,
    Serving,
    BaseSettings,
):
    """The settings one by one. Nothing is read from the environment here: `loading` gives what it has looked through.

    Otherwise a name that is nobody's would pass unnoticed, and a test would depend on the shell it runs in. The
    sections stand from the last to the first, since fields of the last base come first.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )

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


SECTIONS: Final[tuple[type[BaseModel], ...]] = tuple(
    base for base in reversed(Fields.__bases__) if base is not BaseSettings
)
"""The sections, in the order of `docs/settings.md`."""
