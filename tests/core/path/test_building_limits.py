"""Path building: how long a path may be, what the search may cost, and which keys it works with."""

from itertools import permutations
from typing import Final

import pytest

from service.core.model.budget import BudgetExhaustedError, Limits
from service.core.model.failure import (
    BadSignature,
    NoIssuer,
    PathTooLong,
    SelfSignedLeaf,
    UnsupportedKey,
    UnsupportedSignature,
)
from service.core.model.key import KeyKind, PublicKey
from service.core.model.policy import Policy
from service.core.path.building import is_too_long
from tests.core.path.chains import (
    MD2_WITH_RSA,
    NOTHING_READS,
    TOO_LONG,
    X25519,
    built,
    path,
    read,
    store,
)
from tests.pki import Authority, Issued, key, public_key

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf")


def tower(height: int) -> tuple[Issued | Authority, ...]:
    """A leaf below so many intermediates and a root, leaf first."""
    authorities = [ROOT]
    for number in range(height):
        authorities.append(authorities[-1].subordinate(f"Floor {number}"))
    return (authorities[-1].issue("leaf"), *reversed(authorities))


# --- length ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "limit"),
    [
        (Policy(), 20),
        (Policy(limits=Limits(path_length=3)), 3),
        (Policy(max_path_length=0), 0),
        (Policy(max_path_length=2), 2),
        (Policy(max_path_length=21), 20),  # a caller may ask for less than the limits allow, not for more
    ],
)
def test_the_longest_path(policy: Policy, limit: int) -> None:
    """As many intermediates as the limit says are a path, one more is none; the anchor does not count."""
    leaf, *authorities = tower(limit)
    assert [path(leaf, *authorities)] == built(leaf, store(*authorities), policy)
    leaf, *authorities = tower(limit + 1)
    assert [PathTooLong(read(leaf), limit)] == built(leaf, store(*authorities), policy)


def test_a_path_that_is_too_long_does_not_hide_a_short_one() -> None:
    """The search goes on where another certificate of the same authority is nearer to an anchor."""
    leaf, lower, upper, root = tower(2)
    assert isinstance(lower, Authority)
    near = ROOT.cross_sign(lower)
    outcomes = built(leaf, store(root, lower, upper, near), Policy(max_path_length=1))
    assert {path(leaf, near, root), PathTooLong(read(leaf), 1)} == set(outcomes)


def namesakes(height: int) -> tuple[Issued | Authority, ...]:
    """The same tower, of authorities that all have one name and a key each."""
    authorities = [ROOT]
    for number in range(height):
        authorities.append(authorities[-1].subordinate("Same", key=key("ed25519", number)))
    return (authorities[-1].issue("leaf"), *reversed(authorities))


def test_a_tower_of_namesakes() -> None:
    """Where a key identifier finds the right one of them, a path costs a signature a step, however they are called."""
    leaf, *authorities = namesakes(16)
    policy = Policy(limits=Limits(signatures=1 + 17))
    assert [path(leaf, *authorities)] == built(leaf, store(*authorities), policy)


def test_a_tower_of_namesakes_that_is_too_long() -> None:
    """It is called too long, and no namesake is tried in place of the one that signed."""
    leaf, *authorities = namesakes(21)
    policy = Policy(limits=Limits(signatures=1 + 20))
    assert [PathTooLong(read(leaf), 20)] == built(leaf, store(*authorities), policy)


def test_certificates_of_the_key_that_signed() -> None:
    """All of them are tried, for one of them may lead to an anchor; those of other keys are not."""
    stranger, other = Authority.root("Stranger"), ROOT.subordinate("Sub", key=key("p256", 9))
    lost = stranger.cross_sign(SUB)
    outcomes = built(LEAF, store(ROOT, intermediates=(SUB, lost, other)), Policy(limits=Limits(signatures=4)))
    assert {path(LEAF, SUB, ROOT), NoIssuer(read(lost))} == set(outcomes)


# --- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enough", "too_little", "resource", "spent"),
    [
        # the leaf's under its own key, the leaf's, the intermediate's
        (Limits(signatures=3), Limits(signatures=2), "signatures", 2),
        # the intermediate, the anchor
        (Limits(steps=2), Limits(steps=1), "steps", 1),
    ],
)
def test_what_a_path_costs(enough: Limits, too_little: Limits, resource: str, spent: int) -> None:
    """Every signature and every certificate looked at is paid for, and an empty purse is no failure of the path."""
    trusted = store(ROOT, SUB)
    assert [path(LEAF, SUB, ROOT)] == built(LEAF, trusted, Policy(limits=enough))
    with pytest.raises(BudgetExhaustedError) as caught:
        built(LEAF, trusted, Policy(limits=too_little))
    assert (resource, spent) == (caught.value.resource, caught.value.limit)


def test_a_leafs_own_signature_is_paid_for() -> None:
    """Finding out that a leaf is self-signed costs a signature."""
    alone = Authority.root("leaf")
    assert [SelfSignedLeaf(read(alone))] == built(alone, store(ROOT), Policy(limits=Limits(signatures=1)))
    with pytest.raises(BudgetExhaustedError):
        built(alone, store(ROOT), Policy(limits=Limits(signatures=0)))


