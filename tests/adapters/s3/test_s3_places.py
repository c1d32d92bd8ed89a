"""What is read of S3, and what is said where it is not."""

from collections.abc import Iterator
from pathlib import Path

import moto.settings
import pytest

from service.adapters.s3 import places as s3
from service.adapters.s3.places import S3Places
from service.application.origin import OriginError
from service.application.places import Content, FilePlace, NotModified, S3Place
from service.core.model.attempt import Problem
from tests.adapters.http.servers import Server, always, chunk, head, ok, serve, silence, then_close
from tests.adapters.s3.bucket import Bucket

pytestmark = pytest.mark.anyio

LARGE = 2**24


@pytest.fixture
def places(bucket: Bucket) -> Iterator[S3Places]:
    """A reader with time enough."""
    assert bucket.name
    reader = S3Places(20.0)
    yield reader
    reader.close()


async def taken(places: S3Places, place: S3Place, held: str = "", max_bytes: int = LARGE) -> tuple[str, bytes] | None:
    """Version and octets of an object; None where it is the version that is held."""
    async with places.read(place, max_bytes, held) as found:
        match found:
            case NotModified():
                return None
            case Content(version, chunks):
                return version, b"".join([piece async for piece in chunks])


async def refused(places: S3Places, place: S3Place, max_bytes: int = LARGE) -> OriginError:
    """Why an object cannot be read."""
    with pytest.raises(OriginError) as caught:
        await taken(places, place, "", max_bytes)
    return caught.value


async def test_an_object_is_read(bucket: Bucket, places: S3Places) -> None:
    """In pieces, and whole."""
    body = bytes(range(256)) * 10_000
    bucket.put("crl/a.crl", body)
    found = await taken(places, S3Place(bucket.name, "crl/a.crl"))
    assert found is not None
    assert body == found[1]


@pytest.mark.parametrize("octets", [0, 70_000])
async def test_its_length_is_known(bucket: Bucket, places: S3Places, octets: int) -> None:
    """Before the first piece."""
    bucket.put("a.crl", bytes(octets))
    async with places.read(S3Place(bucket.name, "a.crl"), 1 << 20) as found:
        assert isinstance(found, Content)
        assert octets == found.octets == sum([len(piece) async for piece in found.chunks])


async def test_what_is_held_is_not_read_again(bucket: Bucket, places: S3Places) -> None:
    """The same version is not sent twice, and another one is."""
    place = S3Place(bucket.name, "a.crl")
    bucket.put("a.crl", b"first")
    first = await taken(places, place)
    assert first is not None
    assert await taken(places, place, first[0]) is None
    bucket.put("a.crl", b"second")
    second = await taken(places, place, first[0])
    assert second is not None
    assert (b"second", True) == (second[1], second[0] != first[0])


async def test_a_prefix_is_listed(bucket: Bucket, places: S3Places) -> None:
    """The objects that are CRLs by their names, at every depth, and none beside the prefix."""
    for key in ("crl/b.crl", "crl/a.PEM", "crl/deep/er/c.der", "crl/ a?#%é.crl"):
        bucket.put(key, key.encode())
    for key in ("crl/notes.txt", "crl/.hidden.crl", "crl/", "crls/d.crl", "e.crl", "crl"):
        bucket.put(key, b"")
    found = await places.list(S3Place(bucket.name, "crl/"))
    expected = ["crl/%20a%3F%23%25%C3%A9.crl", "crl/a.PEM", "crl/b.crl", "crl/deep/er/c.der"]
    assert [f"s3://{bucket.name}/{key}" for key in expected] == [one.key for one in found]


async def test_a_listing_tells_the_versions(bucket: Bucket, places: S3Places) -> None:
    """As reading does, so that what has not changed since the last listing need not be read."""
    bucket.put("a.crl", b"first")
    (listed,) = await places.list(S3Place(bucket.name, ""))
    assert isinstance(listed.place, S3Place)
    found = await taken(places, listed.place)
    assert found is not None
    assert listed.version == found[0]
    assert await taken(places, listed.place, listed.version) is None


async def test_many_pages_are_listed(bucket: Bucket, places: S3Places) -> None:
    """A page has a thousand objects."""
    keys = [f"crl/{number:04}.crl" for number in range(2_100)]
    bucket.put_many(keys)
    found = await places.list(S3Place(bucket.name, "crl/"))
    assert [f"s3://{bucket.name}/{key}" for key in keys] == [one.key for one in found]


