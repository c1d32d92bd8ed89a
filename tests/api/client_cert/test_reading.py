"""From the headers of a request to the certificate of its client: one front's header, and nothing else."""

from collections.abc import Callable
from dataclasses import fields
from time import thread_time
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.client_cert.header import MAX_VALUE_OCTETS, HeaderNames
from service.api.client_cert.presented import HeaderError, Presented
from service.api.client_cert.reading import read_client_certificate
from service.api.reply import Headers
from service.application.fronts import Front
from service.application.submission import read_submission
from tests.api.client_cert.any_headers import NAMES, OTHERS, VALUES, foreign, outcome
from tests.api.client_cert.certificates import CHAIN, LEAVES, OTHER, PLUS, SUB, ders_of
from tests.api.client_cert.proxies import (
    GOOD,
    alb,
    byte_sequences,
    envoy,
    envoy_cert,
    envoy_chain,
    nginx,
    traefik_2,
    traefik_3,
)
from tests.pki import Issued

each_front = pytest.mark.parametrize("front", Front)

WRITERS: Final[tuple[tuple[Front, Callable[..., bytes]], ...]] = (
    (Front.ALB_PASSTHROUGH, alb),
    (Front.ALB_VERIFY, alb),
    (Front.NGINX, nginx),
    (Front.ENVOY, envoy),
    (Front.ENVOY, envoy_cert),
    (Front.ENVOY, envoy_chain),
    (Front.TRAEFIK, traefik_2),
    (Front.TRAEFIK, traefik_3),
    (Front.RFC9440, byte_sequences),
)
CHAIN_WRITERS: Final = tuple(
    (front, write)
    for front, write in WRITERS
    if front in {Front.ALB_PASSTHROUGH, Front.ENVOY, Front.TRAEFIK} and write is not envoy_cert
)

HOSTILE: Final = (
    b"%",
    b"%4",
    b"%25",
    b"%2D",
    b"-",
    b"-----",
    b"-----BEGIN CERTIFICATE-----",
    b"-----BEGIN CERTIFICATE-----AA==-----END CERTIFICATE-----",
    b" ",
    b"\t\0",
    b"A",
    b"=",
    b"AA==",
    b"AA==,",
    b",",
    b";",
    b"a=;",
    b"a=b;",
    b"by=;",
    b'"',
    b"\\",
    b'\\"',
    b'a="',
    b":",
    b":AA==:,",
    b";a",
    b"; ",
    b" ,",
    b";a=1",
    b"1",
    b"*",
    b"?1",
)
"""What a parser that tries things twice would try again and again."""
BEGINNINGS: Final = {
    Front.ENVOY: (b"", b'Cert="', b"Cert=", b'Subject="', b"a"),
    Front.RFC9440: (b"", b":AA==:", b":", b':AA==:;a="', b":AA==:;a=", b":AA==: "),
}


@pytest.mark.parametrize(("front", "write"), WRITERS)
@pytest.mark.parametrize("leaf", LEAVES.values(), ids=list(LEAVES))
def test_a_leaf(front: Front, write: Callable[[bytes], bytes], leaf: Issued) -> None:
    """Every front's own header, every difficult subject: what comes out is what was presented."""
    headers = [(b"host", b"a"), (NAMES.of(front)[0], write(leaf.der)), (b"x-forwarded-for", b"192.0.2.1")]
    assert (leaf.der,) == ders_of(read_client_certificate(front, headers, NAMES))


@pytest.mark.parametrize(("front", "write"), CHAIN_WRITERS)
def test_a_chain(front: Front, write: Callable[..., bytes]) -> None:
    """The fronts that hand over what the client has presented."""
    headers = [(NAMES.of(front)[0], write(*CHAIN))]
    assert CHAIN == ders_of(read_client_certificate(front, headers, NAMES))


def test_a_chain_in_a_header_of_its_own() -> None:
    """RFC 9440: whichever comes first."""
    headers = [(b"client-cert", byte_sequences(PLUS.der)), (b"client-cert-chain", byte_sequences(*CHAIN[1:]))]
    for order in (headers, headers[::-1]):
        assert CHAIN == ders_of(read_client_certificate(Front.RFC9440, order, NAMES))


@pytest.mark.parametrize("front", [Front.ALB_VERIFY, Front.NGINX])
def test_a_chain_from_who_hands_over_the_leaf_alone(front: Front) -> None:
    """Not what such a front sends."""
    reason = outcome(front, [(NAMES.of(front)[0], alb(*CHAIN))])
    assert f"{NAMES.of(front)[0].decode()}: 3 certificates from a front that sends the client's own alone" == reason


@each_front
def test_no_certificate(front: Front) -> None:
    """No header, and empty ones."""
    empty = [(name, b" ") for name in NAMES.of(front)]
    assert [None, None, None] == [outcome(front, headers) for headers in ([], empty, [(b"host", b"a")])]


