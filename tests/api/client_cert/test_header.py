"""One header, once: what is there, what is not, and what is there twice."""

from dataclasses import fields

import pytest

from service.api.client_cert.header import MAX_VALUE_OCTETS, HeaderNames, one_value
from service.api.client_cert.presented import HeaderError
from service.api.reply import Headers
from service.application.fronts import Front
from service.processes.http_protocol import MAX_HEAD_OCTETS

NAMES = HeaderNames()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([(b"b", b"2")], None),
        ([(b"aa", b"2")], None),
        ([(b"a", b"")], None),
        ([(b"a", b" \t")], None),
        ([(b"a", b"1")], b"1"),
        ([(b"a", b"\t 1 2 \t")], b"1 2"),
        ([(b"a", b"1"), (b"b", b"2"), (b"b", b"3")], b"1"),
        ([(b"a", b"x" * MAX_VALUE_OCTETS)], b"x" * MAX_VALUE_OCTETS),
    ],
)
def test_a_value_or_none(headers: Headers, expected: bytes | None) -> None:
    """Exactly one, without the blanks around it; an empty one is none."""
    assert expected == one_value(headers, b"a")


@pytest.mark.parametrize("second", [b"1", b"2", b""])
@pytest.mark.parametrize("between", [[], [(b"b", b"2")]])
def test_two_values_are_refused(second: bytes, between: Headers) -> None:
    """Different ones, equal ones, and an empty one beside another: nobody can say which of them counts."""
    for values in ((b"1", second), (second, b"1")):
        headers = [(b"a", values[0]), *between, (b"a", values[1])]
        with pytest.raises(HeaderError, match="a: the header is there 2 times"):
            one_value(headers, b"a")


def test_too_long() -> None:
    """One octet more than what is read."""
    with pytest.raises(HeaderError, match="a: more than 114688 octets"):
        one_value([(b"a", b"x" * (MAX_VALUE_OCTETS + 1))], b"a")


def test_room_beside_the_value() -> None:
    """A value of the greatest length leaves 16 KiB of a request's head for everything else."""
    assert 16 * 1024 == MAX_HEAD_OCTETS - MAX_VALUE_OCTETS


def test_default_names() -> None:
    """As the proxies write them, in lower case."""
    assert {
        Front.ALB_PASSTHROUGH: (b"x-amzn-mtls-clientcert",),
        Front.ALB_VERIFY: (b"x-amzn-mtls-clientcert-leaf",),
        Front.NGINX: (b"x-ssl-client-cert",),
        Front.ENVOY: (b"x-forwarded-client-cert",),
        Front.TRAEFIK: (b"x-forwarded-tls-client-cert",),
        Front.RFC9440: (b"client-cert", b"client-cert-chain"),
    } == {front: NAMES.of(front) for front in Front}


def test_every_name_is_read_by_one_front() -> None:
    """No name without a front, no front that reads another's."""
    read = [name for front in Front for name in NAMES.of(front)]
    assert sorted(getattr(NAMES, each.name) for each in fields(NAMES)) == sorted(read)


@pytest.mark.parametrize("name", [b"", b"X-Cert", b"x cert", b"x:cert", b"x-cert\n", "ä".encode(), b"x\0"])
def test_what_is_no_name(name: bytes) -> None:
    """A name that ASGI never has would mean a certificate that never arrives."""
    with pytest.raises(ValueError, match="nginx is not the name of a header"):
        HeaderNames(nginx=name)


def test_leaf_and_chain_have_two_names() -> None:
    """One header cannot hold both."""
    with pytest.raises(ValueError, match="cannot come in one header"):
        HeaderNames(rfc9440=b"a", rfc9440_chain=b"a")
