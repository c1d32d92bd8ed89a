"""DSA keys that leave their parameters to their issuer (RFC 3279 §2.3.2, RFC 5280 §6.1.4 (d), (e), (f))."""

from typing import Final

import pytest

from service.core.der.signature import SignatureResult, verify
from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.failure import BadSignature, NoIssuer, PathFailure, UnsupportedKey, UnsupportedSignature
from service.core.model.key import KeyKind
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.path.building import NOTHING_READS, WITHOUT_PARAMETERS
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.trust_store import AnchorRule, is_self_signed
from service.core.path.validation import validate
from tests.core.path.chains import MD2_WITH_RSA, accepting, built, path, read, store
from tests.core.path.heirs import below, heir, without
from tests.pki import NOW, Authority, Issued, der, key
from tests.pki.keys import KeyKind as KeyName
from tests.pki.keys import spki

DSA: Final = accepting(WeakAlgorithm.DSA)


ROOT: Final = Authority.root("Root", key=key("dsa2048"))
SUB: Final = below(ROOT, "Sub", heir(0))
LEAF: Final = SUB.issue("leaf")


def only(outcomes: list[CertificationPath | PathFailure]) -> CertificationPath:
    """The one path that building came to."""
    (found,) = outcomes
    assert isinstance(found, CertificationPath)
    return found


def kinds(found: CertificationPath) -> list[KeyKind]:
    """The families of the keys along a path."""
    return [one.public_key.kind for one in found.certificates]


def test_an_heir_below_its_issuer() -> None:
    """The path has the authority's key whole, and with it what the key signed verifies."""
    found = only(built(LEAF, store(ROOT, SUB)))
    assert path(LEAF, SUB, ROOT) == found
    assert [KeyKind.EC, KeyKind.DSA] == kinds(found)
    completed = found.certificates[1].public_key
    assert (2048, spki(heir(0).public_key())) == (completed.size, completed.spki)
    assert SignatureResult.VALID is verify(read(LEAF).signature, completed)
    assert KeyKind.DSA_INHERITING is read(SUB).public_key.kind


@pytest.mark.parametrize("parameters", [(), (der.null(),)])
def test_absent_and_null_are_the_same(parameters: tuple[bytes, ...]) -> None:
    """RFC 5280 §6.1.4 (e) names both."""
    sub = below(ROOT, "Sub", heir(0), *parameters)
    assert [path(LEAF, sub, ROOT)] == built(LEAF, store(ROOT, sub))


def test_heirs_of_heirs() -> None:
    """Parameters are carried down as far as they are needed, to the leaf."""
    lower = below(SUB, "Lower", heir(1))
    lowest = below(lower, "Lowest", heir(2))
    leaf = lowest.issue("leaf", public_key=without(heir(3)))
    found = only(built(leaf, store(ROOT, SUB, lower, lowest)))
    assert path(leaf, lowest, lower, SUB, ROOT) == found
    assert [KeyKind.DSA] * 4 == kinds(found)
    assert [spki(heir(number).public_key()) for number in (3, 2, 1, 0)] == [
        one.public_key.spki for one in found.certificates
    ]
    assert failure_of(found) is None


def failure_of(found: CertificationPath) -> PathFailure | None:
    """Why a path is not valid although DSA is accepted, or None."""
    outcome = validate(found, DSA, NOW, Budget(DSA.limits))
    return None if isinstance(outcome, ValidPath) else outcome


def test_a_leaf_alone_inherits() -> None:
    """A leaf whose issuer has its parameters written out."""
    leaf = ROOT.issue("leaf", public_key=without(heir(0)))
    found = only(built(leaf, store(ROOT)))
    assert [KeyKind.DSA] == kinds(found)


