"""OCSP answers: one raw writer in which everything can be expressed (RFC 6960 section 4.2).

Rules: an answer holds as many single responses as it is given subjects; a subject
that is an `Answer` speaks for itself, every other takes the fields of the template. A
CertID is computed from the issuer's name and key under any hash, unless it is given.

It writes no requests; `cryptography` does that well enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypedDict, assert_never

from tests.pki import der, extensions, oids
from tests.pki.certificate import Issued
from tests.pki.extensions import Extension, Reason
from tests.pki.keys import key_bits, key_identifier
from tests.pki.moments import NEXT_UPDATE, REVOKED_AT, THIS_UPDATE
from tests.pki.signing import HashName, Signing, SigningOverrides, digest, hash_algorithm

CertStatus: TypeAlias = Literal["good", "revoked", "unknown"]

ResponseStatus: TypeAlias = Literal[
    "successful",
    "malformedRequest",
    "internalError",
    "tryLater",
    "sigRequired",
    "unauthorized",
]

_RESPONSE_STATUSES: Final[Mapping[ResponseStatus, int]] = {
    "successful": 0,
    "malformedRequest": 1,
    "internalError": 2,
    "tryLater": 3,
    "sigRequired": 5,
    "unauthorized": 6,
}


class SingleOverrides(TypedDict, total=False):
    """The keyword arguments that set the fields of `Single`."""

    status: CertStatus
    revoked_at: der.Moment
    reason: Reason | int | None
    this_update: der.Moment
    next_update: der.Moment | None
    cert_id_hash: HashName
    cert_id_issuer: Issued | None
    cert_id: bytes | None
    single_extensions: Sequence[Extension]


# Without slots, as `Signing`.
@dataclass(frozen=True, kw_only=True)
class Single:
    """What one single response says, but not of whom."""

    status: CertStatus = "good"
    revoked_at: der.Moment = REVOKED_AT
    """Written only when the status is `revoked`, as is `reason`."""
    reason: Reason | int | None = None
    this_update: der.Moment = THIS_UPDATE
    next_update: der.Moment | None = NEXT_UPDATE
    """None leaves the field out."""
    cert_id_hash: HashName = "sha1"
    cert_id_issuer: Issued | None = None
    """Whose name and key the CertID hashes; None takes the authority that answers."""
    cert_id: bytes | None = None
    """The raw CertID, in place of all that."""
    single_extensions: Sequence[Extension] = ()

    def encoded(self, serial: int, issuer: Issued) -> bytes:
        """The DER of the SingleResponse about a serial number of `issuer`."""
        listed = extensions.encoded_list(self.single_extensions, {})
        return der.seq(
            self.cert_id or cert_id(serial, self.cert_id_issuer or issuer, self.cert_id_hash),
            self._status(),
            generalized(self.this_update),
            b"" if self.next_update is None else der.explicit(0, generalized(self.next_update)),
            der.explicit(1, listed) if listed else b"",
        )

    def _status(self) -> bytes:
        match self.status:
            case "good":
                return der.implicit(0, der.null())
            case "revoked":
                code = extensions.reason_code(self.reason) if self.reason is not None else b""
                reason = der.explicit(0, code) if code else b""
                return der.implicit(1, der.seq(generalized(self.revoked_at), reason))
            case "unknown":
                return der.implicit(2, der.null())
            case _:
                assert_never(self.status)


@dataclass(frozen=True)
class Answer(Single):
    """A single response with its subject, for answers whose single responses differ."""

    subject: Issued | int
    """The certificate, or its serial number."""


class OcspOverrides(SigningOverrides, SingleOverrides, total=False):
    """The keyword arguments that set the fields of `OcspTemplate`."""

    produced_at: der.Moment
    responder: Issued | None
    responder_id: Literal["name", "key"] | bytes
    certificates: Sequence[Issued | bytes] | None
    nonce: bytes | None
    extensions: Sequence[Extension]
    response_type: str
    response_status: ResponseStatus


@dataclass(frozen=True, kw_only=True)
class OcspTemplate(Signing, Single):
    """Everything about an OCSP answer but its issuer and its subjects."""

    produced_at: der.Moment = THIS_UPDATE
    responder: Issued | None = None
    """The delegate that signs; None signs as the authority itself."""
    responder_id: Literal["name", "key"] | bytes = "name"
    """The signer's name or key hash, or the raw ResponderID."""
    certificates: Sequence[Issued | bytes] | None = None
    """What is sent along; None sends the delegate's certificate, if there is one."""
    nonce: bytes | None = None
    """The nonce itself; the extension wraps it (RFC 9654)."""
    extensions: Sequence[Extension] = ()
    """Further response extensions, last."""
    response_type: str = oids.OCSP_BASIC
    response_status: ResponseStatus = "successful"
    """What the outer layer says, whatever is inside."""

    def encoded_answer(self, issuer: Issued, subjects: Sequence[Issued | int | Answer]) -> bytes:
        """The DER of the OCSPResponse in which `issuer` answers for `subjects`.

        Raises:
            LookupError: No AlgorithmIdentifier exists for the signing key and hash.
        """
        signer = self.responder or issuer
        listed = extensions.encoded_list(self._extensions(), {})
        response_data = der.seq(
            self._responder_id(signer),
            generalized(self.produced_at),
            der.seq(*(self._single(subject, issuer) for subject in subjects)),
            der.explicit(1, listed) if listed else b"",
        )
        basic = self.signed(signer.key, response_data, self._certificates())
        return _response(self.response_status, der.seq(der.oid(self.response_type), der.octet_string(basic)))

    def _single(self, subject: Issued | int | Answer, issuer: Issued) -> bytes:
        match subject:
            case Answer():
                return subject.encoded(_serial(subject.subject), issuer)
            case _:
                return self.encoded(_serial(subject), issuer)

    def _responder_id(self, signer: Issued) -> bytes:
        match self.responder_id:
            case bytes() as raw:
                return raw
            case "name":
                return der.explicit(1, signer.subject)
            case "key":
                # The key itself counts, not what its certificate calls it (section 4.2.1).
                return der.explicit(2, der.octet_string(key_identifier(signer.spki)))
            case _:
                assert_never(self.responder_id)

    def _extensions(self) -> Iterator[Extension]:
        if self.nonce is not None:
            yield Extension(oids.OCSP_NONCE, der.octet_string(self.nonce))
        yield from self.extensions

    def _certificates(self) -> bytes:
        sent = self.certificates
        if sent is None:
            sent = () if self.responder is None else (self.responder,)
        if not sent:
            return b""
        encoded = (item if isinstance(item, bytes) else item.der for item in sent)
        return der.explicit(0, der.seq(*encoded))


def ocsp_error(status: ResponseStatus) -> bytes:
    """An OCSPResponse without a body, as errors are; `successful` makes a broken one."""
    return _response(status)


def cert_id(serial: int, issuer: Issued, cert_id_hash: HashName = "sha1") -> bytes:
    """The DER of a CertID (RFC 6960 section 4.1.1)."""
    return der.seq(
        hash_algorithm(cert_id_hash),
        der.octet_string(digest(cert_id_hash, issuer.subject)),
        der.octet_string(digest(cert_id_hash, key_bits(issuer.spki))),
        der.integer(serial),
    )


def generalized(moment: der.Moment) -> bytes:
    """A time as OCSP writes it, GeneralizedTime in every century; bytes as they are."""
    return moment if isinstance(moment, bytes) else der.generalized_time(moment)


def _serial(subject: Issued | int) -> int:
    return subject if isinstance(subject, int) else subject.serial


def _response(status: ResponseStatus, body: bytes = b"") -> bytes:
    number = der.enumerated(_RESPONSE_STATUSES[status])
    return der.seq(number, der.explicit(0, body) if body else b"")
