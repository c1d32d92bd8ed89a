"""`cryptography`'s verifier as a judge of paths: it knows nothing of revocation, and takes no policy inputs.

Rules: authorities are held to the library's own profile, end entities to what RFC 5280 asks: the profile of the web
asks more of them than a client certificate has.
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from tests.differential.draft import Scenario
from tests.differential.outcome import Outcome, Said
from tests.pki import NOW


def _with_policies(known: ExtensionPolicy) -> ExtensionPolicy:
    """Critical extensions about policies are let through, and mean nothing."""
    constraints = known.may_be_present(x509.PolicyConstraints, Criticality.AGNOSTIC, None)
    return constraints.may_be_present(x509.InhibitAnyPolicy, Criticality.AGNOSTIC, None)


_AUTHORITIES: Final = _with_policies(ExtensionPolicy.webpki_defaults_ca())
_LEAVES: Final = _with_policies(
    ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
)


def judge(scenario: Scenario) -> Outcome:
    """What the verifier says of a path; what it cannot read, it refuses."""
    try:
        store = Store([x509.load_der_x509_certificate(scenario.root)])
        leaf, *between = map(x509.load_der_x509_certificate, (*scenario.path, *scenario.beside))
        builder = PolicyBuilder().store(store).time(NOW.replace(tzinfo=None))
        verifier = builder.extension_policies(ca_policy=_AUTHORITIES, ee_policy=_LEAVES).build_client_verifier()
        verifier.verify(leaf, between)
    except (VerificationError, ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return Outcome(Said.REFUSED, words=f"{type(error).__name__}: {error}")
    return Outcome(Said.ALLOWED)
