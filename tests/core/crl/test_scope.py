"""Which CRL covers which certificate (RFC 5280 §6.3.3 (b), (d))."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

import pytest
from cryptography import x509

from service.core.crl.scope import (
    MAX_CRL_ISSUERS,
    asked_issuers,
    covered_reasons,
    crl_issuers,
    distribution_points,
    may_vouch,
    names_other_issuer,
    names_too_many_issuers,
    point_keys,
)
from service.core.model.certificate import Certificate
from service.core.model.certificate import DistributionPoint as Point
from service.core.model.crl import CrlMeta
from service.core.model.crl import IssuingDistributionPoint as Scope
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons
from service.core.names.comparison import canonical, general_name_key
from tests.core.crl.findings import LEAF, SUB, URL, meta, read
from tests.pki import Authority, CertificateOverrides, DistributionPoint, Issued, IssuingDistributionPoint
from tests.pki.extensions import Reason

ANOTHER_URL: Final = "http://crl.example/another.crl"
NONE: Final = Reasons(0)
COMPROMISE: Final = Reasons.KEY_COMPROMISE | Reasons.CA_COMPROMISE

LEAF_WITHOUT_POINT: Final = SUB.issue("leaf")


def directory_name(text: str) -> x509.DirectoryName:
    """The general name of a directory entry."""
    return x509.DirectoryName(x509.Name.from_rfc4514_string(text))


def common_name(text: str) -> x509.RelativeDistinguishedName:
    """A relative distinguished name of one common name."""
    return x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def scope(idp: IssuingDistributionPoint | bytes | None) -> CrlMeta:
    """A CRL of `SUB` with this extension."""
    return meta(idp=idp)


def scoped(names: tuple[GeneralName, ...]) -> CrlMeta:
    """A CRL of `SUB` whose distribution point has these names."""
    return replace(meta(), issuing_distribution_point=Scope(names=names))


def leaf(*points: DistributionPoint | str) -> Certificate:
    """A leaf with these distribution points."""
    return read(SUB.issue("leaf", crl_urls=points))


def covered(idp: IssuingDistributionPoint | None, *points: DistributionPoint | str) -> Reasons:
    """What a CRL covers of a leaf with these distribution points."""
    return covered_reasons(scope(idp), leaf(*points))


# --- RFC 5280 §6.3.3 (b)(2)(i): the name -----------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [LEAF, LEAF_WITHOUT_POINT, SUB.subordinate("Lower")])
def test_without_a_scope_everything_is_covered(subject: Issued | Authority) -> None:
    """A CRL without issuingDistributionPoint is complete for its issuer."""
    assert ALL_REASONS == covered_reasons(scope(None), read(subject))


@pytest.mark.parametrize("subject", [LEAF, LEAF_WITHOUT_POINT, SUB.subordinate("Lower")])
def test_a_scope_without_a_name(subject: Issued | Authority) -> None:
    """An issuingDistributionPoint that names no point covers every point of its issuer."""
    assert ALL_REASONS == covered_reasons(scope(IssuingDistributionPoint()), read(subject))


def test_the_partition_of_a_certificate() -> None:
    """A partitioned CRL as AWS Private CA writes it covers the certificates that carry its URL."""
    assert ALL_REASONS == covered(IssuingDistributionPoint([URL], only_user=True), URL)
    assert ALL_REASONS == covered(IssuingDistributionPoint([URL]), URL)


def test_another_partition() -> None:
    """The CRL of another partition says nothing of a certificate, however validly it is signed."""
    assert NONE == covered(IssuingDistributionPoint([ANOTHER_URL], only_user=True), URL)


def test_a_partition_and_a_certificate_without_points() -> None:
    """A certificate that carries no URL belongs to no partition that has one."""
    assert NONE == covered_reasons(scope(IssuingDistributionPoint([URL])), read(LEAF_WITHOUT_POINT))


@pytest.mark.parametrize("text", ["CN=Sub", "CN=SUB", "CN=sub"])
def test_a_scope_with_the_issuers_name(text: str) -> None:
    """A CRL whose point is named like its issuer covers certificates that declare none (§6.3.3, end), or this one."""
    crl = scope(IssuingDistributionPoint([directory_name(text)]))
    assert ALL_REASONS == covered_reasons(crl, read(LEAF_WITHOUT_POINT))
    assert ALL_REASONS == covered_reasons(crl, leaf(DistributionPoint([directory_name("CN=Sub")])))
    assert NONE == covered_reasons(crl, read(LEAF))


def test_a_scope_with_another_directory_name() -> None:
    """It covers those who name it, and nobody else."""
    other = IssuingDistributionPoint([directory_name("CN=Partition 7")])
    assert NONE == covered(other, URL)
    assert ALL_REASONS == covered(other, DistributionPoint([directory_name("CN=PARTITION 7")]))


def test_one_name_in_common_is_enough() -> None:
    """Both sides may have several names."""
    idp = IssuingDistributionPoint(["http://mirror.example/", URL])
    assert ALL_REASONS == covered(idp, DistributionPoint(["ldap://ldap.example/", URL]))
    assert ALL_REASONS == covered(idp, ANOTHER_URL, URL)
    assert NONE == covered(idp, DistributionPoint(["ldap://ldap.example/", ANOTHER_URL]))


@pytest.mark.parametrize("url", ["http://CRL.example/sub.crl", "http://crl.example/sub.crl ", "http://crl.example/sub"])
def test_urls_are_compared_octet_by_octet(url: str) -> None:
    """A URL in another spelling is another URL."""
    assert NONE == covered(IssuingDistributionPoint([url]), URL)


def test_a_url_and_a_host_name_differ() -> None:
    """The same octets in another form of general name are another name."""
    assert NONE == covered(IssuingDistributionPoint([x509.DNSName(URL)]), URL)


def test_relative_names() -> None:
    """A name relative to the CRL issuer is the issuer's name with one part more, on either side."""
    relative = IssuingDistributionPoint(relative_name=common_name("Partition 7"))
    assert ALL_REASONS == covered(relative, DistributionPoint(relative_name=common_name("PARTITION 7")))
    assert ALL_REASONS == covered(relative, DistributionPoint([directory_name("CN=Partition 7,CN=Sub")]))
    assert NONE == covered(relative, DistributionPoint(relative_name=common_name("Partition 8")))
    assert NONE == covered(relative, DistributionPoint([directory_name("CN=Partition 7")]))


