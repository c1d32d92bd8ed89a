"""One Revet and one application for each module, and each proxy in front of them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.deploy.scene import Scene, running_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Revet, an application, everybody's files."""
    with running_scene(tmp_path_factory.mktemp("deploy")) as made:
        yield made


@pytest.fixture
def path() -> str:
    """One that no other test asks for: a request of theirs that comes late does not count."""
    return f"/{uuid4().hex}"