async def test_an_empty_prefix(bucket: Bucket, places: S3Places) -> None:
    """Nothing is there, which is no error."""
    assert () == await places.list(S3Place(bucket.name, "crl/"))


@pytest.mark.parametrize(("limit", "of"), [("MAX_OBJECTS", "wanted"), ("MAX_LISTED", "any")])
async def test_too_many_objects(
    bucket: Bucket, places: S3Places, monkeypatch: pytest.MonkeyPatch, limit: str, of: str
) -> None:
    """A place with more than can be looked after is refused as a whole."""
    suffix = ".crl" if of == "wanted" else ".txt"
    monkeypatch.setattr(s3, limit, 3)
    bucket.put_many([f"{number}{suffix}" for number in range(3)])
    await places.list(S3Place(bucket.name, ""))
    bucket.put_many([f"3{suffix}"])
    with pytest.raises(OriginError) as caught:
        await places.list(S3Place(bucket.name, ""))
    assert Problem.TOO_LARGE == caught.value.problem


async def test_an_object_is_listed_unseen(bucket: Bucket, places: S3Places) -> None:
    """Whether it is there, reading tells."""
    place = S3Place(bucket.name, "nowhere")
    assert [(place, "")] == [(one.place, one.version) for one in await places.list(place)]


async def test_one_version_is_read(bucket: Bucket, places: S3Places) -> None:
    """An old version stays readable when a new one has been written, and when the object has been removed."""
    bucket.keep_versions()
    first, second = bucket.put("a.pem", b"first"), bucket.put("a.pem", b"second")
    bucket.delete("a.pem")
    bodies = []
    for version in (first, second):
        found = await taken(places, S3Place(bucket.name, "a.pem", version))
        assert found is not None
        bodies.append(found[1])
    assert [b"first", b"second"] == bodies


async def test_what_is_not_there(bucket: Bucket, places: S3Places) -> None:
    """A removed object, a bucket and a version that nobody has made: each is named by S3's own code."""
    bucket.put("a.crl", b"x")
    bucket.delete("a.crl")
    gone = await refused(places, S3Place(bucket.name, "a.crl"))
    assert (Problem.HTTP_STATUS, f"s3://{bucket.name}/a.crl: S3 answered 404 NoSuchKey") == (gone.problem, gone.detail)
    nowhere = await refused(places, S3Place("no-such-bucket", "a.crl"))
    assert "s3://no-such-bucket/a.crl: S3 answered 404 NoSuchBucket" == nowhere.detail
    with pytest.raises(OriginError) as unlisted:
        await places.list(S3Place("no-such-bucket", "crl/"))
    assert "s3://no-such-bucket/crl/: S3 answered 404 NoSuchBucket" == unlisted.value.detail


async def test_a_prefix_is_no_object(bucket: Bucket, places: S3Places) -> None:
    """Reading it would read the marker that some tools leave there."""
    assert Problem.MALFORMED == (await refused(places, S3Place(bucket.name, "crl/"))).problem


@pytest.mark.parametrize(("max_bytes", "is_read"), [(5, True), (4, False)])
async def test_the_limit(bucket: Bucket, places: S3Places, max_bytes: int, is_read: bool) -> None:
    """An object up to the limit is read, and a larger one refused before it is."""
    bucket.put("a.crl", b"12345")
    place = S3Place(bucket.name, "a.crl")
    if is_read:
        assert await taken(places, place, max_bytes=max_bytes) is not None
    else:
        assert Problem.TOO_LARGE == (await refused(places, place, max_bytes)).problem


