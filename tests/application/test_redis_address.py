"""Texts of `REVET_REDIS_URL`: what they say, and that no message repeats what may be a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.redis_address import (
    MAX_SEEDS,
    MAX_TEXT,
    RedisAddress,
    RedisAddressError,
    parse_redis_address,
)

HOST = (("redis", 6379),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://redis", RedisAddress(HOST)),
        ("REDIS://redis/", RedisAddress(HOST)),
        ("redis://redis:7000/15", RedisAddress((("redis", 7000),), database=15)),
        ("rediss://redis", RedisAddress(HOST, tls=True)),
        ("redis://10.0.0.1", RedisAddress((("10.0.0.1", 6379),))),
        ("redis://[::1]:7000", RedisAddress((("::1", 7000),))),
        ("redis://:secret@redis", RedisAddress(HOST, password="secret")),
        ("redis://me:secret@redis/1", RedisAddress(HOST, user="me", password="secret", database=1)),
        ("redis://m%40e:%3A%2F%25%C3%BC@redis", RedisAddress(HOST, user="m@e", password=":/%\u00fc")),
        ("redis+cluster://redis", RedisAddress(HOST, cluster=True)),
        ("redis+cluster://redis/0", RedisAddress(HOST, cluster=True)),
        (
            "rediss+cluster://me:secret@one:7000,two,[::1]:7002",
            RedisAddress(
                (("one", 7000), ("two", 6379), ("::1", 7002)), tls=True, cluster=True, user="me", password="secret"
            ),
        ),
        ("unix:///run/redis.sock", RedisAddress((), path="/run/redis.sock")),
        (
            "unix://me:secret@/run/my%20redis.sock?db=3",
            RedisAddress((), path="/run/my redis.sock", user="me", password="secret", database=3),
        ),
    ],
)
def test_addresses(text: str, expected: RedisAddress) -> None:
    """All that is in one."""
    assert expected == parse_redis_address(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is needed"),
        ("redis", "is needed"),
        ("redis://", "is needed"),
        ("redis:///0", "is needed"),
        ("http://redis", "is needed"),
        ("redis+sentinel://redis", "is needed"),
        ("unix://run/redis.sock", "is needed"),
        ("unix:/run/redis.sock", "is needed"),
        ("unix:///run/redis.sock?password=secret", "is needed"),
        ("rediss://redis?ssl_cert_reqs=none", "is needed"),
        ("redis://redis?db=1", "is needed"),
        ("redis://redis#1", "is needed"),
        ("redis://re!dis", "is needed"),
        ("redis://redis:port", "is needed"),
        ("redis://redis:", "is needed"),
        ("redis://one,two", "several hosts are for"),
        ("redis+cluster://one,,two", "is needed"),
        ("redis://redis:0", "a port is a number from 1 to 65535"),
        ("redis://redis:65536", "a port is a number from 1 to 65535"),
        ("redis://[redis]", "what is in brackets is no IPv6 address"),
        ("redis://redis/one", "a database is a number"),
        ("redis://redis/-1", "a database is a number"),
        ("redis://redis/0/", "a database is a number"),
        ("redis://redis/1000000", "a database is a number"),
        ("unix:///run/redis.sock?db=one", "a database is a number"),
        ("redis+cluster://redis/1", "a cluster has no database but 0"),
        ("redis://secret@redis", "there is no password"),
        ("redis://me:@redis", "there is no password"),
        ("redis://:@redis", "there is no password"),
        ("redis://@redis", "there is no password"),
        ("redis://me:se:cret@redis", "more than one colon"),
        ("redis://:se%cret@redis", "write %25 for it"),
        ("redis://:%ff@redis", "not UTF-8"),
        ("redis://:se cret@redis", "a blank or a control character"),
        ("redis://redis\n", "a blank or a control character"),
        ("redis+cluster://" + ",".join(["a"] * (MAX_SEEDS + 1)), "more than 64 hosts"),
        ("redis://" + "a" * MAX_TEXT, "more than 8192 characters"),
    ],
)
def test_texts_that_are_none(text: str, reason: str) -> None:
    """Each says what is wrong with it."""
    with pytest.raises(RedisAddressError) as caught:
        parse_redis_address(text)
    assert reason in caught.value.reason


@pytest.mark.parametrize("password", ["se/cret", "se?cret", "se#cret", "se@cret", "se:cret", "se cret", "se%cret"])
def test_a_password_that_was_not_escaped(password: str) -> None:
    """It is refused rather than taken for something else, and stands in no message."""
    with pytest.raises(RedisAddressError) as caught:
        parse_redis_address(f"redis://me:{password}@redis:7000/1")
    assert "cret" not in caught.value.reason


def test_a_password_is_not_in_the_repr() -> None:
    """Of what was read."""
    assert "secret" not in repr(parse_redis_address("redis://me:secret@redis"))


@given(
    st.one_of(
        st.text(), st.text(alphabet="redis+cluster:/@,?[]%0123456789abf"), st.builds("redis://{}".format, st.text())
    )
)
def test_any_text(text: str) -> None:
    """It is an address, or refused."""
    try:
        address = parse_redis_address(text)
    except RedisAddressError:
        return
    assert (address.path is None) == bool(address.hosts)
    assert all(host and 0 < port < 65536 for host, port in address.hosts)
