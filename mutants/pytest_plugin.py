"""What pytest does differently while a mutant is tried: `-p mutants.pytest_plugin`.

The first example that fails is enough, so that nothing is shrunk; examples are the same on every run; and a mutant that
eats memory ends itself and not the machine.
"""

import resource
from pathlib import Path
from typing import Final

import pytest
from hypothesis import Phase, settings

import service

MAX_MEMORY: Final = 4 * 2**30
"""Octets of address space; the suite of the core takes a tenth."""


def pytest_configure() -> None:
    """After the conftest of the suite, which sets a profile of its own.

    Raises:
        UsageError: the service is not that of the copy in which the mutant stands.
    """
    if not Path(service.__file__).is_relative_to(Path.cwd()):
        raise pytest.UsageError(f"the tests import {service.__file__}")
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", settings(), phases=phases, derandomize=True, database=None)
    settings.load_profile("mutants")
