"""What is asked of the readers of DER, whatever the octets: they return or raise `MalformedError`, and nothing else.

Two ask with octets of their own making: `test_any_octets`, and fuzzing (`fuzz/targets.py`). Each function reads, asks
for everything that is made of what was read, and checks what has to be so. What was read is not refused any more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from service.core.crl.entries import rows
from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.der.crl_entry import unpack
from service.core.der.name import read_name
from service.core.der.ocsp import ResponderError, read_ocsp_response
from service.core.der.signature import SignatureResult, algorithm_name, verify
from service.core.model.malformed import MalformedError
from service.core.names.comparison import canonical, general_name_key

Reader = Callable[[bytes], object]


@contextmanager
def _read() -> Iterator[None]:
    """Once something has been read, its reader's error is one like any other."""
    try:
        yield
    except MalformedError as error:
        raise AssertionError("read, and refused when it is used") from error


def certificate(octets: bytes) -> None:
    """Read a certificate and ask for everything that is made from it."""
    found = read_certificate(octets)
    with _read():
        assert found.der == octets
        canonical(found.subject.der)
        canonical(found.issuer.der)
        assert algorithm_name(found.signature.algorithm)
        assert isinstance(verify(found.signature, found.public_key), SignatureResult)
        for point in (*found.extensions.crl_distribution_points, *found.extensions.freshest_crl):
            for name in (*point.names, *point.crl_issuer):
                general_name_key(name)
        " ".join(found.extensions.sans).encode()


def crl(octets: bytes) -> None:
    """Read a CRL, its entries, and the rows by which they are found."""
    found = read_crl(octets)
    with _read():
        canonical(found.meta.issuer.der)
        assert found.meta.entries == len([unpack(record) for run in found.runs() for _, record in run.found])
        assert found.meta.entries <= len([unpack(record) for _, record in rows(found)])


def ocsp(octets: bytes) -> None:
    """Read an OCSP response, whose own word for an error counts as reading."""
    with suppress(ResponderError):
        read_ocsp_response(octets)


def directory_name(octets: bytes) -> None:
    """Read a name and prepare it for comparing, which refuses exactly the same."""
    try:
        found = read_name(octets)
    except MalformedError:
        assert not _prepares(octets)
        raise
    assert _prepares(octets)
    found.text.encode()


def _prepares(octets: bytes) -> bool:
    try:
        canonical(octets)
    except MalformedError:
        return False
    return True
