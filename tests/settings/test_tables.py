"""Tables of the TOML file: rules for issuers, other intervals for some places, and what is wrong with them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from service.core.der.certificate import read_certificate
from service.core.model.policy import (
    EvidenceOrder,
    Exemption,
    IssuerMatch,
    IssuerRule,
    OcspNonce,
    Policy,
    RevocationMode,
    RevocationScope,
    UrlRule,
    Urls,
)
from service.core.names.comparison import canonical
from service.core.names.rfc4514 import canonical_of_text
from service.core.prefetch.schedule import Override
from service.settings import Settings, load_settings
from service.settings.issuers import MAX_EXEMPTIONS, MAX_RULES, MAX_URLS
from tests.pki import Authority
from tests.settings.given import HOME, problems, problems_of

Toml = Callable[[str], Path]


@pytest.fixture
def toml(tmp_path: Path) -> Toml:
    """A settings file with this text."""

    def write(text: str) -> Path:
        path = tmp_path / "revet.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def wrong(toml: Toml) -> Callable[[str], list[str]]:
    """What is wrong with a text, without the file's name."""

    def find(text: str) -> list[str]:
        path = toml(text)
        return [problem.removesuffix(f" (in {path})") for problem in problems({}, path)]

    return find


def load(path: Path) -> Settings:
    """The settings of a file."""
    return load_settings(path, HOME)


EVERYTHING = """
[[issuer]]
match = { name = "CN=Issuing CA,O=Example", key_identifier = "AB:cd" }
revocation_mode = "soft-fail"
revocation_scope = "leaf"
evidence_order = "ocsp-only"
grace_s = 1.5
ocsp_nonce = "require"
crl_urls = ["http://crl.example/a.crl", "https://crl.example/b.crl"]
ocsp_urls = []
urls = "replace"
exemptions = [
  { serial_number = "0A:1b", until = 2026-12-31, reason = "an old gateway" },
  { serial_number = "a", until = 2026-12-31T12:00:00+02:00, reason = "another" },
  { serial_number = "-0b", until = "2026-12-31", reason = "the third" },
  { serial_number = "00c", until = "2026-12-31T12:00:00.5Z", reason = "the last" },
]

[[issuer]]
match = { key_identifier = "0102" }
"""


def test_everything_that_a_rule_can_say(toml: Toml) -> None:
    """In the core's own types; what is left out is left to what holds for all."""
    end_of_day = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    first = IssuerRule(
        match=IssuerMatch(canonical_of_text("CN=Issuing CA,O=Example"), b"\xab\xcd"),
        place="issuer[1]",
        revocation_mode=RevocationMode.SOFT_FAIL,
        revocation_scope=RevocationScope.LEAF,
        evidence_order=EvidenceOrder.OCSP_ONLY,
        grace=timedelta(seconds=1.5),
        ocsp_nonce=OcspNonce.REQUIRE,
        crl_urls=Urls(("http://crl.example/a.crl", "https://crl.example/b.crl"), UrlRule.REPLACE),
        ocsp_urls=Urls((), UrlRule.REPLACE),
        exemptions=(
            Exemption(0xA1B, end_of_day, "an old gateway"),
            Exemption(0xA, datetime(2026, 12, 31, 12, tzinfo=timezone(timedelta(hours=2))), "another"),
            Exemption(-0xB, end_of_day, "the third"),
            Exemption(0xC, datetime(2026, 12, 31, 12, 0, 0, 500_000, tzinfo=UTC), "the last"),
        ),
    )
    second = IssuerRule(IssuerMatch(key_identifier=b"\x01\x02"), place="issuer[2]")
    assert Policy(issuer_rules=(first, second)) == load(toml(EVERYTHING)).policy()


def test_urls_are_added_unless_said_otherwise(toml: Toml) -> None:
    """Nobody loses a source by naming another one."""
    text = '[[issuer]]\nmatch = { name = "CN=x" }\nocsp_urls = ["http://ocsp.example/"]\n'
    (rule,) = load(toml(text)).policy().issuer_rules
    assert (Urls(("http://ocsp.example/",)), None) == (rule.ocsp_urls, rule.crl_urls)


def test_a_rule_by_certificate_is_about_its_name_and_key(toml: Toml, tmp_path: Path) -> None:
    """And about the key identifier, where that is given as well."""
    authority = Authority.root("Issuing CA")
    (tmp_path / "ca.pem").write_text(authority.pem)
    text = (
        f'[[issuer]]\nmatch = {{ certificate = "{tmp_path}/ca.pem", name = "CN=issuing  CA", key_identifier = "00" }}'
    )
    (rule,) = load(toml(text)).policy().issuer_rules
    own = read_certificate(authority.der)
    assert IssuerMatch(canonical(own.subject.der), b"\x00", own.public_key.spki) == rule.match


