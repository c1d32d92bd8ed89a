"""What is fuzzed: functions of octets that return, or raise where a rule is broken.

Rules: a target raises nothing because of what the octets are; whatever leaves it is a finding. What a reader may raise
is suppressed by name, never by a common base class. Targets are independent of what they were given before: the
service's caches are emptied each time (`run`).

A new parser of a header is a line in `HEADERS`, and a seed in `seeds`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from fuzz.agreement import agreement
from fuzz.signed import signed
from fuzz.verdict import verdict
from service.api.authentication import Role, grant_access
from service.api.client_cert.header import MAX_CERTIFICATES, HeaderNames
from service.api.client_cert.presented import HeaderError
from service.api.client_cert.reading import read_client_certificate
from service.api.json_text import read_json
from service.api.moment import read_moment, write_moment
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from service.api.schemas import BatchRequest, ValidateRequest
from service.api.validation import read_request
from service.application.fronts import Front
from service.application.pem import PemError, read_certificates, read_pem
from service.application.submission import SubmissionError, read_submission
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy
from tests.caches import Cache, caches
from tests.core.der import readers
from tests.pki import pem as armoured

Target = Callable[[bytes], None]

TOKEN: Final = "caller-token"
_ACCESS: Final = grant_access([TOKEN])
_NAMES: Final = HeaderNames()


def certificate(octets: bytes) -> None:
    """Read a certificate and ask for everything that is made from it."""
    with suppress(MalformedError):
        readers.certificate(octets)


def crl(octets: bytes) -> None:
    """Read a CRL, its entries, and the rows by which they are found."""
    with suppress(MalformedError):
        readers.crl(octets)


def ocsp(octets: bytes) -> None:
    """Read an OCSP response, whose own word for an error counts as reading."""
    with suppress(MalformedError):
        readers.ocsp(octets)


def pem(octets: bytes) -> None:
    """Read PEM; what was read and is written again is read as the same."""
    with suppress(PemError):
        assert all(read_certificates(octets))
    with suppress(PemError):
        blocks = read_pem(octets)
        again = "".join(armoured(block.der, block.label) for block in blocks)
        assert blocks == read_pem(again.encode())
    with suppress(SubmissionError):
        read_submission(octets.decode("utf-8", "surrogateescape"), (), max_intermediates=4)


def request(octets: bytes) -> None:
    """Read a request's body: JSON, then its fields, then the certificates and the evidence in them."""
    try:
        document = read_json(octets)
    except ProblemError:
        return
    with suppress(ValidationError):
        BatchRequest.model_validate(document)
    with suppress(ValidationError, SubmissionError):
        read_request(ValidateRequest.model_validate(document), Policy(), ApiRules())


@dataclass(frozen=True, slots=True)
class Header:
    """What reads the value of a header, or of a field of one.

    Attributes:
        read: Takes the value, and checks what it makes of it.
        refusals: What it may raise.
    """

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]


def _bearer(value: bytes) -> None:
    role = _ACCESS.authenticate({"headers": [(b"authorization", value)]}).role
    scheme, _, token = value.partition(b" ")
    assert (role, scheme.lower(), token.strip(b" ")) == (Role.CALLER, b"bearer", TOKEN.encode())


def _moment(value: bytes) -> None:
    moment = read_moment(value.decode("utf-8", "replace"))
    assert read_moment(write_moment(moment)) == moment


def _client_certificate(front: Front) -> Callable[[bytes], None]:
    """What reads the headers of a front: a line each, since no value has line ends in it."""
    names = _NAMES.of(front)

    def read(value: bytes) -> None:
        headers = list(zip(names, value.split(b"\n"), strict=False))
        presented = read_client_certificate(front, headers, _NAMES)
        if presented is not None:
            read_submission(presented.certificate, presented.intermediates, MAX_CERTIFICATES)

    return read


HEADERS: Final[tuple[Header, ...]] = (
    Header(_bearer, (ProblemError,)),
    Header(_moment, (PydanticCustomError,)),
    *(Header(_client_certificate(front), (HeaderError,)) for front in Front),
)
"""The first octet of the input says which. New ones go last: inputs that are kept go on meaning the same."""


def header(octets: bytes) -> None:
    """Read the value of one of the headers."""
    if octets and octets[0] < len(HEADERS):
        chosen = HEADERS[octets[0]]
        with suppress(*chosen.refusals):
            chosen.read(octets[1:])


TARGETS: Final[Mapping[str, Target]] = {
    target.__name__: target for target in (certificate, agreement, crl, ocsp, pem, request, header, verdict, signed)
}


@cache
def _caches() -> tuple[Cache, ...]:
    return tuple(caches().values())


def run(target: Target, octets: bytes) -> None:
    """Run a target as if nothing had been read before."""
    for each in _caches():
        each.cache_clear()
    target(octets)
