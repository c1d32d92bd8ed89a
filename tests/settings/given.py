"""Settings made from what a test gives, and what is wrong with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from service.settings import Settings, SettingsError, load_settings

HOME: Final = {"HOME": "/home/somebody"}
TOKEN: Final = "caller-0123456789abcdef"
ADMIN: Final = "admin-0123456789abcdef"


def load(**settings: str) -> Settings:
    """Settings of an environment with these `REVET_` variables."""
    return load_settings(None, {**HOME, **{f"REVET_{name}": value for name, value in settings.items()}})


def problems(environment: Mapping[str, str], config: Path | None = None) -> tuple[str, ...]:
    """Everything that is wrong with an environment."""
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {**HOME, **environment})
    return caught.value.problems


def problems_of(**settings: str) -> tuple[str, ...]:
    """Everything that is wrong with these `REVET_` variables."""
    return problems({f"REVET_{name}": value for name, value in settings.items()})
