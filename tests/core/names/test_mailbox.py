"""Mail addresses against rfc822Name bases (RFC 5280 §4.2.1.10, §7.5; RFC 9598)."""

import pytest

from service.core.names.mailbox import is_smtp_utf8, mailbox_path, mailbox_subtree, smtp_utf8_path
from service.core.names.subtrees import Relation, index_subtrees
from tests.core.names.trees import smtp_utf8
from tests.pki import der

INSIDE, PARTLY, OUTSIDE, UNKNOWN = Relation.INSIDE, Relation.PARTLY, Relation.OUTSIDE, Relation.UNKNOWN

BASES = ("foo@example.com", "example.com", ".com", ".org", ".example")
"""Every kind of base."""

SMTP_UTF8 = der.oid("1.3.6.1.5.5.7.8.9")


def relation(name: str, *bases: str) -> Relation:
    """How an rfc822Name lies to bases."""
    return index_subtrees(mailbox_subtree(base.encode()) for base in bases).relation(mailbox_path(name.encode()))


def utf8_relation(name: str, *bases: str) -> Relation:
    """How an SmtpUTF8Mailbox lies to bases."""
    path = smtp_utf8_path(smtp_utf8(name).value)
    return index_subtrees(mailbox_subtree(base.encode()) for base in bases).relation(path)


@pytest.mark.parametrize(
    ("name", "base", "expected"),
    [
        # one mailbox
        ("foo@example.com", "foo@example.com", INSIDE),
        ("foo@EXAMPLE.com", "foo@example.COM", INSIDE),
        ("Foo@example.com", "foo@example.com", OUTSIDE),
        ("bar@example.com", "foo@example.com", OUTSIDE),
        ("foo@www.example.com", "foo@example.com", OUTSIDE),
        ("*@example.com", "foo@example.com", OUTSIDE),
        # every mailbox of a host
        ("foo@example.com", "example.com", INSIDE),
        ("foo@Example.com", "eXample.com", INSIDE),
        ("a.b.+tag@example.com", "example.com", INSIDE),
        ("foo@www.example.com", "example.com", OUTSIDE),
        ("foo@notexample.com", "example.com", OUTSIDE),
        ("example.com@example.org", "example.com", OUTSIDE),
        # every host of a domain
        ("foo@www.example.com", ".example.com", INSIDE),
        ("foo@a.b.example.com", ".example.com", INSIDE),
        ("foo@example.com", ".example.com", OUTSIDE),
        ("foo@notexample.com", ".example.com", OUTSIDE),
    ],
)
def test_relation(name: str, base: str, expected: Relation) -> None:
    """The local part exactly, the host without regard to case."""
    assert relation(name, base) is expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "foo",
        "foo@",
        "@example.com",
        "invalid@address@example.com",
        "this @ is invalid",
        "foo@example.com ",
        "foo bar@example.com",
        "foo@.example.com",
        "foo@example.com.",
        "foo@*.example.com",
        "foo@[10.0.0.1]",
        "foo@10.0.0.1",
        "foo@example..com",
        '"foo"@example.com',
        '""@example.com',
        '"a@evil.org"@example.com',
        '"foo@example.com',
        '"fo"o"@example.com',
        '"foo\\"@example.com',
        '"foo"bar@example.com',
        "foo<bar>@example.com",
        "foo\0@example.com",
        "foo@example.com\0",
        "foo\n@example.com",
    ],
)
def test_illegible_names(name: str) -> None:
    """What is no mail address, or none that all read alike, is neither inside a base nor outside."""
    assert relation(name, *BASES) is UNKNOWN
    assert utf8_relation(name, *BASES) is UNKNOWN


def test_rfc822_names_are_ascii() -> None:
    """Other letters belong into an SmtpUTF8Mailbox."""
    assert relation("jörg@example.com", "example.com") is UNKNOWN
    assert utf8_relation("jörg@example.com", "example.com") is INSIDE
    assert utf8_relation("jörg@ban\N{KELVIN SIGN}.com", "bank.com") is UNKNOWN


@pytest.mark.parametrize(
    "base",
    [
        "",
        '"foo"@example.com',
        "a@b@example.com",
        "foo@",
        "@",
        "foo@.example.com",
        "foo@10.0.0.1",
        ".",
        "a b",
        "jörg@a.b",
    ],
)
def test_illegible_bases(base: str) -> None:
    """They may cover anything."""
    assert relation("foo@example.org", base) is UNKNOWN


# --- SmtpUTF8Mailbox --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base", "expected"),
    [
        ("医生@example.com", "example.com", INSIDE),
        ("医生@xn--fsqu00a.example.com", ".example.com", INSIDE),
        ("医生@example.org", "example.com", OUTSIDE),
        ("医生@XN--FSQU00A.example.com", "xn--fsqu00a.Example.com", INSIDE),
        ("foo@example.com", "example.com", INSIDE),
        # a base with a local part covers some of its host
        ("医生@example.com", "foo@example.com", PARTLY),
        ("foo@example.com", "foo@example.com", PARTLY),
        ("医生@example.org", "foo@example.com", OUTSIDE),
        ("医生@a.example.com", "foo@example.com", OUTSIDE),
    ],
)
def test_internationalized_addresses(name: str, base: str, expected: Relation) -> None:
    """Constraints of form rfc822Name hold for them, by the host alone (RFC 9598 §6)."""
    assert utf8_relation(name, base) is expected


@pytest.mark.parametrize(
    "name",
    [
        '"医 生"@example.com',
        "jö\x85rg@example.com",
        "jörg@müller.example",
        "jörg@example。com",
        "jörg@ex\N{SOFT HYPHEN}ample.com",
        f"jörg@{'a' * 64}.example",
    ],
)
def test_illegible_internationalized_addresses(name: str) -> None:
    """Their domain labels are A-labels, never U-labels (RFC 9598 §3)."""
    assert utf8_relation(name, *BASES) is UNKNOWN


@pytest.mark.parametrize(
    "value",
    [
        b"",
        SMTP_UTF8,
        SMTP_UTF8 + der.utf8_string("a@example.com"),
        SMTP_UTF8 + der.explicit(0, der.ia5_string("a@example.com")),
        SMTP_UTF8 + der.explicit(0, der.utf8_string("a@example.com")) + der.null(),
        SMTP_UTF8 + der.explicit(0, der.utf8_string("a@example.com") + der.null()),
        SMTP_UTF8 + der.explicit(0, der.tlv(0x0C, b"\xff@example.com")),
        SMTP_UTF8 + der.explicit(1, der.utf8_string("a@example.com")),
    ],
)
def test_broken_encodings(value: bytes) -> None:
    """An otherName that is not what its type says is no mail address."""
    assert smtp_utf8_path(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (smtp_utf8("a@example.com").value, True),
        (SMTP_UTF8, True),
        (der.oid("1.3.6.1.4.1.311.20.2.3") + der.explicit(0, der.utf8_string("a@example.com")), False),
        # its identifier in no DER: somebody may read one
        (b"\x06\x81\x08" + SMTP_UTF8[2:], True),
        (b"", True),
    ],
)
def test_is_it_one(value: bytes, expected: bool) -> None:
    """By the type of the otherName; what has none that can be read may be one."""
    assert is_smtp_utf8(value) is expected
