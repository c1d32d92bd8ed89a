"""OCSP responders that the operator trusts for every issuer, out of files (RFC 6960 §4.2.2.2, criterion 1).

Rules it keeps: a file that does not parse is an error and never passed over, since without its responders the service
would be another one than was meant.

What it does not do: read files, or look at dates and keys; those are looked at whenever such a responder has signed.
"""

from collections.abc import Iterable
from typing import Final

from service.application.pem import PemError, read_certificates
from service.application.trust_store_source import SourceFile
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.malformed import MalformedError

MAX_RESPONDERS: Final = 100
"""Each is held against every OCSP answer. An organization has a handful of them, each with a certificate or two."""


class TrustedResponderError(Exception):
    """The files are not what they should be.

    Attributes:
        reason: Which file, and what is wrong; for a person.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


def read_trusted_responders(files: Iterable[SourceFile]) -> tuple[Certificate, ...]:
    """Every certificate of some files, each once.

    Raises:
        TrustedResponderError: one does not parse, or there are more than `MAX_RESPONDERS`.
    """
    found: dict[Certificate, None] = {}
    for file in files:
        try:
            ders = read_certificates(file.content)
        except PemError as error:
            raise TrustedResponderError(f"{file.name}: {error.reason}") from None
        for number, der in enumerate(ders, 1):
            try:
                found[read_certificate(der)] = None
            except MalformedError as error:
                raise TrustedResponderError(f"{file.name}: certificate {number}: {error.reason}") from None
    if len(found) > MAX_RESPONDERS:
        raise TrustedResponderError(f"{len(found)} certificates of responders: {MAX_RESPONDERS} at most")
    return tuple(found)