# --- RFC 5280 §6.3.3 (b)(2)(ii), (iii), (iv): the kind of certificate ------------------------------------------------

SUBJECTS: Final = {
    "leaf": read(LEAF),
    "leaf without basicConstraints": read(SUB.issue("leaf", ca=None, crl_urls=URL)),
    "authority": read(SUB.subordinate("Lower", crl_urls=URL)),
}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    ("idp", "covers_leaves", "covers_authorities"),
    [
        (IssuingDistributionPoint(), True, True),
        (IssuingDistributionPoint(only_user=True), True, False),
        (IssuingDistributionPoint(only_ca=True), False, True),
        (IssuingDistributionPoint(only_attribute=True), False, False),
        (IssuingDistributionPoint(only_user=True, only_ca=True), False, False),
        (IssuingDistributionPoint(only_user=True, only_attribute=True), False, False),
        (IssuingDistributionPoint(indirect=True), True, True),
    ],
)
def test_kinds(idp: IssuingDistributionPoint, covers_leaves: bool, covers_authorities: bool, subject: str) -> None:
    """User certificates, authorities, attribute certificates: what says nothing of itself is a user certificate."""
    expected = covers_authorities if subject == "authority" else covers_leaves
    assert (ALL_REASONS if expected else NONE) == covered_reasons(scope(idp), SUBJECTS[subject])


