"""The programs of this machine, and a client."""

import os
from pathlib import Path

import pytest

from service.demo.story.curl import Curl
from service.demo.story.programs import Programs, find_programs


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Where curl, nginx and openssl are."""
    return find_programs(os.environ)


@pytest.fixture
def curl(programs: Programs, tmp_path: Path) -> Curl:
    """A client in an empty directory."""
    return Curl(programs, tmp_path)
