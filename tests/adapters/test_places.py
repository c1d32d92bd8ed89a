"""Every kind of place behind one port, and what needs an extra."""

import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from service.adapters.places import MISSING_EXTRA, MissingExtraError, open_places, require_extras
from service.application.origin import OriginError
from service.application.places import Content, FilePlace, Place, Places, S3Place, UrlPlace
from service.core.model.attempt import Problem
from tests.adapters.http.servers import always, ok, serve
from tests.adapters.http.world import world
from tests.adapters.s3.bucket import ENVIRONMENT, Bucket, s3_server

pytestmark = pytest.mark.anyio

TIMEOUT_S = 20.0


async def octets(places: Places, place: Place) -> bytes:
    """What is there."""
    async with places.read(place, 2**20) as found:
        assert isinstance(found, Content)
        return b"".join([piece async for piece in found.chunks])


async def test_each_kind_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever reads it, and listed likewise."""
    (tmp_path / "a.crl").write_bytes(b"on a disk")
    with s3_server() as endpoint:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}.items():
            monkeypatch.setenv(name, value)
        bucket = Bucket.create("every-kind", endpoint)
        bucket.put("a.crl", b"in S3")
        bucket.close()
        async with world() as there, serve(always(ok(b"at a URL"))) as server, AsyncExitStack() as stack:
            url = UrlPlace(f"http://inside.example:{server.port}/a.crl")
            wanted = (FilePlace(tmp_path), S3Place("every-kind", ""), url)
            places = open_places(there.origin, wanted, TIMEOUT_S, stack)
            found = [one.place for place in wanted for one in await places.list(place)]
            assert [b"on a disk", b"in S3", b"at a URL"] == [await octets(places, place) for place in found]


async def test_a_bucket_that_no_setting_names() -> None:
    """It is refused, and nothing is imported for it."""
    async with world() as there, AsyncExitStack() as stack:
        places = open_places(there.origin, (), TIMEOUT_S, stack)
        with pytest.raises(OriginError) as caught:
            await places.list(S3Place("bucket", ""))
    assert Problem.UNSUPPORTED_SCHEME == caught.value.problem


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What to install is said where a place is in S3, and nowhere else."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    require_extras((FilePlace(tmp_path), UrlPlace("https://ca.example/")))
    with pytest.raises(MissingExtraError, match="pip install") as caught:
        require_extras((S3Place("bucket", ""),))
    assert MISSING_EXTRA == str(caught.value)
    async with world() as there, AsyncExitStack() as stack:
        with pytest.raises(MissingExtraError):
            open_places(there.origin, (S3Place("bucket", ""),), TIMEOUT_S, stack)


def test_the_extra_is_not_imported_unasked() -> None:
    """A service without places in S3 runs without it."""
    composed = "service.bootstrap.prefetching, service.bootstrap.worker"
    program = f"import sys; sys.modules['boto3'] = None; import {composed}; print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=50)
    assert "False\n" == done.stdout