def test_an_authority_with_parameters_of_its_own_between() -> None:
    """Each inherits from the next one that has parameters, whatever those above have."""
    whole = SUB.subordinate("Whole", key=key("dsa2048", 1))
    lowest = below(whole, "Lowest", heir(5, 1))
    leaf = lowest.issue("leaf")
    found = only(built(leaf, store(ROOT, SUB, whole, lowest)))
    assert [spki(one.public_key()) for one in (heir(5, 1), key("dsa2048", 1), heir(0))] == [
        one.public_key.spki for one in found.certificates[1:]
    ]


def test_a_forgery_below_an_heir() -> None:
    """What was put off is verified all the same: the leaf, and an authority in the middle."""
    forged = SUB.issue("leaf", corrupt_signature=True)
    (outcome,) = built(forged, store(ROOT, SUB))
    assert BadSignature(read(forged), read(SUB)) == outcome
    lower = SUB.subordinate("Lower", key=heir(1), public_key=without(heir(1)), corrupt_signature=True)
    leaf = lower.issue("leaf")
    assert [BadSignature(read(lower), read(SUB))] == built(leaf, store(ROOT, SUB, lower))


def test_a_forged_heir() -> None:
    """An authority that its issuer did not sign gets no parameters from it."""
    forged = ROOT.subordinate("Sub", key=heir(0), public_key=without(heir(0)), corrupt_signature=True)
    assert [BadSignature(read(forged), read(ROOT))] == built(LEAF, store(ROOT, forged))


def test_another_key_with_the_same_parameters() -> None:
    """A signature by another heir of the same issuer is a bad one."""
    other = below(ROOT, "Sub", heir(9))
    assert [BadSignature(read(LEAF), read(other))] == built(LEAF, store(ROOT, other))


def test_the_same_key_below_other_parameters() -> None:
    """Outside the subgroup of another issuer's parameters it is no key (SP 800-89 §5.3.1)."""
    root = Authority.root("Root", key=key("dsa2048", 1))
    sub = below(root, "Sub", heir(0))
    assert [UnsupportedKey(read(sub), NOTHING_READS)] == built(LEAF, store(root, sub))


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "ed25519"])
def test_an_issuer_of_another_family(kind: KeyName) -> None:
    """It has no parameters to leave (RFC 3279 §2.3.2: reject)."""
    root = Authority.root("Root", key=key(kind))
    sub = below(root, "Sub", heir(0))
    assert [UnsupportedKey(read(sub), WITHOUT_PARAMETERS)] == built(LEAF, store(root, sub))


def test_a_leaf_below_an_issuer_of_another_family() -> None:
    """Nothing hangs on its key, so that there is a path; validation refuses the key."""
    root = Authority.root("Root")
    leaf = root.issue("leaf", public_key=without(heir(0)))
    found = only(built(leaf, store(root)))
    assert [KeyKind.DSA_INHERITING] == kinds(found)
    assert UnsupportedKey(read(leaf), WITHOUT_PARAMETERS) == failure_of(found)


def test_parameters_do_not_pass_an_authority_of_another_family() -> None:
    """RFC 5280 §6.1.4 (e): there they end, so that a leaf below it has none, whatever is above."""
    other = SUB.subordinate("Other")
    leaf = other.issue("leaf", public_key=without(heir(1)))
    found = only(built(leaf, store(ROOT, SUB, other)))
    assert [KeyKind.DSA_INHERITING, KeyKind.EC, KeyKind.DSA] == kinds(found)


def test_an_heir_in_the_middle_below_an_issuer_of_another_family() -> None:
    """Not even where those below it are heirs themselves."""
    root = Authority.root("Root", key=key("rsa2048"))
    sub = below(root, "Sub", heir(0))
    lower = below(sub, "Lower", heir(1))
    outcomes = built(lower.issue("leaf"), store(root, sub, lower))
    assert [UnsupportedKey(read(sub), WITHOUT_PARAMETERS)] == outcomes


