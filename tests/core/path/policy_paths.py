"""Paths of certificates that differ in nothing but what they say about policies.

Rules: a path is written from the anchor's side, the leaf last, as in RFC 5280 §6.1; the anchor says nothing unless told
to. A certificate is a value of the model: nobody encodes, signs or reads it, so that thousands are quick to make.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.core.model.budget import Budget, Limits
from service.core.model.certificate import ANY_POLICY, Certificate, Extensions, PolicyConstraints, PolicyMapping
from service.core.model.failure import AnyPolicyMapped, NoAcceptablePolicy
from service.core.model.name import Name
from service.core.model.policy import PolicyInputs
from service.core.path.certification_path import CertificationPath
from service.core.path.policies import check_policies
from tests.core.path.chains import read
from tests.pki import Authority, names

P: Final = "1.3.6.1.4.1.99999.1"
Q: Final = "1.3.6.1.4.1.99999.2"
R: Final = "1.3.6.1.4.1.99999.3"
ANY: Final = ANY_POLICY

_TEMPLATE: Final = read(Authority.root("Template"))


@dataclass(frozen=True, slots=True)
class Says:
    """What one certificate says about policies.

    Attributes:
        policies: certificatePolicies; None without the extension.
        mappings: Pairs of an issuer's and a subject's policy.
        self_issued: Whether it bears the name of the certificate above it.
    """

    policies: frozenset[str] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    require_explicit_policy: int | None = None
    inhibit_policy_mapping: int | None = None
    inhibit_any_policy: int | None = None
    self_issued: bool = False


NOTHING: Final = Says()


def says(
    *policies: str,
    maps: Iterable[tuple[str, str]] = (),
    require: int | None = None,
    inhibit_mapping: int | None = None,
    inhibit_any: int | None = None,
    self_issued: bool = False,
) -> Says:
    """A certificate with these policies; without the extension where there are none."""
    return Says(frozenset(policies) or None, tuple(maps), require, inhibit_mapping, inhibit_any, self_issued)


def policy_path(certificates: Sequence[Says], anchor: Says = NOTHING) -> CertificationPath:
    """The path of these certificates below an anchor; each but a self-issued one has a name of its own."""
    issuer = _name("Anchor")
    made = [_certificate(anchor, "Anchor", issuer, issuer)]
    for number, one in enumerate(certificates):
        subject = issuer if one.self_issued else _name(f"Level {number}")
        made.append(_certificate(one, f"Certificate {number}", issuer, subject))
        issuer = subject
    return CertificationPath(tuple(made[:0:-1]), made[0])


def outcome(
    *certificates: Says, anchor: Says = NOTHING, inputs: PolicyInputs | None = None, limits: Limits | None = None
) -> frozenset[str] | tuple[type[NoAcceptablePolicy | AnyPolicyMapped], int]:
    """The policies that a path is good for; or the failure, with the number of the certificate named (anchor: 0).

    Raises:
        BudgetExhaustedError: the graph grew beyond the limits.
    """
    path = policy_path(certificates, anchor)
    found = check_policies(path, inputs or PolicyInputs(), Budget(limits or Limits()))
    if isinstance(found, frozenset):
        return found
    return type(found), len(certificates) - (*path.certificates, path.anchor).index(found.certificate)


def accepting(*policies: str, explicit: bool = True) -> PolicyInputs:
    """The inputs of a caller who accepts these policies alone, and requires one of them unless told otherwise."""
    return PolicyInputs(frozenset(policies), require_explicit_policy=explicit)


def _name(text: str) -> Name:
    return Name(names.name(text), text)


def _certificate(said: Says, identity: str, issuer: Name, subject: Name) -> Certificate:
    constraints = PolicyConstraints(said.require_explicit_policy, said.inhibit_policy_mapping)
    extensions = Extensions(
        policies=said.policies,
        policy_mappings=tuple(PolicyMapping(*pair) for pair in said.mappings),
        policy_constraints=None if constraints == PolicyConstraints(None, None) else constraints,
        inhibit_any_policy=said.inhibit_any_policy,
    )
    return replace(_TEMPLATE, der=identity.encode(), issuer=issuer, subject=subject, extensions=extensions)
