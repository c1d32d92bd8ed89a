"""Certificate policies (RFC 5280 §6.1): the counts, the inputs, the anchor, and what comes out of a real path.

What the graph does with any combination of policies and mappings, `test_policy_tree` holds against the RFC's own tree.
"""

from typing import Final

import pytest

from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.failure import AnyPolicyMapped, Expired, NoAcceptablePolicy
from service.core.model.policy import Policy, PolicyInputs
from service.core.path.certification_path import ValidPath
from service.core.path.validation import validate
from tests.core.path.chains import DEFAULT, failure, path, read
from tests.core.path.policy_paths import ANY, NOTHING, P, Q, R, Says, accepting, outcome, says
from tests.pki import NOW, Authority, Extension, Issued, days, der

ROOT: Final = Authority.root("Root")

EXPLICIT: Final = PolicyInputs(require_explicit_policy=True)
NO_MAPPING: Final = PolicyInputs(inhibit_policy_mapping=True)
NO_ANY: Final = PolicyInputs(inhibit_any_policy=True)

Outcome = frozenset[str] | tuple[type[NoAcceptablePolicy | AnyPolicyMapped], int]


def only(*policies: str) -> Outcome:
    """A valid path that is good for these policies."""
    return frozenset(policies)


def lost(number: int) -> Outcome:
    """No acceptable policy is left from this certificate on, the first below the anchor being 1."""
    return NoAcceptablePolicy, number


def chain(*policies: tuple[str, ...] | None) -> list[Issued | Authority]:
    """Certificates with these policies below `ROOT`, leaf first, the anchor last; one for each."""
    *upper, lowest = policies
    authorities = [ROOT]
    for number, asserted in enumerate(upper):
        authorities.append(authorities[-1].subordinate(f"Level {number}", policies=asserted))
    return [authorities[-1].issue("leaf", policies=lowest), *reversed(authorities)]


# --- certificatePolicies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        # RFC 9618 §5.3 (d)(1)(i): what was expected stays, what was not goes
        (((P,),), {P}),
        (((P,), (P,)), {P}),
        (((P, Q), (Q, R)), {Q}),
        (((P,), (Q,)), set()),
        (((P, Q, R), (Q, R), (R, P)), {R}),
        # (d)(1)(ii): an anyPolicy above lets everything in
        (((ANY,), (P,)), {P}),
        (((ANY,), (ANY,), (P, Q)), {P, Q}),
        # (d)(2): an anyPolicy below continues everything that was expected
        (((P,), (ANY,)), {P}),
        (((P, Q), (ANY,), (Q,)), {Q}),
        (((P,), (ANY,), (Q,)), set()),
        (((ANY,), (ANY,)), {ANY}),
        # anyPolicy beside others
        (((P, ANY),), {P, ANY}),
        (((P, ANY), (Q,)), {Q}),
        (((P, ANY), (P, ANY)), {P, ANY}),
        (((P,), (Q, ANY)), {P}),
        (((P, Q), (R, ANY)), {P, Q}),
        (((ANY,), (P, ANY), (Q,)), {Q}),
        # (e): a certificate without policies ends it, and nothing brings it back
        ((None,), set()),
        (((P,), None), set()),
        ((None, (P,)), set()),
        (((ANY,), None, (ANY,)), set()),
        (((P,), (Q,), (ANY,)), set()),
        (((P,), (Q,), (P,)), set()),
    ],
)
def test_policies_of_a_path(policies: tuple[tuple[str, ...] | None, ...], expected: set[str]) -> None:
    """The policies that every certificate below the anchor agrees to; the anchor's side stands first here."""
    leaf_first = path(*chain(*policies))
    valid = validate(leaf_first, DEFAULT, NOW, Budget(Limits()))
    assert ValidPath(leaf_first, frozenset(expected)) == valid