@pytest.mark.parametrize("second", [b"", GOOD[Front.RFC9440], byte_sequences(SUB.der)])
def test_a_chain_twice(second: bytes) -> None:
    """Refused like any header that is there twice, though a list could be split."""
    chain = [(b"client-cert-chain", byte_sequences(SUB.der)), (b"client-cert-chain", second)]
    reason = outcome(Front.RFC9440, [(b"client-cert", GOOD[Front.RFC9440]), *chain])
    assert "client-cert-chain: the header is there 2 times" == reason


def test_a_chain_without_a_certificate() -> None:
    """RFC 9440 §2.3; an empty certificate is none."""
    chain = (b"client-cert-chain", byte_sequences(SUB.der))
    reason = "client-cert-chain: a chain without a certificate (RFC 9440, section 2.3)"
    assert reason == outcome(Front.RFC9440, [chain])
    assert reason == outcome(Front.RFC9440, [(b"client-cert", b""), chain])


@each_front
@pytest.mark.parametrize("second", ["", "the same", "another's"])
def test_two_values(front: Front, second: str) -> None:
    """Of the header that counts, whatever the second one is and wherever it stands."""
    name = NAMES.of(front)[0]
    other = {"": b"", "the same": GOOD[front], "another's": OTHERS[list(Front).index(front) % len(OTHERS)]}[second]
    for values in ((GOOD[front], other), (other, GOOD[front])):
        headers = [(name, values[0]), (b"host", b"a"), (name, values[1])]
        assert f"{name.decode()}: the header is there 2 times" == outcome(front, headers)


@each_front
def test_the_header_is_named(front: Front) -> None:
    """What is wrong is said with the name of the header, and without its value."""
    name = NAMES.of(front)[0]
    with pytest.raises(HeaderError) as raised:
        read_client_certificate(front, [(name, b"secret")], NAMES)
    assert raised.value.reason.startswith(f"{name.decode()}: ")
    assert "secret" not in raised.value.reason


@each_front
def test_other_names(front: Front) -> None:
    """Headers are called what the operator calls them; the usual names mean nothing then."""
    names = HeaderNames(**{each.name: b"x-" + each.name.encode() for each in fields(HeaderNames)})
    usual, own = [(each.of(front)[0], GOOD[front]) for each in (NAMES, names)]

    assert CHAIN[0] == (ders_of(read_client_certificate(front, [own], names)) or ())[0]
    assert read_client_certificate(front, [usual], names) is None


@given(st.sampled_from(Front), st.data())
def test_other_headers_change_nothing(front: Front, data: st.DataObject) -> None:
    """Invariant 7: whatever other certificate headers a request has, wherever they stand."""
    own = data.draw(st.lists(st.tuples(st.sampled_from(NAMES.of(front)), VALUES), max_size=2))
    expected = outcome(front, own)
    headers: Headers = [*own]
    for header in data.draw(st.lists(foreign(front), min_size=1, max_size=6)):
        headers.insert(data.draw(st.integers(0, len(headers))), header)

    assert expected == outcome(front, headers)


@each_front
def test_another_fronts_certificate(front: Front) -> None:
    """All other fronts' headers with somebody else's certificate: nothing of it arrives, with or without the own."""
    others = [
        (name, value)
        for other in Front
        if other is not front
        for name, value in zip(NAMES.of(other), (GOOD[other], byte_sequences(OTHER.der)), strict=False)
    ]
    own = [(NAMES.of(front)[0], GOOD[front])]

    assert outcome(front, others) is None
    assert outcome(front, own) == outcome(front, [*others, *own]) == outcome(front, [*own, *others])


@given(st.sampled_from(Front), st.data())
@example(Front.NGINX, None)
def test_any_octets(front: Front, data: st.DataObject | None) -> None:
    """Certificates that can be read, none, or a refusal: nothing else comes of anything."""
    values = [b"-----BEGIN CERTIFICATE-----AAAA=-----END CERTIFICATE-----"] if data is None else []
    names = NAMES.of(front)
    headers = [*zip(names, values, strict=False)]
    if data is not None:
        headers = data.draw(st.lists(st.tuples(st.sampled_from(names), VALUES), max_size=3))

    read = outcome(front, headers)

    if isinstance(read, Presented):
        assert read.certificate.isascii()
        read_submission(read.certificate, read.intermediates, max_intermediates=1_000)
    if isinstance(read, str):
        assert read.isprintable()


@pytest.mark.parametrize(
    ("front", "beginning"), [(front, beginning) for front in Front for beginning in BEGINNINGS.get(front, (b"",))]
)
def test_the_time_is_linear(front: Front, beginning: bytes) -> None:
    """Ten times as long takes ten times as long, and nowhere near a hundred times."""
    name = NAMES.of(front)[0]
    for repeated in HOSTILE:
        short, long = (
            _shortest(front, [(name, (beginning + repeated * octets)[:octets])])
            for octets in (MAX_VALUE_OCTETS // 10, MAX_VALUE_OCTETS)
        )
        assert long < 40 * max(short, 20e-6), repeated


def _shortest(front: Front, headers: Headers) -> float:
    """Seconds of the processor, of the quickest of some attempts: what else the machine does only ever adds."""
    seconds = []
    for _ in range(5):
        begun = thread_time()
        outcome(front, headers)
        seconds.append(thread_time() - begun)
    return min(seconds)
