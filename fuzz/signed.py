"""The verdict where a piece is signed as it should be, and holds anything: what a CA may do to us, broken or hostile.

Where a signature is wrong, nothing looks any further; so here the signed part is what is fuzzed, and it is signed
afterwards. Path validation, name constraints, policies, scopes and entries of CRLs and single responses are reached
with contents that no CA writes. Any verdict will do, an allow too: the CA has signed it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fuzz.verdict import (
    ANSWER,
    CRL,
    CRL_URL,
    DELEGATE,
    DELEGATED_ANSWER,
    DELTA,
    INDIRECT_CRL,
    LEAF,
    LEAF_ALONE,
    LISTED,
    LISTER,
    OCSP_URL,
    REVOKING_ANSWER,
    ROOT,
    ROOT_CRL,
    SUB,
    Question,
    ask,
)
from service.core.model.policy import Policy, PolicyInputs, RevocationMode
from tests.pki import (
    Authority,
    DistributionPoint,
    Extension,
    Issued,
    IssuingDistributionPoint,
    algorithm_identifier,
    der,
    sign,
)
from tests.pki.keys import PrivateKey

PATH_ONLY: Final = Policy(
    revocation_mode=RevocationMode.OFF,
    policies=PolicyInputs(frozenset({"1.2.3", "1.2.4"}), require_explicit_policy=True),
)

_SUBTREES: Final = [
    der.tlv(0x81, b"example"),
    der.tlv(0x82, b"example"),
    der.tlv(0x86, b".example"),
    der.tlv(0x87, bytes((127, 0, 0, 0, 255, 0, 0, 0))),
    der.explicit(4, der.seq()),
]
_NAMES: Final = ["DNS:a.example", "URI:http://a.example/", "email:a@example", "IP:127.0.0.1"]
_CONSTRAINTS: Final = [
    Extension("2.5.29.30", der.seq(der.explicit(0, b"".join(der.seq(one) for one in _SUBTREES))), critical=True),
    Extension("2.5.29.33", der.seq(der.seq(der.oid("1.2.3"), der.oid("1.2.4"))), critical=True),
    Extension("2.5.29.36", der.seq(der.tlv(0x80, b"\0"), der.tlv(0x81, b"\1")), critical=True),
    Extension("2.5.29.54", der.integer(1), critical=True),
]
_STRICT_SUB: Final = ROOT.subordinate("Sub", key=SUB.key, policies=["1.2.3", "2.5.29.32.0"], extensions=_CONSTRAINTS)
_NAMED_LEAF: Final = SUB.issue("leaf", key=LEAF.key, san=_NAMES, policies=["1.2.4", "1.2.3"])
_POINTS: Final = [DistributionPoint([CRL_URL], reasons={"keyCompromise"}), DistributionPoint(crl_issuer=LISTER.subject)]
_POINTED_LEAF: Final = SUB.issue(
    "leaf", key=LEAF.key, crl_urls=_POINTS, freshest_crl_urls="http://delta.example/", ocsp_urls=OCSP_URL
)
_SCOPED_CRL: Final = SUB.crl(
    revoked={LEAF.serial: "removeFromCRL", 5: None},
    idp=IssuingDistributionPoint([CRL_URL], only_user=True, only_some_reasons={"keyCompromise"}),
    freshest_crl_urls="http://delta.example/",
)
_LONG_ANSWER: Final = SUB.ocsp(
    LEAF, 5, cert_id_hash="sha256", nonce=b"nonce", single_extensions=[Extension("1.2", b"")]
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a CA signs.

    Attributes:
        good: Signed parts to start from.
        ask: The question, with this signed part in its place.
    """

    good: tuple[bytes, ...]
    ask: Callable[[bytes], Question]


def _signed_part(encoded: bytes) -> bytes:
    return der.children(encoded)[0]


def _signed_part_of_answer(encoded: bytes) -> bytes:
    response_bytes = der.content(der.children(encoded)[1])
    return _signed_part(der.content(der.children(response_bytes)[1]))


def _sign(key: PrivateKey, signed_part: bytes, *trailing: bytes) -> bytes:
    return der.seq(signed_part, algorithm_identifier(key), der.bit_string(sign(key, signed_part)), *trailing)


def _answer(signer: Authority | Issued, response_data: bytes, *trailing: bytes) -> bytes:
    basic = _sign(signer.key, response_data, *trailing)
    response_bytes = der.seq(der.oid("1.3.6.1.5.5.7.48.1.1"), der.octet_string(basic))
    return der.seq(der.enumerated(0), der.explicit(0, response_bytes))


_ENCLOSED: Final = der.explicit(0, der.seq(DELEGATE.der))

PIECES: Final[Mapping[str, Piece]] = {
    "leaf": Piece(
        tuple(_signed_part(one.der) for one in (_NAMED_LEAF, LEAF)),
        lambda octets: Question(_sign(SUB.key, octets), (_STRICT_SUB.der,), policy=PATH_ONLY),
    ),
    "intermediate": Piece(
        tuple(_signed_part(one.der) for one in (_STRICT_SUB, SUB)),
        lambda octets: Question(_NAMED_LEAF.der, (_sign(ROOT.key, octets),), policy=PATH_ONLY),
    ),
    "leaf and its evidence": Piece(
        tuple(_signed_part(one.der) for one in (_POINTED_LEAF, LISTED)),
        lambda octets: Question(
            _sign(SUB.key, octets), (SUB.der, LISTER.der), (CRL, DELTA, INDIRECT_CRL, _SCOPED_CRL), (ANSWER,)
        ),
    ),
    "CRL": Piece(
        tuple(map(_signed_part, (_SCOPED_CRL, CRL))),
        lambda octets: Question(_POINTED_LEAF.der, crls=(_sign(SUB.key, octets), DELTA)),
    ),
    "delta CRL": Piece(
        (_signed_part(DELTA),), lambda octets: Question(_POINTED_LEAF.der, crls=(CRL, _sign(SUB.key, octets)))
    ),
    "indirect CRL": Piece(
        (_signed_part(INDIRECT_CRL),),
        lambda octets: Question(LISTED.der, (SUB.der, LISTER.der), (_sign(LISTER.key, octets), ROOT_CRL)),
    ),
    "issuer of an indirect CRL": Piece(
        (_signed_part(LISTER.der),),
        lambda octets: Question(LISTED.der, (SUB.der, _sign(ROOT.key, octets)), (INDIRECT_CRL, ROOT_CRL)),
    ),
    "OCSP answer": Piece(
        tuple(map(_signed_part_of_answer, (_LONG_ANSWER, ANSWER, REVOKING_ANSWER))),
        lambda octets: Question(ocsp=(_answer(SUB, octets),)),
    ),
    "delegated OCSP answer": Piece(
        (_signed_part_of_answer(DELEGATED_ANSWER),),
        lambda octets: Question(ocsp=(_answer(DELEGATE, octets, _ENCLOSED),)),
    ),
    "delegate": Piece(
        (_signed_part(DELEGATE.der),),
        lambda octets: Question(
            ocsp=(SUB.ocsp(LEAF, responder=DELEGATE, certificates=[_sign(SUB.key, octets)]),), policy=LEAF_ALONE
        ),
    ),
}
"""By what is fuzzed. The first octet of the input says which, in this order; new ones go last."""


def signed(octets: bytes) -> None:
    """Sign one piece and ask for a verdict."""
    pieces = tuple(PIECES.values())
    if octets and octets[0] < len(pieces):
        ask(pieces[octets[0]].ask(octets[1:]))
