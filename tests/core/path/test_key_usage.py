"""keyUsage of issuers (RFC 5280 §6.1.4 (n)), extendedKeyUsage of everybody, and the leaf's keyUsage (§4.2.1.12)."""

from collections.abc import Set as AbstractSet
from typing import Final

import pytest

from service.core.model.failure import KeyPurposeForbidden, KeyUsageForbidsIssuing, KeyUsageForbidsPurpose
from service.core.model.policy import KeyPurpose, Policy
from service.core.path.key_usage import check_key_purpose, check_may_sign_certificates, check_usage_fits_purpose
from tests.core.path.chains import failure, read
from tests.pki import Authority
from tests.pki.extensions import KeyUsage

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")

USAGES: Final = pytest.mark.parametrize(
    ("usage", "may_sign"),
    [
        (None, True),
        ({"keyCertSign"}, True),
        ({"keyCertSign", "cRLSign", "digitalSignature"}, True),
        ({"cRLSign", "digitalSignature"}, False),
        ({"digitalSignature"}, False),
    ],
)


@USAGES
def test_who_may_sign_certificates(usage: AbstractSet[KeyUsage] | None, may_sign: bool) -> None:
    """Where keyUsage is there, it must have keyCertSign."""
    authority = read(ROOT.subordinate("Sub", key_usage=usage))
    assert (None if may_sign else KeyUsageForbidsIssuing(authority)) == check_may_sign_certificates(authority)


@USAGES
def test_an_intermediate_must_be_allowed_to_sign(usage: AbstractSet[KeyUsage] | None, may_sign: bool) -> None:
    """RFC 5280 §6.1.4 (n)."""
    sub = ROOT.subordinate("Sub", key_usage=usage)
    assert (None if may_sign else KeyUsageForbidsIssuing(read(sub))) == failure(LEAF, sub, ROOT)


@USAGES
def test_an_anchor_must_be_allowed_to_sign(usage: AbstractSet[KeyUsage] | None, may_sign: bool) -> None:
    """An anchor's keyUsage is enforced where it is there."""
    root = Authority.root("Root", key_usage=usage)
    assert (None if may_sign else KeyUsageForbidsIssuing(read(root))) == failure(LEAF, SUB, root)


@pytest.mark.parametrize("usage", [None, {"cRLSign"}, {"digitalSignature"}, {"keyAgreement", "decipherOnly"}])
def test_a_leaf_signs_nothing(usage: AbstractSet[KeyUsage] | None) -> None:
    """Nobody asks it for keyCertSign, nor a leaf which is an anchor."""
    policy = Policy(key_purpose=KeyPurpose.ANY)
    assert failure(SUB.issue("leaf", key_usage=usage), SUB, ROOT, policy=policy) is None
    assert failure(ROOT.subordinate("leaf", key_usage=usage), ROOT, policy=policy) is None
    assert failure(Authority.root("leaf", key_usage=usage), policy=policy) is None


@pytest.mark.parametrize(
    ("usage", "client", "server"),
    [
        (None, True, True),
        ({"digitalSignature"}, True, True),
        ({"keyAgreement"}, True, True),
        ({"keyAgreement", "decipherOnly"}, True, True),
        ({"keyEncipherment"}, False, True),
        ({"cRLSign", "digitalSignature"}, True, True),
        ({"cRLSign"}, False, False),
        ({"contentCommitment"}, False, False),
        ({"dataEncipherment"}, False, False),
        ({"encipherOnly"}, False, False),
        ({"decipherOnly"}, False, False),
    ],
)
def test_uses_for_a_purpose(usage: AbstractSet[KeyUsage] | None, client: bool, server: bool) -> None:
    """What the key is for and what the certificate is for go together (§4.2.1.12), of an anchor as well."""
    purposes = ("clientAuth", "serverAuth")
    leaf = SUB.issue("leaf", key_usage=usage, extended_key_usage=purposes)
    silent = SUB.issue("leaf", key_usage=usage, extended_key_usage=None)
    alone = Authority.root("leaf", key_usage=usage)
    fits = {KeyPurpose.CLIENT: client, KeyPurpose.SERVER: server, KeyPurpose.ANY: True}
    for purpose, passes in fits.items():
        policy = Policy(key_purpose=purpose)
        for chain in ((leaf, SUB, ROOT), (silent, SUB, ROOT), (alone,)):
            expected = None if passes else KeyUsageForbidsPurpose(read(chain[0]), purpose)
            assert expected == failure(*chain, policy=policy)


