"""What several of these tests share."""

import pytest

from tests.adapters.http.certificates import TestAuthority, make_authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """The certificate authority of the TLS servers."""
    return make_authority(tmp_path_factory.mktemp("tls"))