def test_certificates_that_cannot_say_which_kind_they_are() -> None:
    """RFC 5280 §5.2.5: a scope of one kind MUST NOT include certificates of version 1."""
    old = read(SUB.issue("leaf", version=1))
    for idp in (IssuingDistributionPoint(only_user=True), IssuingDistributionPoint(only_ca=True)):
        assert NONE == covered_reasons(scope(idp), old)
    assert ALL_REASONS == covered_reasons(scope(None), old)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), True),
        ((URL,), False),
        ((DistributionPoint([URL], crl_issuer="Sub"),), True),
        ((URL, DistributionPoint([URL], crl_issuer="Other")), True),
    ],
)
def test_who_expects_an_indirect_crl(points: Sequence[DistributionPoint | str], expected: bool) -> None:
    """It vouches where no point is declared, or one that names the issuer of its CRLs; a direct one always does."""
    certificate = leaf(*points) if points else read(LEAF_WITHOUT_POINT)
    assert expected is may_vouch(scope(IssuingDistributionPoint([URL], indirect=True)), certificate)
    assert may_vouch(scope(IssuingDistributionPoint([URL])), certificate)
    assert may_vouch(scope(None), certificate)


def test_the_kind_and_the_name_must_both_fit() -> None:
    """The right name does not make up for the wrong kind."""
    assert NONE == covered(IssuingDistributionPoint([URL], only_ca=True), URL)
    assert NONE == covered(IssuingDistributionPoint([ANOTHER_URL], only_user=True), URL)


# --- RFC 5280 §6.3.3 (d): reasons ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_the_crl", "of_the_point", "expected"),
    [
        (None, None, ALL_REASONS),
        ({"keyCompromise", "cACompromise"}, None, COMPROMISE),
        (None, {"keyCompromise", "cACompromise"}, COMPROMISE),
        ({"keyCompromise", "superseded"}, {"keyCompromise", "cACompromise"}, Reasons.KEY_COMPROMISE),
        ({"superseded"}, {"keyCompromise"}, NONE),
        (set(), None, NONE),
    ],
)
def test_reasons(
    of_the_crl: AbstractSet[Reason] | None, of_the_point: AbstractSet[Reason] | None, expected: Reasons
) -> None:
    """What both the CRL and the distribution point cover is covered."""
    idp = IssuingDistributionPoint([URL], only_some_reasons=of_the_crl)
    assert expected == covered(idp, DistributionPoint([URL], reasons=of_the_point))


def test_reasons_of_several_points() -> None:
    """Points that both name the CRL cover together what each of them covers; another one adds nothing."""
    first = DistributionPoint([URL], reasons={"keyCompromise"})
    second = DistributionPoint([URL, ANOTHER_URL], reasons={"cACompromise"})
    other = DistributionPoint([ANOTHER_URL], reasons={"superseded"})
    assert COMPROMISE == covered(IssuingDistributionPoint([URL]), first, second, other)


def test_reasons_of_a_point_bind_named_crls_alone() -> None:
    """A CRL that names no point covers every reason of the issuer's certificates (§6.3.3, end)."""
    point = DistributionPoint([URL], reasons={"keyCompromise"})
    assert ALL_REASONS == covered(IssuingDistributionPoint(), point)
    assert ALL_REASONS == covered_reasons(scope(None), leaf(point))


# --- cRLIssuer -------------------------------------------------------------------------------------------------------


def issuers(*names: GeneralName) -> Point:
    """A distribution point without a name whose CRLs these sign."""
    return Point((), ALL_REASONS, names)


