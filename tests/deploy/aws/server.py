"""Moto's server, and clients of it: one for each service, since making one takes longer than most calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.adapters.s3.bucket import s3_server
from tests.e2e.front_doors.moto_ca import aws_client

_clients: dict[tuple[str, str], Any] = {}


@contextmanager
def server() -> Iterator[str]:
    """A server on loopback, and where it is; it ends with the block, and its clients with it."""
    with s3_server() as endpoint:
        try:
            yield endpoint
        finally:
            for key in [one for one in _clients if one[0] == endpoint]:
                _clients.pop(key).close()


def client_of(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """A client of one of AWS's services; whoever asks does not close it."""
    key = (endpoint, service)
    if key not in _clients:
        _clients[key] = aws_client(service, endpoint)
    return _clients[key]
