"""The graph of RFC 9618 against the tree of RFC 5280: the same answer for every path, by definition of the former."""

from collections.abc import Sequence
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.model.failure import AnyPolicyMapped, NoAcceptablePolicy
from service.core.model.policy import PolicyInputs
from tests.core.path.policy_paths import ANY, P, Q, R, Says, outcome
from tests.core.path.policy_tree import Validation

POLICIES: Final = st.frozensets(st.sampled_from([P, Q, R, ANY]), min_size=1)
COUNTS: Final = st.none() | st.integers(0, 4)

MAPPINGS: Final = st.lists(st.tuples(st.sampled_from([P, Q, R]), st.sampled_from([P, Q, R])), max_size=4).map(tuple)

CERTIFICATES: Final = st.builds(
    Says,
    policies=st.none() | POLICIES | POLICIES,
    mappings=MAPPINGS,
    require_explicit_policy=COUNTS,
    inhibit_policy_mapping=COUNTS,
    inhibit_any_policy=COUNTS,
    self_issued=st.booleans(),
)

AGREEING: Final = st.builds(Says, policies=POLICIES, mappings=MAPPINGS, self_issued=st.booleans())
"""Certificates that constrain nothing, so that more of a path is left at its end."""

PATHS: Final = st.lists(CERTIFICATES, min_size=1, max_size=4) | st.lists(AGREEING, min_size=1, max_size=4)

ANCHORS: Final = st.builds(Says, POLICIES, MAPPINGS, COUNTS, COUNTS, COUNTS)

INPUTS: Final = st.builds(
    PolicyInputs,
    st.just(frozenset({ANY})) | st.frozensets(st.sampled_from([P, Q, R, ANY])) | POLICIES,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def by_tree(
    certificates: Sequence[Says], anchor: Says, inputs: PolicyInputs
) -> frozenset[str] | tuple[type[NoAcceptablePolicy | AnyPolicyMapped], int | None]:
    """What the tree says, in the words of `outcome`."""
    peer = Validation(certificates, inputs, anchor)
    if peer.mapped is not None:
        return AnyPolicyMapped, peer.mapped
    return peer.policies if peer.succeeded else (NoAcceptablePolicy, peer.blamed)


@settings(max_examples=500)
@given(PATHS, ANCHORS, INPUTS)
def test_the_graph_says_what_the_tree_says(certificates: list[Says], anchor: Says, inputs: PolicyInputs) -> None:
    """Valid or not, the policies that the path is good for, and the certificate that left none."""
    assert by_tree(certificates, anchor, inputs) == outcome(*certificates, anchor=anchor, inputs=inputs)


@given(
    st.lists(AGREEING, min_size=1, max_size=3), st.tuples(st.sampled_from([P, ANY]), st.sampled_from([Q, ANY])), INPUTS
)
def test_mapping_any_policy(certificates: list[Says], pair: tuple[str, str], inputs: PolicyInputs) -> None:
    """The same where a certificate maps anyPolicy, or something to it, the leaf as well."""
    mapping = Says(frozenset({P, ANY}), (pair,))
    for path in ([mapping, *certificates], [*certificates, mapping]):
        assert by_tree(path, Says(), inputs) == outcome(*path, inputs=inputs)