SUB_NAME: Final = GeneralName(GeneralNameKind.DIRECTORY_NAME, SUB.subject)
OTHER_NAME: Final = GeneralName(GeneralNameKind.DIRECTORY_NAME, Authority.root("Other").subject)
HOST_NAME: Final = GeneralName(GeneralNameKind.DNS_NAME, b"crl.example")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), False),
        ((SUB_NAME,), False),
        ((OTHER_NAME,), True),
        ((OTHER_NAME, SUB_NAME), False),
        ((HOST_NAME,), True),
        ((HOST_NAME, SUB_NAME), False),
    ],
)
def test_who_signs_the_crls_of_a_point(names: Sequence[GeneralName], expected: bool) -> None:
    """The certificate's issuer signs unless cRLIssuer names others only; what is no directory name is nobody."""
    assert expected == names_other_issuer(issuers(*names), read(LEAF))


def test_a_crl_issuer_that_is_the_issuer() -> None:
    """A cRLIssuer that repeats the certificate's issuer changes nothing, in whatever spelling."""
    for text in ("CN=Sub", "CN=SUB"):
        point = DistributionPoint([URL], crl_issuer=text)
        assert ALL_REASONS == covered(IssuingDistributionPoint([URL]), point)


def test_a_crl_issuer_that_is_somebody_else() -> None:
    """Where somebody else signs all CRLs about a certificate, its issuer's own cover nothing of it."""
    point = DistributionPoint([URL], crl_issuer="Other")
    assert NONE == covered(IssuingDistributionPoint([URL]), point)
    assert NONE == covered(None, point)
    assert NONE == covered(IssuingDistributionPoint([directory_name("CN=Sub")]), point)
    assert ALL_REASONS == covered(None, point, DistributionPoint([ANOTHER_URL]))


@pytest.mark.parametrize(
    ("issuer", "idp", "expected"),
    [
        ("Other", IssuingDistributionPoint([URL], indirect=True), ALL_REASONS),
        ("OTHER", IssuingDistributionPoint(indirect=True), ALL_REASONS),
        ("Other", IssuingDistributionPoint([ANOTHER_URL], indirect=True), NONE),
        ("Other", IssuingDistributionPoint([URL]), NONE),
        ("Other", None, NONE),
        ("Sub", IssuingDistributionPoint([URL], indirect=True), NONE),
        ("Third", IssuingDistributionPoint([URL], indirect=True), NONE),
    ],
)
def test_the_crl_of_another_issuer(issuer: str, idp: IssuingDistributionPoint | None, expected: Reasons) -> None:
    """RFC 5280 §6.3.3 (b)(1): it is the one that cRLIssuer names, and says of itself that it is indirect."""
    crl = meta(issuer_name=issuer, idp=idp)
    assert expected == covered_reasons(crl, leaf(DistributionPoint([URL], crl_issuer="Other")))
    assert NONE == covered_reasons(meta(issuer_name="Other", idp=idp), leaf(URL))


def test_who_may_issue_crls_about_a_certificate() -> None:
    """Its issuer, and everybody whom its distribution points name, those of its deltas included."""
    points: list[str | DistributionPoint] = [URL, DistributionPoint([URL], crl_issuer="Other")]
    deltas = [DistributionPoint([URL], crl_issuer="Third")]
    certificate = read(SUB.issue("leaf", crl_urls=points, freshest_crl_urls=deltas))
    assert ["CN=Sub", "CN=Other", "CN=Third"] == [name.text for name in crl_issuers(certificate)]
    nobody = replace(certificate.extensions, crl_distribution_points=(issuers(HOST_NAME),), freshest_crl=())
    assert ["CN=Sub"] == [name.text for name in crl_issuers(replace(certificate, extensions=nobody))]


def test_another_crl_issuer_does_not_hide_the_other_points() -> None:
    """Each point is judged by itself."""
    points = (DistributionPoint([URL], crl_issuer="Other"), DistributionPoint([ANOTHER_URL]))
    assert NONE == covered(IssuingDistributionPoint([URL]), *points)
    assert ALL_REASONS == covered(IssuingDistributionPoint([ANOTHER_URL]), *points)