def test_rules_are_shown(toml: Toml) -> None:
    """As they were meant."""
    shown = load(toml(EVERYTHING)).masked()["REVET_ISSUER"]
    assert isinstance(shown, list)
    assert {"name": "CN=Issuing CA,O=Example", "key_identifier": "abcd", "certificate": None} == shown[0]["match"]
    assert {"serial_number": "a1b", "until": "2026-12-31T23:59:59.999999Z", "reason": "an old gateway"} == (
        shown[0]["exemptions"][0]
    )


@pytest.mark.parametrize("field", ["issuer", "crl_refresh_overrides"])
def test_tables_are_for_the_file(field: str) -> None:
    """A line of text cannot hold one."""
    name = field.upper()
    assert (f"REVET_{name} is for the TOML file alone: tables [[{field}]] of it",) == problems_of(**{name: "x"})


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "issuer[1].match: Field required"),
        ("match = {}", "issuer[1].match: name, key_identifier or certificate is needed"),
        ('match = "CN=x"', "issuer[1].match is 'CN=x': it should be a valid dictionary"),
        ('match = { name = "" }', "issuer[1].match.name is '': an issuer has a name that is not empty"),
        ('match = { name = "/CN=x" }', "issuer[1].match.name is '/CN=x': this is no name as RFC 4514 writes it"),
        ('match = { key_identifier = "abc" }', "issuer[1].match.key_identifier is 'abc': pairs of hexadecimal digits"),
        ('match = { serial = "1" }', "issuer[1].match.serial is '1': there is no such setting"),
        ('match = { certificate = "/nowhere" }', "issuer[1].match.certificate is '/nowhere': it does not exist"),
    ],
)
def test_rules_about_nobody(wrong: Callable[[str], list[str]], table: str, problem: str) -> None:
    """Each with its place and its reason."""
    assert wrong(f"[[issuer]]\n{table}\n")[0].startswith(problem)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("grace_s = -1", "issuer[2].grace_s is -1: it should be greater than or equal to 0"),
        ("grace_s = true", "issuer[2].grace_s is True: a number is needed"),
        ('revocation_mode = "lax"', "issuer[2].revocation_mode is 'lax': it should be 'hard-fail', 'soft-fail'"),
        ("mode = 1", "issuer[2].mode is 1: there is no such setting"),
        (
            'crl_urls = ["http://a/", "s3://bucket/b"]',
            "issuer[2].crl_urls[2] is 's3://bucket/b': 's3://bucket/b' is no http",
        ),
        ('ocsp_urls = ["http://a:b@c/"]', "issuer[2].ocsp_urls[1] is 'http://...@c/': credentials in a URL end up"),
        (f"crl_urls = {['http://a/'] * (MAX_URLS + 1)}", "issuer[2].crl_urls: Tuple should have at most 4 items"),
        ('urls = "replace"', "issuer[2]: urls is 'replace', but there are neither crl_urls nor ocsp_urls"),
        ('urls = "only"', "issuer[2].urls is 'only': it should be 'add' or 'replace'"),
    ],
)
def test_rules_that_cannot_be_meant(wrong: Callable[[str], list[str]], line: str, problem: str) -> None:
    """The place is counted from one, and nothing else is complained about."""
    fine = '[[issuer]]\nmatch = { name = "CN=x" }\n'
    (found,) = wrong(f"{fine}{fine}{line}\n")
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("exemption", "problem"),
    [
        ('serial_number = 10, until = 2027-01-01, reason = "x"', ".serial_number is 10: hexadecimal digits in quotes"),
        ('serial_number = "0x1", until = 2027-01-01, reason = "x"', ".serial_number is '0x1': hexadecimal digits"),
        (f'serial_number = "{"1" * 129}", until = 2027-01-01, reason = "x"', ".serial_number is '111"),
        ('serial_number = "1", until = "soon", reason = "x"', ".until is 'soon': a date (2026-12-31) or a moment"),
        ('serial_number = "1", until = 7, reason = "x"', ".until is 7: a date (2026-12-31) or a moment"),
        ('serial_number = "1", until = 2027-01-01T00:00:00, reason = "x"', "a moment needs its offset from UTC"),
        ('serial_number = "1", until = 9999-12-31T23:59:59-12:00, reason = "x"', "the year 9999 is none in which"),
        ('serial_number = "1", until = 2027-01-01, reason = ""', ".reason is '': String should have at least 1"),
        ('serial_number = "1", until = 2027-01-01', ".reason: Field required"),
        ('serial_number = "1", reason = "x"', ".until: Field required"),
    ],
)
def test_exemptions_that_cannot_be_meant(wrong: Callable[[str], list[str]], exemption: str, problem: str) -> None:
    """None is without an end and a reason."""
    (found,) = wrong(f'[[issuer]]\nmatch = {{ name = "CN=x" }}\nexemptions = [{{ {exemption} }}]\n')
    assert found.startswith("issuer[1].exemptions[1]")
    assert problem in found


