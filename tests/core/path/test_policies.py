"""Certificate policies (RFC 5280 §6.1.3 (d), (e), (f)), and the inputs that are refused by name."""

from typing import Final

import pytest

from service.core.model.certificate import ANY_POLICY
from service.core.model.failure import Expired, UnsupportedFeature
from service.core.model.policy import Policy, PolicyInputs
from service.core.path.certification_path import ValidPath
from service.core.path.policies import authorized_policies, check_policy_inputs
from service.core.path.validation import validate
from tests.core.path.chains import DEFAULT, failure, path, read
from tests.pki import NOW, Authority, Issued, days

ROOT: Final = Authority.root("Root")

P: Final = "1.3.6.1.4.1.99999.1"
Q: Final = "1.3.6.1.4.1.99999.2"
R: Final = "1.3.6.1.4.1.99999.3"
ANY: Final = ANY_POLICY


def chain(*policies: tuple[str, ...] | None) -> list[Issued | Authority]:
    """Certificates with these policies below `ROOT`, leaf first, the anchor last; one for each."""
    *upper, lowest = policies
    authorities = [ROOT]
    for number, asserted in enumerate(upper):
        authorities.append(authorities[-1].subordinate(f"Level {number}", policies=asserted))
    return [authorities[-1].issue("leaf", policies=lowest), *reversed(authorities)]


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        # RFC 5280 §6.1.3 (d)(1)(i): what was expected stays, what was not goes
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
        # (e): a certificate without policies ends it, and (f) nothing brings it back
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
    assert frozenset(expected) == authorized_policies(leaf_first.certificates[::-1])
    assert ValidPath(leaf_first, frozenset(expected)) == validate(leaf_first, DEFAULT, NOW)


def test_no_certificate() -> None:
    """Nobody has said anything yet: any policy (RFC 5280 §6.1.2 (a))."""
    assert frozenset({ANY}) == authorized_policies(())


def test_an_anchors_policies_do_not_count() -> None:
    """The anchor is no certificate of the path."""
    root = Authority.root("Root", policies=(Q,))
    leaf = root.issue("leaf", policies=(P,))
    assert ValidPath(path(leaf, root), frozenset({P})) == validate(path(leaf, root), DEFAULT, NOW)


def test_a_leaf_that_is_an_anchor() -> None:
    """A path without a certificate below the anchor has no policies."""
    alone = Authority.root("leaf", policies=(P,))
    assert ValidPath(path(alone), frozenset()) == validate(path(alone), DEFAULT, NOW)


def test_without_policies_a_path_is_valid() -> None:
    """No explicit policy is required by default."""
    assert failure(*chain((P,), (Q,))) is None


# --- inputs ----------------------------------------------------------------------------------------------------------

OTHER_INPUTS: Final = pytest.mark.parametrize(
    "inputs",
    [
        PolicyInputs(initial_policy_set=frozenset({P})),
        PolicyInputs(initial_policy_set=frozenset({P, ANY})),
        PolicyInputs(initial_policy_set=frozenset()),
        PolicyInputs(require_explicit_policy=True),
        PolicyInputs(inhibit_policy_mapping=True),
        PolicyInputs(inhibit_any_policy=True),
    ],
)


def test_the_default_inputs() -> None:
    """Any policy, nothing required, nothing inhibited."""
    assert check_policy_inputs(PolicyInputs()) is None


@OTHER_INPUTS
def test_other_inputs_are_refused(inputs: PolicyInputs) -> None:
    """An input that is not supported is never passed over, not for a leaf that is an anchor either."""
    policy = Policy(policies=inputs)
    expected = UnsupportedFeature(None, "policies")
    assert expected == check_policy_inputs(inputs)
    assert expected == failure(*chain((P,), (P,)), policy=policy)
    assert expected == failure(ROOT, policy=policy)


def test_inputs_come_first() -> None:
    """What the caller asked for in vain is said before anything about the certificates."""
    expired = Authority.root("Root", not_after=NOW - days(1))
    assert Expired(read(expired)) == failure(expired)
    policy = Policy(policies=PolicyInputs(require_explicit_policy=True))
    assert UnsupportedFeature(None, "policies") == failure(expired, policy=policy)
