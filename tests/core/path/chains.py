"""Chains of the test PKI as the core reads them.

Rules: a chain is written leaf first and anchor last; what comes back is what the core says, unchanged.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.der.certificate import read_certificate
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate
from service.core.model.failure import PathFailure
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.model.trust_store import TrustStore
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath, ValidPath
from service.core.path.trust_store import AnchorRule, build_trust_store
from service.core.path.validation import validate
from tests.pki import NOW, Authority, Issued, der

Link: TypeAlias = Issued | Authority

DEFAULT: Final = Policy()

MD2_WITH_RSA: Final = der.seq(der.oid("1.2.840.113549.1.1.2"), der.null())
"""An AlgorithmIdentifier that nothing here verifies, in use on old roots."""

X25519: Final = (
    x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
"""A key that signs nothing."""

NOTHING_READS: Final = "a public key of a kind or with parameters that nothing here reads"
TOO_LONG: Final = "an RSA key of more than 8192 bits"


def read(link: Link) -> Certificate:
    """A certificate as the core reads it."""
    return read_certificate(link.der)


def path(*links: Link) -> CertificationPath:
    """The path of a chain; one link alone is a leaf that is its own anchor."""
    certificates = tuple(read(link) for link in links)
    return CertificationPath(certificates[:-1] or certificates, certificates[-1])


def failure(*links: Link, policy: Policy = DEFAULT, at: datetime = NOW) -> PathFailure | None:
    """Why the path of a chain is not valid, or None."""
    outcome = validate(path(*links), policy, at, Budget(policy.limits))
    return None if isinstance(outcome, ValidPath) else outcome


def store(
    *own: Link, intermediates: Iterable[Link] = (), rule: AnchorRule = AnchorRule.SELF_SIGNED, name: str = "test"
) -> TrustStore:
    """A trust store of these certificates."""
    return build_trust_store(name, map(read, own), map(read, intermediates), rule)


def built(leaf: Link, trusted: TrustStore, policy: Policy = DEFAULT) -> list[CertificationPath | PathFailure]:
    """Everything that building paths for a leaf comes to, in its order.

    Raises:
        BudgetExhaustedError: it cost more than the policy's limits.
    """
    return list(build_paths(read(leaf), trusted, policy, Budget(policy.limits)))


def accepting(*weak: WeakAlgorithm) -> Policy:
    """The policy that accepts these weak algorithms."""
    return Policy(weak_algorithms=frozenset(weak))
