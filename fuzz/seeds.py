"""What fuzzing starts from: something good of every kind, out of the test PKI and out of `cryptography_vectors`.

Rules: a seed has a name that tells what it is; each target has some that are read to the end.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from fuzz.signed import PIECES
from fuzz.targets import HEADERS, TOKEN
from fuzz.verdict import SCENARIOS
from service.application.fronts import Front
from tests.api.client_cert.certificates import CHAIN, PLUS
from tests.api.client_cert.proxies import GOOD, byte_sequences, traefik_2
from tests.core.der import vectors
from tests.pki import (
    Authority,
    CertificateOverrides,
    DistributionPoint,
    Entry,
    Extension,
    IssuingDistributionPoint,
    der,
    key,
    ocsp_error,
    oids,
)
from tests.pki import pem as armoured

Seeds = Mapping[str, bytes]

MAX_VECTOR: Final = 4096
"""Octets of a vector that serves as a seed: coverage comes with small inputs, and speed too."""

_RELATIVE: Final = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "list")])
_URL: Final = "http://a/"

_CA: Final = Authority.root("CN=CA+UID=5,O=Example", key=key("rsa2048"), path_length=3)
_POINTS: Final = [
    DistributionPoint([_URL], reasons={"keyCompromise"}, crl_issuer="CN=b"),
    DistributionPoint(relative_name=_RELATIVE),
]
_NAME_CONSTRAINTS: Final = der.seq(
    der.explicit(0, der.seq(der.tlv(0x82, b"example"))), der.explicit(1, der.seq(der.tlv(0x87, bytes(8))))
)
_MORE: Final = [
    Extension(oids.NAME_CONSTRAINTS, _NAME_CONSTRAINTS, critical=True),
    Extension("2.5.29.33", der.seq(der.seq(der.oid("1.2.3"), der.oid("1.2.4"))), critical=True),
    Extension("2.5.29.36", der.seq(der.tlv(0x80, b"\0"), der.tlv(0x81, b"\1")), critical=True),
    Extension("2.5.29.54", der.integer(1), critical=True),
    Extension("1.2.3", b"", critical=True),
]
_KINDS: Final[Mapping[str, CertificateOverrides]] = {
    "everything": {
        "key": key("ed25519"),
        "san": ["DNS:a.example", "URI:spiffe://a/", "email:a@b.example", "IP:127.0.0.1"],
        "crl_urls": _POINTS,
        "freshest_crl_urls": _URL,
        "ocsp_urls": _URL,
        "ca_issuers": "http://b/",
        "policies": ["1.2.3", "2.5.29.32.0"],
        "no_check": True,
        "no_rev_avail": True,
        "extensions": _MORE,
    },
    "plain": {},
    "v1": {"version": 1},
    "p384": {"key": key("p384")},
    "mldsa44": {"key": key("mldsa44")},
    "dsa": {"key": key("dsa2048")},
    "pss": {"signature_hash": "sha384", "pss_salt_length": 48},
}


def _certificates() -> Seeds:
    made = {name: _CA.issue("CN=leaf,O=Example", **overrides).der for name, overrides in _KINDS.items()}
    return {**made, "authority": _CA.der, **_vectors(vectors.certificate_files(), vectors.certificates)}


def _crls() -> Seeds:
    scope = IssuingDistributionPoint([_URL], only_user=True, only_some_reasons={"superseded"}, indirect=True)
    entries = [Entry(5, "keyCompromise"), Entry(-1), Entry(6, certificate_issuer="CN=b"), Entry(1 << 160)]
    made = {
        "empty": _CA.crl(),
        "everything": _CA.crl(revoked=entries, delta_base=1, idp=scope, freshest_crl_urls=_URL),
        "v1": _CA.crl(version=1, revoked=[1, 2]),
        "relative": _CA.crl(idp=IssuingDistributionPoint(relative_name=_RELATIVE, only_ca=True), next_update=None),
        "ed448": Authority.root("E", key=key("ed448")).crl(revoked={1: "removeFromCRL"}),
    }
    return {**made, **_vectors(vectors.crl_files(), vectors.crls)}


def _answers() -> Seeds:
    leaf = _CA.issue("leaf")
    delegate = _CA.ocsp_responder("responder", key=key("ed25519"))
    single = [Extension("1.2.3", b"")]
    made = {
        "good": _CA.ocsp(leaf),
        "delegated": _CA.ocsp(leaf, status="revoked", reason="superseded", responder=delegate, responder_id="key"),
        "several": _CA.ocsp(leaf, 5, 6, cert_id_hash="sha256", nonce=b"nonce", single_extensions=single),
        "unknown": _CA.ocsp(leaf, status="unknown", next_update=None),
        "error": ocsp_error("tryLater"),
    }
    return {**made, **_vectors(vectors.ocsp_response_files(), lambda name: [vectors.octets(name)])}


def _vectors(names: list[str], read: Callable[[str], list[bytes]]) -> Seeds:
    found = {name: octets for name in names for octets in read(name)}
    return {name.replace("/", "-"): octets for name, octets in found.items() if len(octets) <= MAX_VECTOR}


def _pem() -> Seeds:
    certificate = _CA.pem
    return {
        "two": (certificate + certificate).encode(),
        "one line": certificate.replace("\n", " ").encode(),
        "headers": certificate.replace("-----\n", "-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\n", 1).encode(),
        "labels": (armoured(b"0", "TRUSTED CERTIFICATE") + armoured(b"1", "X509 CERTIFICATE")).encode(),
        "text around": f"before\n{certificate}after\n".encode(),
        "der": _CA.der,
        "base64": b64encode(_CA.der),
    }


def _requests() -> Seeds:
    crl, answer = (b64encode(octets).decode() for octets in (_CA.crl(), _CA.ocsp(5)))
    options = {
        "at": "2026-11-21T00:00:00.5+01:00",
        "online": False,
        "revocation_mode": "require",
        "evidence": {"crls": [crl], "ocsp_responses": [answer]},
        "weak_algorithms": ["sha1"],
        "max_evidence_age_s": None,
        "policies": {"initial_policy_set": ["2.5.29.32.0"], "inhibit_any_policy": True},
    }
    request = {"certificate": "", "intermediates": [b64encode(_CA.der).decode()], "trust_store": "default"}
    return {
        "minimal": json.dumps({"certificate": _CA.pem}).encode(),
        "options": json.dumps({**request, "certificate": _CA.pem, "options": options}).encode(),
        "batch": json.dumps({"items": [{"certificate": "AA=="}, request, 1, None]}).encode(),
        "odd JSON": b'{"certificate": "\\ud800", "certificate": [NaN, -Infinity, 1e999, 0x1]}',
    }


def _headers() -> Seeds:
    fronts = {front: bytes((number,)) for number, front in enumerate(Front, len(HEADERS) - len(Front))}
    return {
        "bearer": b"\0Bearer " + TOKEN.encode(),
        "basic": b"\0Basic dTpw",
        "moment": b"\x012026-11-21T00:00:00.5+01:00",
        "leap second": b"\x012016-12-31T23:59:60Z",
        **{front.value: number + GOOD[front] for front, number in fronts.items()},
        "both of rfc9440": fronts[Front.RFC9440] + byte_sequences(PLUS.der) + b";a=1\n" + byte_sequences(*CHAIN[1:]),
        "older traefik": fronts[Front.TRAEFIK] + traefik_2(*CHAIN),
    }


def _verdicts() -> Seeds:
    return {name: bytes((number,)) + one.good for number, (name, one) in enumerate(SCENARIOS.items())}


def _signed() -> Seeds:
    return {
        f"{name} {version}": bytes((number,)) + octets
        for number, (name, piece) in enumerate(PIECES.items())
        for version, octets in enumerate(piece.good)
    }


SEEDS: Final[Mapping[str, Callable[[], Seeds]]] = {
    "certificate": _certificates,
    "agreement": _certificates,
    "crl": _crls,
    "ocsp": _answers,
    "pem": _pem,
    "request": _requests,
    "header": _headers,
    "verdict": _verdicts,
    "signed": _signed,
}
"""By target."""