@pytest.mark.parametrize("purpose", [KeyPurpose.CLIENT, KeyPurpose.SERVER])
def test_an_authority_in_question(purpose: KeyPurpose) -> None:
    """Who may sign certificates could certify any use; who may sign CRLs alone could not."""
    signs = ROOT.subordinate("Sub", key_usage={"keyCertSign", "cRLSign"})
    lists = ROOT.subordinate("Sub", key_usage={"cRLSign"})
    policy = Policy(key_purpose=purpose)
    assert check_usage_fits_purpose(read(signs), policy) is None
    assert failure(signs, ROOT, policy=policy) is failure(ROOT, policy=policy) is None
    assert KeyUsageForbidsPurpose(read(lists), purpose) == failure(lists, ROOT, policy=policy)


def test_issuers_serve_no_purpose() -> None:
    """An issuer's keyUsage need not fit what the certificates below it are for."""
    sub = ROOT.subordinate("Sub", key_usage={"keyCertSign"})
    assert failure(LEAF, sub, ROOT, policy=Policy(key_purpose=KeyPurpose.CLIENT)) is None


PURPOSES: Final = pytest.mark.parametrize(
    ("purposes", "asked", "fits"),
    [
        (None, KeyPurpose.CLIENT, True),
        (None, KeyPurpose.SERVER, True),
        (None, KeyPurpose.ANY, True),
        (("clientAuth",), KeyPurpose.CLIENT, True),
        (("clientAuth",), KeyPurpose.SERVER, False),
        (("clientAuth",), KeyPurpose.ANY, True),
        (("serverAuth",), KeyPurpose.CLIENT, False),
        (("serverAuth",), KeyPurpose.SERVER, True),
        (("serverAuth",), KeyPurpose.ANY, True),
        (("serverAuth", "clientAuth"), KeyPurpose.CLIENT, True),
        (("serverAuth", "clientAuth"), KeyPurpose.SERVER, True),
        (("anyExtendedKeyUsage",), KeyPurpose.CLIENT, True),
        (("anyExtendedKeyUsage", "codeSigning"), KeyPurpose.SERVER, True),
        (("codeSigning", "1.2.3.4"), KeyPurpose.CLIENT, False),
        (("codeSigning",), KeyPurpose.SERVER, False),
        (("codeSigning",), KeyPurpose.ANY, True),
    ],
)


@PURPOSES
def test_purposes(purposes: tuple[str, ...] | None, asked: KeyPurpose, fits: bool) -> None:
    """The purpose itself, anyExtendedKeyUsage, or no extendedKeyUsage at all."""
    leaf = read(SUB.issue("leaf", extended_key_usage=purposes))
    expected = None if fits else KeyPurposeForbidden(leaf, asked)
    assert expected == check_key_purpose(leaf, Policy(key_purpose=asked))


@PURPOSES
def test_purposes_along_a_path(purposes: tuple[str, ...] | None, asked: KeyPurpose, fits: bool) -> None:
    """What an intermediate or an anchor is not good for, nobody below it is; a leaf that is an anchor is asked too."""
    root = Authority.root("Root", extended_key_usage=purposes)
    sub = ROOT.subordinate("Sub", extended_key_usage=purposes)
    leaf, silent = SUB.issue("leaf", extended_key_usage=purposes), SUB.issue("leaf", extended_key_usage=None)
    policy = Policy(key_purpose=asked)
    outcomes = {
        read(leaf): failure(leaf, SUB, ROOT, policy=policy),
        read(sub): failure(silent, sub, ROOT, policy=policy),
        read(root): failure(silent, SUB, root, policy=policy),
    }
    assert {one: None if fits else KeyPurposeForbidden(one, asked) for one in outcomes} == outcomes
    assert outcomes[read(leaf)] == failure(leaf, policy=policy)


def test_the_purpose_asked_for_by_default() -> None:
    """Clients are what the service is about."""
    leaf = SUB.issue("leaf", extended_key_usage="serverAuth")
    assert KeyPurposeForbidden(read(leaf), KeyPurpose.CLIENT) == failure(leaf, SUB, ROOT)
