"""What a replica is told about its fleet: the Redis, the fleet's key, and its own name."""

import json
import socket
from pathlib import Path

import pytest

from service.settings.fleet import own_name
from tests.redis_servers import RedisTls, redis_tls
from tests.settings.given import load, problems_of

KEY = "fleet-0123456789abcdef"
OTHER = "other-0123456789abcdef"
SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> RedisTls:
    """Files for TLS."""
    return redis_tls(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.internal",
        f"rediss://revet:{SECRET}@redis.internal:6380/1",
        f"rediss+cluster://:{SECRET}@one:7000,two:7000",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_an_address_is_a_secret(url: str) -> None:
    """It is taken as it is, and shown to nobody."""
    settings = load(REDIS_URL=url)
    assert settings.redis_url is not None
    assert url == settings.redis_url.get_secret_value()
    assert "**********" == settings.masked()["REVET_REDIS_URL"]
    assert [] == [text for text in (repr(settings), json.dumps(settings.masked())) if url in text]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"redis://{SECRET}@redis", "REVET_REDIS_URL: before the @ there is no password: write USER:PASSWORD@, or"),
        (f"redis://:{SECRET}/x@redis", "REVET_REDIS_URL: redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://"),
        (f"redis://:{SECRET}%@redis", "REVET_REDIS_URL: there is a % that two hexadecimal digits do not follow"),
        (f"redis+cluster://:{SECRET}@redis/1", "REVET_REDIS_URL: a cluster has no database but 0"),
        (f"redis://:{SECRET}@redis/x", "REVET_REDIS_URL: a database is a number from 0 to 999999"),
        (SECRET, "REVET_REDIS_URL: redis://[USER:PASSWORD@]HOST"),
        (f"redis+sentinel://:{SECRET}@redis", "REVET_REDIS_URL: redis://[USER:PASSWORD@]HOST"),
    ],
)
def test_no_message_repeats_an_address(url: str, expected: str) -> None:
    """Any part of it may be a password that was not escaped."""
    (problem,) = problems_of(REDIS_URL=url)
    assert problem.startswith(expected)
    assert SECRET not in problem


def test_one_or_two_keys() -> None:
    """The first makes, both are accepted; neither is shown."""
    settings = load(FLEET_KEY=f"{KEY}, {OTHER}")
    assert (KEY, OTHER) == tuple(key.get_secret_value() for key in settings.fleet_key)
    assert ["**********", "**********"] == settings.masked()["REVET_FLEET_KEY"]
    assert KEY not in repr(settings)


def test_keys_of_a_file(tmp_path: Path) -> None:
    """One a line, as tokens are."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n\n{OTHER}\n")
    assert (KEY, OTHER) == tuple(key.get_secret_value() for key in load(FLEET_KEY_FILE=str(file)).fleet_key)


def test_keys_of_two_places(tmp_path: Path) -> None:
    """They are in one or the other."""
    file = tmp_path / "key"
    file.write_text(OTHER)
    (problem,) = problems_of(FLEET_KEY=KEY, FLEET_KEY_FILE=str(file))
    assert (
        f"REVET_FLEET_KEY and REVET_FLEET_KEY_FILE ({file}) are both given: the keys are in one or the other" == problem
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("fifteen-letters", "key 1 has 15 characters, at least 16 are needed"),
        (f"{KEY},short", "key 2 has 5 characters, at least 16 are needed"),
        (f"{KEY},{OTHER},{KEY}3", "there are 3 keys, at most 2 are of use: the new one, then the old one"),
        (f"{KEY},{KEY}", "a key is given twice"),
        (",", "there is no key in it"),
        (f"{KEY} {OTHER}", "key 1 has characters other than printable ASCII, or a blank"),
        ("schl\u00fcssel-0123456789", "key 1 has characters other than printable ASCII, or a blank"),
    ],
)
def test_keys_that_are_none(value: str, expected: str) -> None:
    """And none of them is repeated."""
    assert (f"REVET_FLEET_KEY: {expected}",) == problems_of(FLEET_KEY=value)


@pytest.mark.parametrize("value", ["r", "revet-eu.west_1", "0" * 64])
def test_prefixes(value: str) -> None:
    """Letters, digits and little else."""
    assert value == load(REDIS_PREFIX=value).redis_prefix


@pytest.mark.parametrize("value", ["-r", ".", "a:b", "{a}", "a b", "0" * 65])
def test_prefixes_that_are_none(value: str) -> None:
    """Braces would make a hash tag of what is to be one for each name."""
    (problem,) = problems_of(REDIS_PREFIX=value)
    assert problem.startswith(f"REVET_REDIS_PREFIX is {value!r}: a letter or digit is needed, then")


@pytest.mark.parametrize("value", ["a", "revet-7d4b9-x2x", "eu west / 1", "n" * 128])
def test_names(value: str) -> None:
    """Whatever can be read in a log."""
    assert value == load(REPLICA_NAME=value).replica_name


@pytest.mark.parametrize("value", ["n" * 129, "caf\u00e9", "a\tb"])
def test_names_that_are_none(value: str) -> None:
    """Too long, or not to be read."""
    (problem,) = problems_of(REPLICA_NAME=value)
    assert problem.endswith("1 to 128 characters of printable ASCII are needed")


@pytest.mark.parametrize(
    ("host", "expected"), [("revet-1", "revet-1"), ("caf\u00e9 1", "caf??1"), ("n" * 200, "n" * 128), ("", "replica")]
)
def test_a_replica_is_called_as_its_host(monkeypatch: pytest.MonkeyPatch, host: str, expected: str) -> None:
    """Or as much like it as may be."""
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert (expected, expected) == (own_name(), load().replica_name)


@pytest.mark.parametrize("value", ["0.5", "0", "86401", "nan"])
def test_ages_that_are_none(value: str) -> None:
    """A second to a day."""
    (problem,) = problems_of(MAX_SHARED_AGE_S=value)
    assert problem.startswith(f"REVET_MAX_SHARED_AGE_S is {value!r}: ")


@pytest.mark.parametrize("url", ["rediss://redis", "rediss+cluster://redis"])
def test_files_of_tls(tls: RedisTls, url: str) -> None:
    """They go with an address that has TLS."""
    ca, (certificate, key) = tls.ca, tls.client
    settings = load(
        REDIS_URL=url, REDIS_CA_BUNDLE=str(ca), REDIS_CLIENT_CERT=str(certificate), REDIS_CLIENT_KEY=str(key)
    )
    found = (settings.redis_ca_bundle, settings.redis_client_cert, settings.redis_client_key)
    assert (ca, certificate, key) == found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"REDIS_CLIENT_CERT": "client.pem"}, "REVET_REDIS_CLIENT_CERT is {}, but there is no REVET_REDIS_CLIENT_KEY"),
        ({"REDIS_CLIENT_KEY": "client.key"}, "REVET_REDIS_CLIENT_KEY is {}, but there is no REVET_REDIS_CLIENT_CERT"),
        ({"REDIS_CA_BUNDLE": "client.key"}, "REVET_REDIS_CA_BUNDLE is {}, which cannot be used: "),
    ],
)
def test_files_that_do_not_go_together(tls: RedisTls, given: dict[str, str], expected: str) -> None:
    """Found at the start, and not with the first handshake."""
    paths = {name: str(tls.ca.parent / file) for name, file in given.items()}
    (problem,) = problems_of(REDIS_URL="rediss://redis", **paths)
    assert problem.startswith(expected.format(*paths.values()))


def test_a_pair_that_is_none(tls: RedisTls) -> None:
    """A certificate with another one's key."""
    certificate, key = tls.client[0], tls.server[1]
    (problem,) = problems_of(REDIS_CLIENT_CERT=str(certificate), REDIS_CLIENT_KEY=str(key))
    both = f"REVET_REDIS_CLIENT_CERT is {certificate} and REVET_REDIS_CLIENT_KEY is {key}"
    assert problem.startswith(f"{both}, which cannot be used together: ")