def test_every_extension_arrives() -> None:
    """From the octets of real certificates: a mapping, a required policy, and an inhibited anyPolicy."""
    mapping = Extension("2.5.29.33", der.seq(der.seq(der.oid(P), der.oid(Q))), critical=True)
    required = Extension("2.5.29.36", der.seq(der.implicit(0, der.integer(0))), critical=True)
    inhibited = Extension("2.5.29.54", der.integer(0), critical=True)
    sub = ROOT.subordinate("Sub", policies=P, extensions=(mapping, required, inhibited))
    good = path(sub.issue("leaf", policies=Q), sub, ROOT)
    assert ValidPath(good, frozenset({P})) == validate(good, DEFAULT, NOW, Budget(Limits()))
    for policies in (P, ANY):
        leaf = sub.issue("leaf", policies=policies)
        assert NoAcceptablePolicy(read(leaf)) == failure(leaf, sub, ROOT)


# --- requireExplicitPolicy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("skipped", "expected"), [(0, lost(1)), (1, lost(1)), (3, lost(1)), (4, only())])
def test_a_policy_is_required_after_so_many_certificates(skipped: int, expected: Outcome) -> None:
    """Of the whole path, once there are so many (RFC 5280 §6.1.4 (h), (i), §6.1.5 (a)); three follow here."""
    assert expected == outcome(says(require=skipped), NOTHING, NOTHING, NOTHING)


def test_a_required_policy_may_be_there() -> None:
    """Required and there is as good as not required."""
    assert only(P) == outcome(says(P, require=0), says(P), says(P))


@pytest.mark.parametrize(("skipped", "expected"), [(0, lost(1)), (1, only())])
def test_the_last_certificate_may_require_a_policy_of_itself(skipped: int, expected: Outcome) -> None:
    """With 0, and with nothing else: nobody follows (RFC 5280 §6.1.5 (b))."""
    assert expected == outcome(says(require=skipped))


def test_the_last_certificate_may_inhibit_mapping_alone() -> None:
    """The other field of its policyConstraints requires nothing."""
    assert only() == outcome(says(inhibit_mapping=0))


@pytest.mark.parametrize(("later", "expected"), [(0, lost(1)), (3, lost(1)), (None, lost(1))])
def test_a_lower_certificate_only_tightens(later: int | None, expected: Outcome) -> None:
    """The smaller number counts (RFC 5280 §6.1.4 (i)(1))."""
    assert expected == outcome(says(require=1), says(require=later), NOTHING)
    assert only() == outcome(says(require=3), says(require=3), NOTHING)


def test_self_issued_certificates_are_not_counted() -> None:
    """Unless they are the last one (RFC 5280 §6.1.4 (h), §6.1.5 (a))."""
    again = says(self_issued=True)
    assert lost(1) == outcome(says(require=2), NOTHING, NOTHING)
    assert only() == outcome(says(require=2), again, NOTHING)
    assert lost(1) == outcome(says(require=1), again, again)


def test_the_certificate_to_blame() -> None:
    """The first one down to which nothing is left for the caller, not the one at which that was noticed."""
    assert lost(2) == outcome(says(P), says(Q), says(P, require=0), says(P))
    assert lost(2) == outcome(says(P, require=0), says(Q), says(P))
    assert lost(1) == outcome(says(P), says(P), inputs=accepting(Q))
    assert lost(3) == outcome(says(ANY), says(ANY), says(P), inputs=accepting(Q))
    assert lost(3) == outcome(says(P, maps=[(P, Q)]), says(Q), says(P), inputs=EXPLICIT)


# --- policyMappings --------------------------------------------------------------------------------------------------


def test_a_mapped_policy_is_the_anchors() -> None:
    """What a path is good for is told in the words of the anchor's domain, never in the leaf's."""
    mapped = (says(P, maps=[(P, Q)]), says(Q))
    assert only(P) == outcome(*mapped)
    assert only(P) == outcome(*mapped, inputs=accepting(P))
    assert lost(1) == outcome(*mapped, inputs=accepting(Q))
    assert lost(2) == outcome(says(P, maps=[(P, Q)]), says(P), inputs=EXPLICIT)


def test_mapping_to_several() -> None:
    """Each of them will do; several of them are still one."""
    upper = says(P, R, maps=[(P, Q), (P, R), (P, Q)])
    assert only(P) == outcome(upper, says(Q))
    assert only(P, R) == outcome(upper, says(R))
    assert only(P, R) == outcome(upper, says(Q, R))