async def test_wrong_credentials(bucket: Bucket, places: S3Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3's answer is named, and the key is not."""
    bucket.put("a.crl", b"x")
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from here on it looks at them
    error = await refused(places, S3Place(bucket.name, "a.crl"))
    assert (Problem.HTTP_STATUS, f"s3://{bucket.name}/a.crl: S3 answered 403 InvalidAccessKeyId") == (
        error.problem,
        error.detail,
    )


async def test_no_credentials(bucket: Bucket, places: S3Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are none, that is what is said."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = await refused(places, S3Place(bucket.name, "a.crl"))
    assert Problem.UNREACHABLE == error.problem
    assert "there are no usable AWS credentials" in error.detail


async def test_nobody_listens(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that refuses connections is unreachable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setattr(s3, "MAX_ATTEMPTS", 1)
    reader = S3Places(20.0)
    assert Problem.UNREACHABLE == (await refused(reader, S3Place(bucket.name, "a.crl"))).problem
    reader.close()


def endpoint(server: Server, patch: pytest.MonkeyPatch) -> None:
    """Take a server for S3, and what it does not answer for no answer."""
    patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.port}")
    patch.setattr(s3, "MAX_ATTEMPTS", 1)


async def test_a_server_that_does_not_answer(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time allowed ends the wait for an answer, for the rest of a body, and for a listing."""
    monkeypatch.setattr(s3, "READ_TIMEOUT_S", 300.0)
    reader = S3Places(0.3)
    async with serve(silence) as server:
        endpoint(server, monkeypatch)
        assert Problem.TIMED_OUT == (await refused(reader, S3Place(bucket.name, "a.crl"))).problem
        with pytest.raises(OriginError) as unlisted:
            await reader.list(S3Place(bucket.name, "crl/"))
    assert Problem.TIMED_OUT == unlisted.value.problem
    reader.close()
    reader = S3Places(1.0)
    async with serve(always(head(200, 'ETag: "a"', "Content-Length: 9") + b"12345")) as server:
        endpoint(server, monkeypatch)
        assert Problem.TIMED_OUT == (await refused(reader, S3Place(bucket.name, "a.crl"))).problem
    reader.close()


async def test_a_connection_that_is_silent(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread is not held by a server that says nothing, however long the call may take."""
    monkeypatch.setattr(s3, "READ_TIMEOUT_S", 0.2)
    reader = S3Places(1000.0)
    async with serve(silence) as server:
        endpoint(server, monkeypatch)
        assert Problem.TIMED_OUT == (await refused(reader, S3Place(bucket.name, "a.crl"))).problem
    reader.close()


async def test_a_length_that_is_too_large(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """What says so itself is refused before a single octet of it has come."""
    reader = S3Places(20.0)
    async with serve(always(head(200, 'ETag: "a"', "Content-Length: 9"))) as server:
        endpoint(server, monkeypatch)
        assert Problem.TOO_LARGE == (await refused(reader, S3Place(bucket.name, "a.crl"), 8)).problem
    reader.close()


async def test_a_body_of_unknown_length(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read, and counted while it is."""
    reader = S3Places(20.0)
    raw = head(200, 'ETag: "a"', "Transfer-Encoding: chunked") + chunk(b"12345") + chunk(b"6789") + chunk(b"")
    async with serve(always(raw)) as server:
        endpoint(server, monkeypatch)
        assert ('"a"', b"123456789") == await taken(reader, S3Place(bucket.name, "a.crl"), max_bytes=9)
        assert Problem.TOO_LARGE == (await refused(reader, S3Place(bucket.name, "a.crl"), 8)).problem
    reader.close()


async def test_a_body_that_breaks_off(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an object is an error and never an object."""
    reader = S3Places(20.0)
    half = ok(b"12345", 'ETag: "a"').replace(b"Length: 5", b"Length: 9")
    async with serve(then_close(half)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.port}")
        assert Problem.UNREACHABLE == (await refused(reader, S3Place(bucket.name, "a.crl"))).problem
    reader.close()


async def test_proxies_of_the_environment_are_not_used(
    bucket: Bucket, places: S3Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for every other fetch."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    bucket.put("a.crl", b"x")
    assert await taken(places, S3Place(bucket.name, "a.crl")) is not None


async def test_the_takers_errors_are_its_own(bucket: Bucket, places: S3Places) -> None:
    """What fails in the code that takes the pieces is not blamed on S3."""
    bucket.put("a.crl", b"x")
    with pytest.raises(ValueError, match="no CRL"):
        async with places.read(S3Place(bucket.name, "a.crl"), LARGE):
            raise ValueError("no CRL")


async def test_other_places_are_not_read(places: S3Places, tmp_path: Path) -> None:
    """A file is none of its business."""
    with pytest.raises(OriginError) as caught:
        await places.list(FilePlace(tmp_path))
    assert Problem.UNSUPPORTED_SCHEME == caught.value.problem
