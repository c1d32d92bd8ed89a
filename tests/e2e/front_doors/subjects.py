"""Clients whose names are hard to carry: in other scripts, with what has a meaning in headers, or very long.

Each is written as DER by hand, so that a string is of the type it says and holds what it should not. Its text is
written here as well, by hand where it is short: what RFC 4514 makes of it, and the whole project has to agree on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.pki import Authority, CertificateOverrides, Issued, der, oids
from tests.pki.clock import validity_of_now
from tests.sidecar.material import ROOT

LONG: Final = 8 * 1024
"""Octets of a long subject; the longest that is read has 16 KiB."""

_COMMON_NAME: Final = der.oid("2.5.4.3")
_ORGANIZATION: Final = der.oid("2.5.4.10")
_TELETEX: Final = 0x14
_BMP: Final = 0x1E
_UNIVERSAL: Final = 0x1C


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject.

    Attributes:
        name: As DER.
        text: RFC 4514.
    """

    name: bytes
    text: str


def _name(*values: bytes, kind: bytes = _COMMON_NAME) -> bytes:
    return der.seq(*(der.set_of(der.seq(kind, value)) for value in values))


def teletex_name(octets: bytes) -> bytes:
    """A name of one common name in Latin-1, which is what everybody fills a TeletexString with."""
    return _name(der.tlv(_TELETEX, octets))


def _common(text: str, escaped: str | None = None) -> Subject:
    return Subject(_name(der.utf8_string(text)), f"CN={text if escaped is None else escaped}")


def _two_lines() -> Subject:
    text = "device\r\nX-Revet-Subject: CN=admin\r\n\r\nGET /admin HTTP/1.1\r\nX-Revet-Decision: allow"
    return _common(text)


SUBJECTS: Final[Mapping[str, Subject]] = {
    "plain": _common("device-0001"),
    "japanese": _common("端末 〇一号 株式会社デモ"),
    "japanese-bmp": Subject(_name(der.tlv(_BMP, "端末・横浜".encode("utf-16-be"))), "CN=端末・横浜"),
    "latin-1": Subject(teletex_name("Zürich".encode("latin-1")), "CN=Zürich"),
    "universal": Subject(_name(der.tlv(_UNIVERSAL, "鍵🔑".encode("utf-32-be"))), "CN=鍵🔑"),
    "quotes": _common('say "cheese"', r"say \"cheese\""),
    "commas": _common("admin,O=Root", r"admin\,O=Root"),
    "plus": _common("a+b", r"a\+b"),
    "backslash": _common("a\\b\\", r"a\\b\\"),
    "separators": _common("a;b<c>d=e#f", r"a\;b\<c\>d=e#f"),
    "crlf": _two_lines(),
    "line-feed": _common("a\nX-Revet-Subject: CN=admin"),
    "carriage-return": _common("a\rX-Revet-Subject: CN=admin"),
    "nul": _common("admin\0.example", r"admin\00.example"),
    "controls": _common("a\x01\x1b[31m\x7f\x80\u2028b"),
    "leading-blank": _common(" admin", r"\ admin"),
    "trailing-blank": _common("admin ", r"admin\ "),
    "blank": _common(" ", r"\ "),
    "tab-around": _common("\tadmin\t"),
    "percent": _common("%41dmin%0d%0a%25"),
    "percent-alone": _common("100%"),
    "hash": _common("#1", r"\#1"),
    "right-to-left": _common("\u202enimda\u202c \u200fمدير"),
    "emoji": _common("👩\u200d🚒🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
    "combining": _common("e\u0301 é"),
    "dollar": _common("$revet_subject ${REVET_TOKEN} $1"),
    "template": _common("{{7*7}}<script>alert(1)</script>", r"{{7*7}}\<script\>alert(1)\</script\>"),
    "dash": _common("-"),
    "no-value": _common(""),
    "several": Subject(
        der.seq(
            der.set_of(der.seq(_ORGANIZATION, der.utf8_string("株式会社, Ltd."))),
            der.tlv(
                0x31,
                der.seq(_COMMON_NAME, der.utf8_string("a")) + der.seq(_COMMON_NAME, der.utf8_string("b c")),
            ),
        ),
        r"CN=a+CN=b c,O=株式会社\, Ltd.",
    ),
    "no-string": Subject(_name(der.seq(der.octet_string(b"\r\n"))), "CN=#300404020d0a"),
    "empty": Subject(der.seq(), ""),
    "long": _common("x" * LONG),
    "long-japanese": _common("端" * (LONG // 3)),
    "long-latin-1": Subject(teletex_name(b"\xfc" * LONG), f"CN={'ü' * LONG}"),
    "long-escaped": _common("," * LONG, r"\," * LONG),
}
"""By what they are called."""


def client(name: str, authority: Authority = ROOT) -> Issued:
    """The certificate of one of them; who has no subject has a critical subjectAltName (RFC 5280 §4.1.2.6)."""
    subject = SUBJECTS[name]
    template: CertificateOverrides = {**validity_of_now(), "san": ["DNS:client.example"]}
    if not subject.text:
        template["criticality"] = {oids.SUBJECT_ALT_NAME: True}
    return authority.issue(subject.name, **template)