def test_a_certificate_that_is_exempt_twice(wrong: Callable[[str], list[str]]) -> None:
    """Whichever way its serial number is written."""
    one, other = (f'{{ serial_number = "{number}", until = 2027-01-01, reason = "x" }}' for number in ("0A", "a"))
    found = wrong(f'[[issuer]]\nmatch = {{ name = "CN=x" }}\nexemptions = [{one}, {other}]\n')
    assert ["issuer[1]: the serial number a is exempt twice"] == found


def test_too_many(wrong: Callable[[str], list[str]]) -> None:
    """Rules, and exemptions in one."""
    rule = '[[issuer]]\nmatch = { name = "CN=x" }\n'
    assert [f"issuer: Tuple should have at most {MAX_RULES} items after validation, not {MAX_RULES + 1}"] == wrong(
        rule * (MAX_RULES + 1)
    )
    exemptions = ",".join(
        f'{{ serial_number = "{number:x}", until = 2027-01-01, reason = "x" }}' for number in range(MAX_EXEMPTIONS + 1)
    )
    (found,) = wrong(f"{rule}exemptions = [{exemptions}]\n")
    assert found.startswith(f"issuer[1].exemptions: Tuple should have at most {MAX_EXEMPTIONS} items")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{leaf}{root}", "has 2 certificates: one is needed, the issuer's"),
        ("nothing", "no PEM block"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "ca.pem: "),
        ("x" * (2**20 + 1), "has more than 1048576 bytes"),
    ],
)
def test_a_file_that_is_not_an_issuers_certificate(
    wrong: Callable[[str], list[str]], tmp_path: Path, content: str, problem: str
) -> None:
    """Named, with what is wrong with it."""
    root = Authority.root("Root")
    path = tmp_path / "ca.pem"
    path.write_text(content.replace("{leaf}", root.issue("leaf").pem).replace("{root}", root.pem))
    (found,) = wrong(f'[[issuer]]\nmatch = {{ certificate = "{path}" }}\n')
    assert found.startswith("issuer[1].match: ")
    assert problem in found


def test_a_name_that_is_not_the_certificates(wrong: Callable[[str], list[str]], tmp_path: Path) -> None:
    """Such a rule would be about nobody."""
    path = tmp_path / "ca.pem"
    path.write_text(Authority.root("Root").pem)
    (found,) = wrong(f'[[issuer]]\nmatch = {{ certificate = "{path}", name = "CN=Other" }}\n')
    assert f"issuer[1].match: name is CN=Other, and the subject in {path} is CN=Root" == found


def test_other_intervals_for_some_places(toml: Toml) -> None:
    """In the core's own types."""
    text = """
[[crl_refresh_overrides]]
prefix = "http://a/"
fraction = 0.25
min_s = 1
max_s = 2.5

[[crl_refresh_overrides]]
prefix = "s3://bucket/"
"""
    first = Override("http://a/", 0.25, timedelta(seconds=1), timedelta(seconds=2.5))
    assert (first, Override("s3://bucket/")) == load(toml(text)).schedule().overrides


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("fraction = 0.5", "crl_refresh_overrides[1].prefix: Field required"),
        ('prefix = ""', "crl_refresh_overrides[1].prefix is '': String should have at least 1 character"),
        ('prefix = "x"\nfraction = 1', "crl_refresh_overrides[1].fraction is 1: it should be less than or equal to"),
        ('prefix = "x"\nmin_s = 0', "crl_refresh_overrides[1].min_s is 0: it should be greater than 0"),
        ('prefix = "x"\nmax_s = inf', "crl_refresh_overrides[1].max_s is inf: it should be"),
        ('prefix = "x"\nevery = 3', "crl_refresh_overrides[1].every is 3: there is no such setting"),
        (
            'prefix = "x"\nmax_s = 30',
            "crl_refresh_overrides[1] for 'x' makes 60 s the shortest interval and 30 s the longest",
        ),
        (
            'prefix = "x"\nmin_s = 7200',
            "crl_refresh_overrides[1] for 'x' makes 7200 s the shortest interval and 3600 s the longest",
        ),
        (
            'prefix = "x"\n[[crl_refresh_overrides]]\nprefix = "x"',
            "crl_refresh_overrides[2] has the prefix 'x', as one before it",
        ),
    ],
)
def test_intervals_that_cannot_be_meant(wrong: Callable[[str], list[str]], lines: str, problem: str) -> None:
    """Each with its place and its reason."""
    (found,) = wrong(f"[[crl_refresh_overrides]]\n{lines}\n")
    assert found.startswith(problem)


def test_a_table_that_is_none(wrong: Callable[[str], list[str]]) -> None:
    """Something else in its place."""
    assert ["crl_refresh_overrides is 3: it should be a valid tuple"] == wrong("crl_refresh_overrides = 3\n")
    assert wrong('issuer = ["x"]\n')[0].startswith("issuer[1] is 'x': it should be a valid dictionary")
