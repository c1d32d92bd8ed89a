"""Name constraints (RFC 5280 §4.2.1.10) in forms that PKITS has little of: hosts, mail, URIs, addresses, others.

Each name lies within a base or does not. Where it does, permitting the base lets it pass and excluding it does not;
where it does not, it is the other way round; what lies there in part, or cannot be compared, passes neither.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Final, Literal, TypeAlias

from cryptography import x509

from service.core.model.failure import Code
from tests.conformance.case import Case, Corpus, Expected, refused
from tests.conformance.corpora.making import ABOUT_SUB, ROOT, SOUND, case, crls
from tests.pki import Authority, CertificateOverrides, Extension, der, key, names, oids
from tests.pki.names import GeneralNameLike, NameLike

Lies = Literal["within", "partly within", "outside", "nowhere"]
"""Where a name lies in relation to a base; nowhere: the two cannot be compared."""

_Form: TypeAlias = tuple[str, GeneralNameLike, GeneralNameLike, Lies]
"""A base and a name, and where it lies."""

_DENIED: Final = refused(Code.CONSTRAINT_VIOLATION)
_UNSUPPORTED: Final = refused(Code.UNSUPPORTED)
_SECTION: Final = "RFC 5280 §4.2.1.10"


def name_constraints() -> Corpus:
    """Every form, permitted and excluded; then what several certificates say together."""
    made = (*_forms(), *_subjects(), *_common_names(), *_absent(), *_together(), *_who(), *_syntax())
    return Corpus("name constraints", "a name passes only where every authority above it lets it", made)


def constraints(
    permitted: Sequence[GeneralNameLike] = (), excluded: Sequence[GeneralNameLike] = (), *, critical: bool = True
) -> Extension:
    """The extension nameConstraints."""
    fields = (
        der.implicit(number, der.seq(*(der.seq(names.general_name(base)) for base in bases))) if bases else b""
        for number, bases in enumerate((permitted, excluded))
    )
    return Extension(oids.NAME_CONSTRAINTS, der.seq(*fields), critical)


def _range(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_network(text))


def _directory(text: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name.from_rfc4514_string(text))


def _mail(address: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, address)])


def _other(identifier: str, value: bytes) -> x509.OtherName:
    return x509.OtherName(x509.ObjectIdentifier(identifier), value)


def _utf8_mailbox(text: str) -> x509.OtherName:
    return _other("1.3.6.1.5.5.7.8.9", der.utf8_string(text))


_DNS: Final[tuple[_Form, ...]] = (
    ("dns-itself", "DNS:example.com", "DNS:example.com", "within"),
    ("dns-below", "DNS:example.com", "DNS:a.b.example.com", "within"),
    ("dns-in-another-case", "DNS:example.com", "DNS:A.EXAMPLE.Com", "within"),
    ("dns-above", "DNS:example.com", "DNS:com", "outside"),
    ("dns-beside", "DNS:example.com", "DNS:example.org", "outside"),
    ("dns-that-ends-like-it", "DNS:example.com", "DNS:badexample.com", "outside"),
    ("dns-that-begins-like-it", "DNS:example.com", "DNS:example.com.evil.org", "outside"),
    ("dns-everything", "DNS:", "DNS:example.com", "within"),
    ("dns-wildcard-below", "DNS:example.com", "DNS:*.example.com", "within"),
    ("dns-wildcard-beside", "DNS:example.com", "DNS:*.example.org", "outside"),
    ("dns-wildcard-of-one", "DNS:a.example.com", "DNS:*.example.com", "partly within"),
    ("dns-with-a-dot-at-its-end", "DNS:example.com", "DNS:a.example.com.", "nowhere"),
    ("dns-with-a-port", "DNS:example.com", "DNS:a.example.com:443", "nowhere"),
)
_MAIL: Final[tuple[_Form, ...]] = (
    ("mail-itself", "email:ann@example.com", "email:ann@example.com", "within"),
    ("mail-host-in-another-case", "email:ann@example.com", "email:ann@EXAMPLE.com", "within"),
    ("mail-of-another", "email:ann@example.com", "email:bob@example.com", "outside"),
    ("mail-on-a-host", "email:example.com", "email:ann@example.com", "within"),
    ("mail-on-a-host-below", "email:example.com", "email:ann@a.example.com", "outside"),
    ("mail-in-a-domain", "email:.example.com", "email:ann@a.example.com", "within"),
    ("mail-in-a-domain-itself", "email:.example.com", "email:ann@example.com", "outside"),
    ("mail-elsewhere", "email:example.com", "email:ann@example.org", "outside"),
    ("mail-without-a-host", "email:example.com", "email:ann", "nowhere"),
    ("mail-of-two-hosts", "email:example.com", "email:ann@evil.org@example.com", "nowhere"),
    ("mail-in-utf8", "email:example.com", _utf8_mailbox("élise@example.com"), "within"),
    ("mail-in-utf8-elsewhere", "email:example.com", _utf8_mailbox("élise@example.org"), "outside"),
    ("mail-in-utf8-on-an-a-label", "email:xn--pss25c.example", _utf8_mailbox("élise@xn--pss25c.example"), "within"),
    ("mail-in-utf8-on-a-u-label", "email:xn--pss25c.example", _utf8_mailbox("élise@大学.example"), "nowhere"),
    ("mail-in-utf8-and-a-mailbox", "email:ann@example.com", _utf8_mailbox("élise@example.com"), "partly within"),
    ("mail-in-utf8-and-a-mailbox-elsewhere", "email:ann@example.org", _utf8_mailbox("élise@example.com"), "outside"),
    ("mail-quoted", "email:ann@example.com", 'email:"ann"@example.com', "nowhere"),
    ("mail-quoted-on-a-host", "email:example.com", 'email:"ann@example.org"@example.com', "nowhere"),
    ("mail-and-an-empty-base", "email:", "email:ann@example.com", "nowhere"),
)
_URI: Final[tuple[_Form, ...]] = (
    ("uri-host", "URI:example.com", "URI:https://example.com/a", "within"),
    ("uri-host-in-another-case", "URI:example.com", "URI:https://Example.COM/a", "within"),
    ("uri-with-port", "URI:example.com", "URI:https://example.com:8443/", "within"),
    ("uri-with-user", "URI:example.com", "URI:ftp://ann@example.com/", "within"),
    ("uri-host-as-user", "URI:example.com", "URI:https://example.com@evil.org/", "outside"),
    ("uri-host-in-the-path", "URI:example.com", "URI:https://evil.org/example.com", "outside"),
    ("uri-host-below", "URI:example.com", "URI:https://a.example.com/", "outside"),
    ("uri-domain", "URI:.example.com", "URI:https://a.b.example.com/", "within"),
    ("uri-domain-itself", "URI:.example.com", "URI:https://example.com/", "outside"),
    ("uri-without-a-host", "URI:example.com", "URI:urn:example:com", "nowhere"),
    ("uri-with-an-address", "URI:example.com", "URI:https://192.0.2.1/", "nowhere"),
    ("uri-with-an-ipv6-address", "URI:example.com", "URI:https://[2001:db8::1]/", "nowhere"),
    ("uri-and-an-empty-base", "URI:", "URI:https://example.com/", "nowhere"),
)
_ADDRESSES: Final[tuple[_Form, ...]] = (
    ("ip-first", _range("192.0.2.0/24"), "IP:192.0.2.0", "within"),
    ("ip-last", _range("192.0.2.0/24"), "IP:192.0.2.255", "within"),
    ("ip-after", _range("192.0.2.0/24"), "IP:192.0.3.0", "outside"),
    ("ip-odd-mask", _range("192.0.2.128/25"), "IP:192.0.2.127", "outside"),
    ("ip-alone", _range("192.0.2.7/32"), "IP:192.0.2.7", "within"),
    ("ip-everything", _range("0.0.0.0/0"), "IP:203.0.113.1", "within"),
    ("ip-of-version-6", _range("2001:db8::/32"), "IP:2001:db8:ffff::1", "within"),
    ("ip-of-version-6-after", _range("2001:db8::/32"), "IP:2001:db9::1", "outside"),
    ("ip-of-another-version", _range("0.0.0.0/0"), "IP:2001:db8::1", "outside"),
    ("ip-mapped", _range("192.0.2.0/24"), "IP:::ffff:192.0.2.1", "nowhere"),
    ("ip-mapped-after", _range("192.0.2.0/24"), "IP:::ffff:192.0.3.1", "outside"),
    ("ip-mapped-as-written", _range("::ffff:192.0.2.0/120"), "IP:::ffff:192.0.2.1", "within"),
)
_DIRECTORY: Final[tuple[_Form, ...]] = (
    ("directory-itself", _directory("O=Acme"), _directory("O=Acme"), "within"),
    ("directory-below", _directory("O=Acme"), _directory("CN=ann,OU=Sales,O=Acme"), "within"),
    ("directory-in-another-case", _directory("O=Acme"), _directory("CN=ann,O=ACME"), "within"),
    ("directory-with-spaces", _directory("O=Acme Ltd"), _directory("CN=ann,O=Acme  Ltd"), "within"),
    ("directory-beside", _directory("O=Acme"), _directory("CN=ann,O=Other"), "outside"),
    ("directory-above", _directory("OU=Sales,O=Acme"), _directory("O=Acme"), "outside"),
    ("directory-from-behind", _directory("O=Acme"), _directory("O=Acme,CN=ann"), "outside"),
    ("directory-that-begins-like-it", _directory("O=Acme"), _directory("O=Acme Evil"), "outside"),
)
_OTHERS: Final[tuple[_Form, ...]] = (
    (
        "other-name",
        _other("1.3.6.1.4.1.99999.3", der.utf8_string("a")),
        _other("1.3.6.1.4.1.99999.3", der.utf8_string("a")),
        "nowhere",
    ),
    (
        "registered-id",
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
        "nowhere",
    ),
)


def _forms() -> Iterator[Case]:
    # The leaf has no subject of its own where directory names are constrained: the name in question is the only one.
    for name, base, presented, lies in (*_DNS, *_MAIL, *_URI, *_ADDRESSES, *_DIRECTORY, *_OTHERS):
        how: CertificateOverrides = {"san": [presented], "criticality": {oids.SUBJECT_ALT_NAME: True}}
        rule = f"The name lies {lies} of the base ({_SECTION})."
        for kind, extension, passes in (
            ("permitted", constraints(permitted=[base]), lies == "within"),
            ("excluded", constraints(excluded=[base]), lies == "outside"),
        ):
            expected = SOUND if passes else _DENIED
            sub = ROOT.subordinate("Sub", extensions=[extension])
            yield _case(f"{name}-{kind}", rule, sub, "", how, _UNSUPPORTED if lies == "nowhere" else expected)


def _case(
    name: str, rule: str, sub: Authority, subject: NameLike, how: CertificateOverrides, expected: Expected
) -> Case:
    leaf = sub.issue(subject, **how)
    return case(name, rule, (leaf, sub), ABOUT_SUB + crls(sub.crl()), expected)


def _subjects() -> Iterator[Case]:
    """Names that stand in the subject."""
    mail = constraints(permitted=["email:example.com"])
    acme = constraints(permitted=[_directory("O=Acme")])
    rows: tuple[tuple[str, str, Extension, NameLike, CertificateOverrides, bool], ...] = (
        ("subject", "The subject is a directory name", acme, "CN=ann,O=Acme", {}, True),
        ("subject-elsewhere", "The subject is a directory name", acme, "CN=ann,O=Other", {}, False),
        ("subject-and-another", "Every name counts", acme, "CN=ann,O=Acme", {"san": [_directory("O=Other")]}, False),
        (
            "subject-excluded",
            "What is excluded is",
            constraints(excluded=[_directory("O=Acme")]),
            "CN=ann,O=Acme",
            {},
            False,
        ),
        ("subject-mail", "A mail address in the subject counts", mail, _mail("ann@example.com"), {}, True),
        ("subject-mail-elsewhere", "A mail address in the subject counts", mail, _mail("ann@example.org"), {}, False),
    )
    for name, rule, extension, subject, how, passes in rows:
        sub = ROOT.subordinate("Sub", extensions=[extension])
        yield _case(name, f"{rule} ({_SECTION}).", sub, subject, how, SOUND if passes else _DENIED)
    utf8 = der.seq(der.set_of(der.seq(der.oid("1.2.840.113549.1.9.1"), der.utf8_string("ann@example.com"))))
    for kind, extension in (("permitted", mail), ("excluded", constraints(excluded=["email:example.org"]))):
        rule = "An emailAddress that is no IA5String (RFC 5280 §A.1) cannot be compared."
        sub = ROOT.subordinate("Sub", extensions=[extension])
        yield _case(f"subject-mail-in-another-string-{kind}", rule, sub, utf8, {}, _UNSUPPORTED)


def _common_names() -> Iterator[Case]:
    """Common names that somebody may take for a host, where no name of the form stands beside them."""
    hosts, addresses = constraints(permitted=["DNS:example.com"]), constraints(permitted=[_range("192.0.2.0/24")])
    rows: tuple[tuple[str, Extension, str, Sequence[GeneralNameLike], bool], ...] = (
        ("host", hosts, "CN=a.example.com", (), True),
        ("host-elsewhere", hosts, "CN=evil.example", (), False),
        ("host-elsewhere-beside-an-address", hosts, "CN=evil.example", ["IP:192.0.2.1"], False),
        ("host-elsewhere-beside-a-host", hosts, "CN=evil.example", ["DNS:example.com"], True),
        ("address", addresses, "CN=192.0.2.1", (), True),
        ("address-elsewhere", addresses, "CN=192.0.3.1", (), False),
        ("address-elsewhere-beside-a-host", addresses, "CN=192.0.3.1", ["DNS:example.com"], False),
        ("address-elsewhere-beside-an-address", addresses, "CN=192.0.3.1", ["IP:192.0.2.1"], True),
        ("address-of-the-other-version", addresses, "CN=2001:db8::1", (), False),
        ("host-below-addresses", addresses, "CN=evil.example", (), True),
        ("address-below-hosts", hosts, "CN=192.0.3.1", (), True),
    )
    for name, extension, subject, san, passes in rows:
        rule = f"A common name that may pass for a name of a constrained form is held against it ({_SECTION})."
        sub = ROOT.subordinate("Sub", extensions=[extension])
        how: CertificateOverrides = {"san": san} if san else {}
        yield _case(f"common-name-{name}", rule, sub, subject, how, SOUND if passes else _DENIED)


def _absent() -> Iterator[Case]:
    """Constraints of one form say nothing of another."""
    bases: dict[str, GeneralNameLike] = {
        "dns": "DNS:example.com",
        "mail": "email:example.com",
        "uri": "URI:example.com",
        "ip": _range("192.0.2.0/24"),
        "other": _other("1.3.6.1.4.1.99999.3", der.utf8_string("a")),
        "registered-id": x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    }
    shown: dict[str, GeneralNameLike] = {
        "dns": "DNS:host.example.org",
        "mail": "email:ann@example.org",
        "uri": "URI:https://example.org/",
        "ip": "IP:203.0.113.1",
    }
    for base, name in ((base, name) for base in bases for name in shown if base != name):
        rule = f"Constraints of one form say nothing of another ({_SECTION})."
        sub = ROOT.subordinate("Sub", extensions=[constraints(permitted=[bases[base]])])
        yield _case(f"{base}-and-{name}", rule, sub, "leaf", {"san": [shown[name]]}, SOUND)


def _together() -> Iterator[Case]:
    two = ["DNS:example.com", "DNS:example.org"]
    rows: tuple[tuple[str, str, Extension, Sequence[GeneralNameLike], bool], ...] = (
        ("either-base", "One of several bases is enough", constraints(permitted=two), ["DNS:a.example.org"], True),
        ("neither-base", "None of several bases is", constraints(permitted=two), ["DNS:a.example.net"], False),
        ("every-name", "Every name counts", constraints(permitted=two), ["DNS:example.com", "DNS:a.example.org"], True),
        (
            "one-name-elsewhere",
            "Every name counts",
            constraints(permitted=two),
            ["DNS:example.com", "DNS:evil.net"],
            False,
        ),
        (
            "excluded-within",
            "What is excluded is, whatever is permitted",
            constraints(["DNS:example.com"], ["DNS:a.example.com"]),
            ["DNS:b.a.example.com"],
            False,
        ),
        (
            "beside-excluded",
            "What is excluded is, whatever is permitted",
            constraints(["DNS:example.com"], ["DNS:a.example.com"]),
            ["DNS:b.example.com"],
            True,
        ),
        (
            "not-critical",
            "Constraints count where they are not critical",
            constraints(permitted=two, critical=False),
            ["DNS:evil.net"],
            False,
        ),
        (
            "both-forms",
            "Each form by itself",
            constraints(["DNS:example.com", "email:example.com"]),
            ["DNS:example.com", "email:ann@example.com"],
            True,
        ),
        (
            "both-forms-one-elsewhere",
            "Each form by itself",
            constraints(["DNS:example.com", "email:example.com"]),
            ["DNS:example.com", "email:ann@evil.net"],
            False,
        ),
    )
    for name, rule, extension, san, passes in rows:
        sub = ROOT.subordinate("Sub", extensions=[extension])
        yield _case(name, f"{rule} ({_SECTION}).", sub, "leaf", {"san": san}, SOUND if passes else _DENIED)


def _who() -> Iterator[Case]:
    """Whose constraints hold for whom."""
    wide, narrow = constraints(permitted=["DNS:example.com"]), constraints(permitted=["DNS:a.example.com"])
    for above, below in ((wide, narrow), (narrow, wide)):
        order = "narrower-below" if above is wide else "wider-below"
        outer = ROOT.subordinate("Outer", extensions=[above])
        inner = outer.subordinate("Sub", extensions=[below])
        about = crls(ROOT.crl(), outer.crl(), inner.crl())
        for host, passes in (("x.a.example.com", True), ("b.example.com", False)):
            leaf = inner.issue("leaf", san=[f"DNS:{host}"])
            expected = Expected(SOUND.code, SOUND.status) if passes else _DENIED
            rule = "Every authority of the path has to permit it (RFC 5280 §6.1.4 (g))."
            yield case(f"{order}-{host}", rule, (leaf, inner, outer), about, expected)
    anchor = Authority.root("Constrained Root", extensions=[wide])
    for host, expected in (("a.example.com", SOUND), ("evil.net", _DENIED)):
        sub = anchor.subordinate("Sub")
        rule = "An anchor's own constraints hold as well (RFC 5937 §3.2)."
        leaf, about = sub.issue("leaf", san=[f"DNS:{host}"]), crls(anchor.crl(), sub.crl())
        yield case(f"anchor-{host}", rule, (leaf, sub), about, expected, trusted=[anchor])
    yield from _self_issued()


def _self_issued() -> Iterator[Case]:
    """A self-issued certificate is exempt, unless it is the last."""
    sub = ROOT.subordinate("CN=Sub", extensions=[constraints(permitted=[_directory("O=Acme")])])
    rollover = sub.subordinate("CN=Sub", key=key("p256", 50))
    section = "RFC 5280 §6.1.3 (b), (c)"
    for name, subject, expected in (("within", "CN=ann,O=Acme", SOUND), ("outside", "CN=ann,O=Other", _DENIED)):
        leaf = rollover.issue(subject)
        about = crls(ROOT.crl(), sub.crl(), rollover.crl())
        right = Expected(expected.code, expected.status)
        rule = f"A self-issued certificate of an authority is exempt, what it issues is not ({section})."
        yield case(f"rollover-{name}", rule, (leaf, rollover, sub), about, right)
    leaf = sub.issue("CN=Sub", key=key("p256", 51))
    rule = f"The last certificate is not exempt, self-issued or not ({section})."
    yield case("last-and-self-issued", rule, (leaf, sub), ABOUT_SUB + crls(sub.crl()), _DENIED)


def _syntax() -> Iterator[Case]:
    """What a name must not be, whether anything is constrained or not."""
    rows: tuple[tuple[str, GeneralNameLike, bool], ...] = (
        ("wildcard", "DNS:*.a.example", True),
        ("underscore", "DNS:_a.b_c.example", True),
        ("dot-at-the-end", "DNS:a.example.", True),
        ("wildcard-alone", "DNS:*", False),
        ("wildcard-in-the-middle", "DNS:www.*.example", False),
        ("wildcard-twice", "DNS:*.*.example", False),
        ("wildcard-in-a-label", "DNS:w*.example", False),
        ("space", "DNS:a b.example", False),
        ("nul", "DNS:a.example\0.evil.org", False),
        ("empty-label", "DNS:a..example", False),
        ("leading-dot", "DNS:.a.example", False),
        ("long-label", f"DNS:{'a' * 64}.example", False),
        ("long", f"DNS:{'a.' * 127}a", False),
        ("mail-with-a-space", "email:ann b@a.example", False),
        ("mail-with-a-quoted-space", 'email:"ann b"@a.example', True),
        ("mail-with-nul", "email:ann@a.example\0.evil.org", False),
        ("uri", "URI:urn:example:a", True),
        ("uri-with-a-space", "URI:https://a.example/a b", False),
    )
    sub = ROOT.subordinate("Sub")
    for name, presented, passes in rows:
        rule = "Two readers of a subjectAltName read the same in it (RFC 5280 §4.2.1.6)."
        yield _case(
            f"syntax-{name}", rule, sub, "leaf", {"san": ["DNS:host.example", presented]}, SOUND if passes else _DENIED
        )