def test_mapping_what_any_policy_stands_for() -> None:
    """A CA that asserts anyPolicy may map a policy without asserting it (RFC 9618 §5.4 (b)(2))."""
    assert only(P) == outcome(says(ANY, maps=[(P, Q)]), says(Q))
    assert only(P, R) == outcome(says(ANY, maps=[(P, Q)]), says(Q, R))
    assert only() == outcome(says(R, maps=[(P, Q)]), says(Q))


def test_mappings_of_a_leaf_do_nothing() -> None:
    """Nobody follows whom they could concern."""
    assert only(P) == outcome(says(P), says(P, maps=[(P, Q)]))


@pytest.mark.parametrize("pair", [(P, ANY), (ANY, P), (ANY, ANY)])
def test_any_policy_is_not_mapped(pair: tuple[str, str]) -> None:
    """Neither from nor to, whether or not a policy is required or left (RFC 5280 §4.2.1.5, §6.1.4 (a))."""
    assert (AnyPolicyMapped, 1) == outcome(says(P, maps=[(P, Q), pair]), says(Q))
    assert (AnyPolicyMapped, 2) == outcome(NOTHING, says(maps=[pair]), NOTHING)
    assert (AnyPolicyMapped, 2) == outcome(says(P), says(P, maps=[(P, Q), pair]))
    assert (AnyPolicyMapped, 1) == outcome(says(maps=[pair]))
    assert (AnyPolicyMapped, 0) == outcome(says(P), anchor=says(maps=[pair]))


def test_what_is_wrong_further_up_comes_first() -> None:
    """A required policy is missed at once (RFC 9618 §5.3 (f)), and not at the end of the path."""
    mapping = says(maps=[(P, ANY)])
    assert lost(1) == outcome(mapping, NOTHING, inputs=EXPLICIT)
    assert lost(2) == outcome(says(P), mapping, inputs=EXPLICIT)
    assert (AnyPolicyMapped, 0) == outcome(NOTHING, anchor=mapping, inputs=EXPLICIT)
    assert lost(1) == outcome(says(require=1), NOTHING, mapping, NOTHING)
    assert (AnyPolicyMapped, 2) == outcome(says(require=1), mapping, NOTHING)


@pytest.mark.parametrize(("skipped", "expected"), [(0, lost(2)), (1, lost(3)), (2, only(P))])
def test_mapping_is_inhibited_after_so_many_certificates(skipped: int, expected: Outcome) -> None:
    """What is mapped from then on is no policy of the path any more (RFC 9618 §5.4 (b)(3))."""
    mapping = [says(P, maps=[(P, Q)]), says(Q, maps=[(Q, R)])]
    assert expected == outcome(says(P, inhibit_mapping=skipped), *mapping, says(R), inputs=EXPLICIT)


def test_inhibited_mapping_leaves_what_is_not_mapped() -> None:
    """Other policies, and anyPolicy."""
    assert only(R) == outcome(says(P, R, maps=[(P, Q)]), says(P, Q, R), inputs=NO_MAPPING)
    assert only(R) == outcome(says(ANY), says(P, R, maps=[(P, Q)]), says(P, R), inputs=NO_MAPPING)
    assert only(Q, R) == outcome(says(ANY, maps=[(P, Q)]), says(Q, R), inputs=NO_MAPPING)


def test_inhibiting_mapping_is_no_mere_tightening() -> None:
    """Under anyPolicy a mapped name stands for the issuer's policy, and for itself where mapping is inhibited."""
    mapped = (says(ANY, maps=[(P, Q)]), says(Q))
    assert lost(2) == outcome(*mapped, inputs=accepting(Q))
    inhibiting = PolicyInputs(frozenset({Q}), require_explicit_policy=True, inhibit_policy_mapping=True)
    assert only(Q) == outcome(*mapped, inputs=inhibiting)