def test_a_number_that_goes_with_no_parameters() -> None:
    """An heir that its issuer's parameters make no key of."""
    wrong = der.seq(der.seq(der.oid("1.2.840.10040.4.1")), der.bit_string(der.integer(1)))
    sub = ROOT.subordinate("Sub", key=heir(0), public_key=wrong)
    assert [UnsupportedKey(read(sub), WITHOUT_PARAMETERS)] == built(sub.issue("leaf"), store(ROOT, sub))


def test_an_anchor_has_its_own() -> None:
    """An anchor inherits from nobody, whoever issued it."""
    outcomes = built(LEAF, store(SUB, intermediates=(ROOT,), rule=AnchorRule.EVERY))
    assert [UnsupportedKey(read(SUB), WITHOUT_PARAMETERS)] == outcomes
    assert UnsupportedKey(read(SUB), WITHOUT_PARAMETERS) == failure_of(path(SUB))


def test_nobody_inherits_from_himself() -> None:
    """A certificate without parameters is not self-signed, whatever its names say."""
    itself = Authority.root("Root", key=heir(0), public_key=without(heir(0)))
    assert not is_self_signed(read(itself))
    assert [NoIssuer(read(itself))] == built(itself, store(Authority.root("Other")))


def test_an_heir_that_renewed_itself() -> None:
    """A new key under the old name, both without parameters, is no circle; the same key twice is one."""
    renewed = below(SUB, "Sub", heir(1))
    leaf = renewed.issue("leaf")
    assert path(leaf, renewed, SUB, ROOT) in built(leaf, store(ROOT, SUB, renewed))
    again = SUB.subordinate("Sub", key=heir(0), public_key=without(heir(0), der.null()))
    outcomes = built(LEAF, store(ROOT, SUB, again))
    assert [path(LEAF, SUB, ROOT)] == [one for one in outcomes if isinstance(one, CertificationPath)]


# --- what does not wait ----------------------------------------------------------------------------------------------


def test_a_signature_that_no_such_key_makes() -> None:
    """A signature of another family is a bad one at once."""
    stranger = Authority.root("Sub", key=key("p256"))
    leaf = stranger.issue("leaf")
    at_once = Policy(limits=Limits(signatures=2))  # the leaf's under its own key, and this one
    assert [BadSignature(read(leaf), read(SUB))] == built(leaf, store(ROOT, SUB), at_once)


def test_a_signature_that_nothing_here_verifies() -> None:
    """So is one of an unknown algorithm unsupported at once."""
    leaf = SUB.issue("leaf", inner_algorithm=MD2_WITH_RSA, outer_algorithm=MD2_WITH_RSA)
    assert [UnsupportedSignature(read(leaf), "1.2.840.113549.1.1.2")] == built(leaf, store(ROOT, SUB))


# --- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signatures", "enough"), [(4, True), (3, False)])
def test_what_is_put_off_is_paid_for(signatures: int, enough: bool) -> None:
    """Once when it is put off, once when it is verified; the heir's own and the leaf's under its own key as ever."""
    policy = Policy(limits=Limits(signatures=signatures))
    if enough:
        assert [path(LEAF, SUB, ROOT)] == built(LEAF, store(ROOT, SUB), policy)
    else:
        with pytest.raises(BudgetExhaustedError):
            built(LEAF, store(ROOT, SUB), policy)


def test_a_hundred_heirs() -> None:
    """Heirs that all could have issued one another exhaust the budget, although nothing could be verified yet."""
    heirs = [below(SUB, "Sub", heir(number)) for number in range(101)]
    leaf: Issued = SUB.issue("leaf", authority_key_identifier=None)
    with pytest.raises(BudgetExhaustedError):
        built(leaf, store(Authority.root("Other"), intermediates=heirs))
    policy = Policy(limits=Limits(path_length=1, steps=100_000))
    with pytest.raises(BudgetExhaustedError) as caught:
        built(leaf, store(Authority.root("Other"), intermediates=heirs), policy)
    assert ("signatures", 100) == (caught.value.resource, caught.value.limit)