def test_a_leafs_own_signature_under_a_key_that_is_too_long() -> None:
    """Nobody works with such a key to find that out; without an anchor the leaf is nobody all the same."""
    signer, unknown = key("rsa2048"), MD2_WITH_RSA
    alone = Authority.root("leaf", key=signer, inner_algorithm=unknown, outer_algorithm=unknown)
    assert [SelfSignedLeaf(read(alone))] == built(alone, store(ROOT))
    giant = public_key("rsa16384")
    alone = Authority.root("leaf", key=signer, public_key=giant, inner_algorithm=unknown, outer_algorithm=unknown)
    assert [NoIssuer(read(alone))] == built(alone, store(ROOT))


def test_an_anchor_costs_nothing() -> None:
    """A leaf that is an anchor needs neither signature nor search."""
    assert [path(ROOT)] == built(ROOT, store(ROOT), Policy(limits=Limits(signatures=0, steps=0)))


def test_two_hundred_namesakes() -> None:
    """So many intermediates with the issuer's name and another key exhaust the budget, whichever comes first."""
    forged = [ROOT.subordinate("Sub", key=key("ed25519", index)) for index in range(200)]
    leaf = SUB.issue("leaf", authority_key_identifier=None)
    with pytest.raises(BudgetExhaustedError) as caught:
        built(leaf, store(ROOT, intermediates=forged))
    assert ("signatures", 100) == (caught.value.resource, caught.value.limit)


def test_certificates_that_are_only_looked_at_cost_too() -> None:
    """Where no signature is tried because the path would be too long, the steps still run out."""
    forged = [ROOT.subordinate("Sub", key=key("p256", index)) for index in range(20)]
    policy = Policy(max_path_length=0, limits=Limits(signatures=1, steps=19))
    with pytest.raises(BudgetExhaustedError) as caught:
        built(LEAF, store(ROOT, intermediates=forged), policy)
    assert ("steps", 19) == (caught.value.resource, caught.value.limit)


def test_a_mesh_of_cross_certificates() -> None:
    """Authorities that all certify each other give more paths than anybody waits for: the budget ends the search."""
    authorities = [Authority.root(f"Mesh {number}") for number in range(8)]
    mesh = [one.cross_sign(other) for one, other in permutations(authorities, 2)]
    with pytest.raises(BudgetExhaustedError):
        built(authorities[0].issue("leaf"), store(ROOT, intermediates=mesh))


# --- keys and algorithms ---------------------------------------------------------------------------------------------


def test_an_issuer_with_a_key_that_is_too_long() -> None:
    """Nothing is verified under an RSA key of 16,384 bits, and nothing is paid for it."""
    giant = ROOT.subordinate("Sub", key=key("rsa2048"), public_key=public_key("rsa16384"))
    leaf = giant.issue("leaf")
    outcomes = built(leaf, store(ROOT, giant), Policy(limits=Limits(signatures=1)))
    assert [UnsupportedKey(read(giant), TOO_LONG)] == outcomes


def test_an_anchor_with_a_key_that_is_too_long() -> None:
    """That the operator trusts it does not make it cheaper."""
    giant = Authority.root("Root", key=key("rsa2048"), public_key=public_key("rsa16384"))
    assert [UnsupportedKey(read(giant), TOO_LONG)] == built(giant.issue("leaf"), store(giant))


def test_a_leaf_with_a_key_that_is_too_long() -> None:
    """A leaf signs nothing here, so that its key does not keep it from an anchor; validation refuses it."""
    leaf = SUB.issue("leaf", public_key=public_key("rsa16384"))
    assert [path(leaf, SUB, ROOT)] == built(leaf, store(ROOT, SUB))


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [(KeyKind.RSA, 8192, False), (KeyKind.RSA, 8193, True), (KeyKind.DSA, 8193, False)],
)
def test_how_long_is_too_long(kind: KeyKind, size: int, expected: bool) -> None:
    """RSA moduli of up to 8,192 bits are worked with."""
    assert expected == is_too_long(PublicKey(b"", b"", kind, size))


def test_a_signature_that_nothing_here_verifies() -> None:
    """An unknown algorithm is named, and is not called a bad signature."""
    leaf = ROOT.issue("leaf", inner_algorithm=MD2_WITH_RSA, outer_algorithm=MD2_WITH_RSA)
    assert [UnsupportedSignature(read(leaf), "1.2.840.113549.1.1.2")] == built(leaf, store(ROOT))


def test_an_issuer_whose_key_nothing_here_reads() -> None:
    """A key that signs nothing is named, and is not called a bad signature."""
    mute = ROOT.subordinate("Sub", public_key=X25519)
    leaf = mute.issue("leaf")
    assert [UnsupportedKey(read(mute), NOTHING_READS)] == built(leaf, store(ROOT, mute))


def test_a_key_of_another_family() -> None:
    """A signature that no key of the issuer's family could have made is a bad one."""
    edwards = ROOT.subordinate("Sub", key=key("ed25519"))
    assert [BadSignature(read(LEAF), read(edwards))] == built(LEAF, store(ROOT, edwards))


def test_a_limit_of_zero_does_not_stop_an_anchor() -> None:
    """Without intermediates allowed, a missing issuer is still reported as missing."""
    assert [NoIssuer(read(LEAF))] == built(LEAF, store(ROOT), Policy(max_path_length=0))