@pytest.mark.parametrize(("lower", "expected"), [(0, lost(3)), (2, only(P)), (None, only(P))])
def test_inhibited_mapping_only_tightens(lower: int | None, expected: Outcome) -> None:
    """The smaller number counts (RFC 5280 §6.1.4 (i)(2)), and self-issued certificates are not counted."""
    upper = [says(P, inhibit_mapping=1), says(P, inhibit_mapping=lower, self_issued=True)]
    assert expected == outcome(*upper, says(P, maps=[(P, Q)]), says(Q), inputs=EXPLICIT)


# --- inhibitAnyPolicy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("skipped", "expected"), [(0, lost(2)), (1, lost(3)), (2, only(P)), (3, only(P))])
def test_any_policy_is_inhibited_after_so_many_certificates(skipped: int, expected: Outcome) -> None:
    """From then on it stands for nothing (RFC 9618 §5.3 (d)(2), RFC 5280 §6.1.4 (j))."""
    assert expected == outcome(says(P, inhibit_any=skipped), says(ANY), says(ANY), inputs=EXPLICIT)


def test_inhibited_any_policy_leaves_what_is_beside_it() -> None:
    """Policies that the same certificate names are as good as ever."""
    assert only(P) == outcome(says(P, inhibit_any=0), says(P, ANY), says(P))


def test_self_issued_certificates_may_assert_any_policy() -> None:
    """Even where it is inhibited, and without being counted; not as the last one."""
    again = says(ANY, self_issued=True)
    assert only(P) == outcome(says(P, inhibit_any=0), again, says(P), inputs=EXPLICIT)
    assert only(P) == outcome(says(P, inhibit_any=1), again, says(ANY), inputs=EXPLICIT)
    assert lost(2) == outcome(says(P, inhibit_any=0), again, inputs=EXPLICIT)


@pytest.mark.parametrize(("lower", "expected"), [(0, lost(3)), (1, only(P)), (None, only(P))])
def test_inhibited_any_policy_only_tightens(lower: int | None, expected: Outcome) -> None:
    """The smaller number counts."""
    assert expected == outcome(says(P, inhibit_any=2), says(P, inhibit_any=lower), says(ANY), inputs=EXPLICIT)
    assert lost(3) == outcome(says(P, inhibit_any=1), says(P, inhibit_any=3), says(ANY), inputs=EXPLICIT)


@pytest.mark.parametrize("count", [2**31 - 1, 10**400])
def test_a_count_beyond_every_path(count: int) -> None:
    """It never takes effect, and does not lift what took effect above."""
    large = says(P, require=count, inhibit_mapping=count, inhibit_any=count, maps=[(P, Q)])
    assert only(P) == outcome(large, says(ANY))
    assert lost(1) == outcome(says(require=0), large, says(Q))


# --- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "left", "expected"),
    [
        ((P,), (P, Q), only(P)),
        ((P, Q, R), (P, Q), only(P, Q)),
        ((R,), (P, Q), only()),
        ((P, R), (ANY,), only(P, R)),
        ((P, R), (P, Q, ANY), only(P, R)),
        ((), (P, Q, ANY), only()),
        ((ANY,), (P, ANY), only(P, ANY)),
        ((ANY, R), (P, Q), only(P, Q)),
        ((ANY,), (), only()),
        ((P,), (), only()),
    ],
)
def test_the_accepted_policies(accepted: tuple[str, ...], left: tuple[str, ...], expected: frozenset[str]) -> None:
    """What caller and path agree on comes out (RFC 9618 §5.5 (g)(6)); none denies only where one is required."""
    assert expected == outcome(says(*left), says(*left), inputs=accepting(*accepted, explicit=False))
    required = outcome(says(*left), says(*left), inputs=accepting(*accepted))
    assert (expected or lost(1)) == required


def test_a_caller_may_require_a_policy() -> None:
    """From the first certificate on."""
    assert only(P) == outcome(says(P), says(P), inputs=EXPLICIT)
    assert lost(2) == outcome(says(P), says(Q), says(P), inputs=EXPLICIT)
    assert lost(1) == outcome(NOTHING, inputs=EXPLICIT)


def test_a_caller_may_inhibit_mapping() -> None:
    """From the first certificate on."""
    assert only(P) == outcome(says(P, maps=[(P, Q)]), says(Q))
    assert only() == outcome(says(P, maps=[(P, Q)]), says(Q), inputs=NO_MAPPING)


