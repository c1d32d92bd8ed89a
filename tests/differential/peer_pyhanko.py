"""pyhanko-certvalidator as a judge of everything: paths, policies, CRLs, OCSP answers."""

import asyncio
from typing import Final

from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, RevokedError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from service.core.model.certificate import ANY_POLICY
from service.core.model.policy import PolicyInputs
from tests.differential.draft import Method, Scenario
from tests.differential.outcome import Outcome, Said
from tests.pki import NOW

_ANY: Final = "any_policy"


def judge(scenario: Scenario) -> Outcome:
    """What pyhanko-certvalidator says of a scenario; what it cannot read, it refuses."""
    return asyncio.run(_judge(scenario))


async def _judge(scenario: Scenario) -> Outcome:
    try:
        validator = _validator(scenario)
        path = await validator.async_validate_usage(set(), {"client_auth"}, extended_optional=True)
    except RevokedError as error:
        return Outcome(Said.REVOKED, words=str(error))
    except (ValidationError, PathError, ValueError, NotImplementedError) as error:
        return Outcome(Said.REFUSED, words=f"{type(error).__name__}: {error}")
    return Outcome(Said.ALLOWED, _policies(path))


def _validator(scenario: Scenario) -> CertificateValidator:
    draft = scenario.draft
    leaf, *between = (x509.Certificate.load(one, strict=True) for one in scenario.path)
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(scenario.root, strict=True)],
        other_certs=[x509.Certificate.load(one, strict=True) for one in scenario.beside],
        moment=NOW,
        crls=[crl.CertificateList.load(one, strict=True) for one in scenario.crls],
        ocsps=[ocsp.OCSPResponse.load(one, strict=True) for _, one in scenario.replies],
        revocation_mode="soft-fail" if draft.method is Method.NONE else "require",
    )
    return CertificateValidator(leaf, between, context, _parameters(draft.inputs))


def _parameters(inputs: PolicyInputs) -> PKIXValidationParams:
    return PKIXValidationParams(
        user_initial_policy_set=frozenset(_ANY if one == ANY_POLICY else one for one in inputs.initial_policy_set),
        initial_policy_mapping_inhibit=inputs.inhibit_policy_mapping,
        initial_explicit_policy=inputs.require_explicit_policy,
        initial_any_policy_inhibit=inputs.inhibit_any_policy,
    )


def _policies(path: ValidationPath) -> frozenset[str]:
    qualified = path.qualified_policies() or frozenset()
    named = (one.user_domain_policy_id for one in qualified)
    return frozenset(ANY_POLICY if one == _ANY else one for one in named)