def test_a_point_without_a_name_is_named_like_its_crl_issuer() -> None:
    """RFC 5280 §6.3.3 (b)(2)(i): every name of cRLIssuer stands for the point's."""
    certificate = read(LEAF_WITHOUT_POINT)
    extensions = replace(certificate.extensions, crl_distribution_points=(issuers(SUB_NAME, OTHER_NAME),))
    certificate = replace(certificate, extensions=extensions)
    assert {general_name_key(SUB_NAME), general_name_key(OTHER_NAME)} == point_keys(certificate)
    assert ALL_REASONS == covered_reasons(scoped((OTHER_NAME,)), certificate)


def test_a_name_of_its_own_comes_before_the_crl_issuers() -> None:
    """Where the point has a name, cRLIssuer does not stand for it."""
    certificate = read(LEAF_WITHOUT_POINT)
    url = GeneralName(GeneralNameKind.URI, URL.encode())
    extensions = replace(
        certificate.extensions, crl_distribution_points=(Point((url,), ALL_REASONS, (SUB_NAME, OTHER_NAME)),)
    )
    certificate = replace(certificate, extensions=extensions)
    assert {general_name_key(SUB_NAME), general_name_key(url)} == point_keys(certificate)
    assert NONE == covered_reasons(scoped((OTHER_NAME,)), certificate)


# --- the points of a certificate -------------------------------------------------------------------------------------


def test_the_issuers_name_is_the_last_point() -> None:
    """Declared points in their order, then the implied one, unless somebody else signs the CRLs of all of them."""
    elsewhere, nameless = (
        DistributionPoint([ANOTHER_URL], crl_issuer="Other"),
        DistributionPoint(reasons={"superseded"}, crl_issuer="Sub"),
    )
    declared = (
        Point((GeneralName(GeneralNameKind.URI, URL.encode()),), ALL_REASONS),
        Point((GeneralName(GeneralNameKind.URI, ANOTHER_URL.encode()),), ALL_REASONS, (OTHER_NAME,)),
        Point((), Reasons.SUPERSEDED, (SUB_NAME,)),
    )
    assert (*declared, Point((SUB_NAME,), ALL_REASONS)) == distribution_points(leaf(URL, elsewhere, nameless))
    assert declared[1:2] == distribution_points(leaf(elsewhere))


def test_the_keys_of_a_certificates_points() -> None:
    """CRLs are held under the names of the points, the issuer's in its canonical form."""
    shouted = read(SUB.issue("leaf", issuer_name="SUB", crl_urls=(URL, DistributionPoint([ANOTHER_URL]))))
    expected = {b"\x06" + URL.encode(), b"\x06" + ANOTHER_URL.encode(), general_name_key(SUB_NAME)}
    assert expected == point_keys(shouted)


@pytest.mark.parametrize("overrides", [CertificateOverrides(), CertificateOverrides(version=1)])
def test_the_keys_of_a_certificate_without_points(overrides: CertificateOverrides) -> None:
    """CRLs of its issuer are looked for all the same."""
    assert {general_name_key(SUB_NAME)} == point_keys(read(SUB.issue("leaf", **overrides)))


def test_more_issuers_than_are_asked() -> None:
    """The certificate's own issuer is asked whatever else it names, each once; of the others so many."""
    points = [DistributionPoint([URL], crl_issuer=f"Lists {number}") for number in range(MAX_CRL_ISSUERS)]
    many = read(SUB.issue("many", crl_urls=[*points, points[0]]))
    fewer = read(SUB.issue("fewer", crl_urls=[*points[1:], points[1]]))
    assert [True, False] == [names_too_many_issuers(one) for one in (many, fewer)]
    assert MAX_CRL_ISSUERS == len(set(asked_issuers(many))) == len(set(asked_issuers(fewer)))
    assert [canonical(many.issuer.der)] * 2 == [asked_issuers(one)[0] for one in (many, fewer)]
    assert (canonical(many.issuer.der),) == asked_issuers(read(LEAF))
