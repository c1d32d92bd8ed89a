"""The responder that replicas ask, where a module has none of its own."""

import pytest

from tests.application.chain import OCSP_URL
from tests.application.fakes import ScriptedOrigin
from tests.application.fleet.ocsp_replicas import good


@pytest.fixture
def origin() -> ScriptedOrigin:
    """A responder that says good."""
    return ScriptedOrigin({OCSP_URL: good()})
