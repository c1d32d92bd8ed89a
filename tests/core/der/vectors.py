"""Certificates, CRLs and OCSP responses that nobody here made: the package `cryptography_vectors`.

Rules: a file is known by its path below `x509`, everything is read from the installed package, and what a file holds is
found by its armour or its place, never by trying. It judges nothing.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

_ARMOUR: Final = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?(CERTIFICATE|CRL)-----\s(?:[\w-]+: [^\n]*\n)*(.*?)-----END", re.DOTALL
)
_CRL_FILE: Final = re.compile(r"(^|/)crl_[^/]*\.der$|\.crl$")
_CERTIFICATE_FILE: Final = re.compile(r"\.(der|crt)$")


@cache
def _folder() -> Traversable:
    return files("cryptography_vectors") / "x509"


def octets(name: str) -> bytes:
    """The content of a file."""
    return _folder().joinpath(name).read_bytes()


def certificates(name: str) -> list[bytes]:
    """The DER of every certificate in a file."""
    return _encodings(name, b"CERTIFICATE", _CERTIFICATE_FILE)


def certificate(name: str) -> bytes:
    """The DER of the one certificate in a file."""
    (only,) = certificates(name)
    return only


def crls(name: str) -> list[bytes]:
    """The DER of every CRL in a file."""
    return _encodings(name, b"CRL", _CRL_FILE)


def crl(name: str) -> bytes:
    """The DER of the one CRL in a file."""
    (only,) = crls(name)
    return only


@cache
def certificate_files() -> list[str]:
    """The files with certificates, sorted."""
    return [name for name in _names() if not re.search(r"^ocsp/|(^|/)crl_", name) and certificates(name)]


@cache
def crl_files() -> list[str]:
    """The files with CRLs, sorted."""
    return [name for name in _names() if crls(name)]


@cache
def ocsp_response_files() -> list[str]:
    """The files with OCSP responses, sorted."""
    return [name for name in _names() if re.search(r"^ocsp/(.*-)?resp[.-]", name)]


def _encodings(name: str, label: bytes, plain: re.Pattern[str]) -> list[bytes]:
    content = octets(name)
    if plain.search(name):
        return [content]
    return [b64decode(body) for kind, body in _ARMOUR.findall(content) if kind == label]


@cache
def _names() -> list[str]:
    found = sorted(_below(_folder(), ""))
    # Certificate requests are none of Revet's business, and the rest are containers.
    return [name for name in found if re.search(r"\.(pem|der|crt|crl)$", name) and not name.startswith("requests/")]


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _below(item, f"{prefix}{item.name}/")
        else:
            yield f"{prefix}{item.name}"