def test_a_caller_may_inhibit_any_policy() -> None:
    """From the first certificate on."""
    assert only(P) == outcome(says(ANY), says(P))
    assert only() == outcome(says(ANY), says(P), inputs=NO_ANY)
    assert only(P) == outcome(says(P), says(P), inputs=NO_ANY)


# --- anchors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("skipped", "expected"), [(0, lost(1)), (1, lost(1)), (2, lost(1)), (3, only())])
def test_an_anchor_may_require_a_policy(skipped: int, expected: Outcome) -> None:
    """As if it were certificate 0; two follow here."""
    assert expected == outcome(NOTHING, NOTHING, anchor=says(require=skipped))
    assert only(P) == outcome(says(P), says(P), anchor=says(require=skipped))


@pytest.mark.parametrize(("skipped", "expected"), [(0, only()), (1, only(P))])
def test_an_anchor_may_inhibit(skipped: int, expected: Outcome) -> None:
    """Mapping, and anyPolicy; after so many certificates."""
    mapping = (says(P), says(P, maps=[(P, Q)]), says(Q))
    assert expected == outcome(*mapping[1:], anchor=says(inhibit_mapping=skipped))
    assert only() == outcome(*mapping, anchor=says(inhibit_mapping=skipped))
    assert expected == outcome(says(ANY), says(P), anchor=says(inhibit_any=skipped))
    assert only() == outcome(says(ANY), says(ANY), anchor=says(inhibit_any=skipped))


@pytest.mark.parametrize("anchor", [says(Q), says(P, maps=[(P, Q)])])
def test_an_anchors_policies_do_not_count(anchor: Says) -> None:
    """Nor do its mappings: it is no certificate of the path."""
    assert only(P) == outcome(says(P), says(P), anchor=anchor)


def test_a_leaf_that_is_an_anchor() -> None:
    """It is the one certificate of its path: good for what it asserts, and for nothing where it asserts nothing."""
    asserting, silent = Authority.root("leaf", policies=(P, Q)), Authority.root("leaf")
    budget = Budget(Limits())
    assert ValidPath(path(asserting), frozenset({P, Q})) == validate(path(asserting), DEFAULT, NOW, budget)
    assert ValidPath(path(silent), frozenset()) == validate(path(silent), DEFAULT, NOW, budget)
    required = Policy(policies=accepting(P))
    assert ValidPath(path(asserting), frozenset({P})) == validate(path(asserting), required, NOW, budget)
    assert NoAcceptablePolicy(read(silent)) == failure(silent, policy=required)


def test_a_leaf_that_is_an_anchor_constrains_itself_no_more_than_a_leaf() -> None:
    """Its inhibitAnyPolicy is for those below it; a policy that it requires at once, it requires of itself."""
    inhibited = Extension("2.5.29.54", der.integer(0))
    required = Extension("2.5.29.36", der.seq(der.implicit(0, der.integer(0))))
    alone = Authority.root("leaf", policies=ANY, extensions=(inhibited, required))
    assert ValidPath(path(alone), frozenset({ANY})) == validate(path(alone), DEFAULT, NOW, Budget(Limits()))
    silent = Authority.root("leaf", extensions=(required,))
    assert NoAcceptablePolicy(read(silent)) == failure(silent)


# --- the whole path --------------------------------------------------------------------------------------------------


def test_policies_come_last() -> None:
    """What else is wrong with a path is said first, and costs no policy budget."""
    expired = ROOT.issue("leaf", policies=Q, not_after=NOW - days(1))
    policy = Policy(policies=accepting(P), limits=Limits(policies=0))
    assert Expired(read(expired)) == failure(expired, ROOT, policy=policy)


def test_a_path_without_policies_costs_nothing() -> None:
    """Not a unit of the budget; each policy is one."""
    assert only() == outcome(NOTHING, NOTHING, limits=Limits(policies=0))
    assert only(P) == outcome(says(P), says(P), limits=Limits(policies=2))
    with pytest.raises(BudgetExhaustedError, match=r"^policies: 0$"):
        outcome(says(P), says(P), limits=Limits(policies=0))