@pytest.mark.parametrize("url", ["redis://redis", "redis+cluster://redis", "unix:///run/redis.sock"])
def test_files_of_tls_without_tls(tls: RedisTls, url: str) -> None:
    """Nobody would look at them, and somebody relies on them."""
    certificate, key = map(str, tls.client)
    found = problems_of(REDIS_URL=url, REDIS_CA_BUNDLE=str(tls.ca), REDIS_CLIENT_CERT=certificate, REDIS_CLIENT_KEY=key)
    rest = "but REVET_REDIS_URL is one without TLS: rediss:// or rediss+cluster:// is needed"
    assert (f"REVET_REDIS_CA_BUNDLE is {tls.ca}, {rest}", f"REVET_REDIS_CLIENT_CERT is {certificate}, {rest}") == found


def test_a_key_without_redis() -> None:
    """It is passed over: the same environment may serve a host that stands alone."""
    assert () == load(FLEET_KEY=KEY).warnings()


def test_redis_without_a_key() -> None:
    """It may be meant, and is told."""
    (warning,) = load(REDIS_URL="redis://redis").warnings()
    assert warning.startswith("REVET_REDIS_URL is given and REVET_FLEET_KEY is not: ")
    assert () == load(REDIS_URL="redis://redis", FLEET_KEY=KEY).warnings()


def test_the_address_in_a_file(tmp_path: Path) -> None:
    """One line, around which blanks and empty lines do not count; it is shown no more than the setting is."""
    file = tmp_path / "redis-url"
    file.write_text("\n  redis://:a-password@redis.internal:6379/0 \n")
    settings = load(REDIS_URL_FILE=str(file), FLEET_KEY=KEY)
    assert settings.redis_url is not None
    assert "redis://:a-password@redis.internal:6379/0" == settings.redis_url.get_secret_value()
    masked = settings.masked()
    assert ("**********", str(file)) == (masked["REVET_REDIS_URL"], masked["REVET_REDIS_URL_FILE"])
    assert "a-password" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "REVET_REDIS_URL_FILE is {file!r}: there is nothing in it"),
        ("redis://a\nredis://b\n", "REVET_REDIS_URL_FILE is {file!r}: it has 2 lines, and one is needed"),
        (None, "REVET_REDIS_URL_FILE is {file!r}: it does not exist"),
        ("http://:a-password@redis.internal", "REVET_REDIS_URL: redis://"),
    ],
)
def test_no_address_in_a_file(content: str | None, expected: str, tmp_path: Path) -> None:
    """The file is named, the address is not."""
    file = tmp_path / "redis-url"
    if content is not None:
        file.write_text(content)
    (problem,) = problems_of(REDIS_URL_FILE=str(file))
    assert problem.startswith(expected.format(file=str(file)))
    assert "a-password" not in problem


def test_the_address_in_two_places(tmp_path: Path) -> None:
    """It is in one or the other."""
    file = tmp_path / "redis-url"
    file.write_text("redis://other")
    (problem,) = problems_of(REDIS_URL="redis://:a-password@one", REDIS_URL_FILE=str(file))
    assert (
        f"REVET_REDIS_URL and REVET_REDIS_URL_FILE ({file}) are both given: the address is in one or the other"
        == problem
    )
