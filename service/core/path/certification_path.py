"""Certification paths, before and after validation."""

from dataclasses import dataclass

from service.core.model.certificate import Certificate


@dataclass(frozen=True, slots=True)
class CertificationPath:
    """A chain of names and signatures from a leaf to an anchor; whether it is valid, `validation` says.

    Attributes:
        certificates: Leaf first, without the anchor; the leaf alone where the leaf is the anchor.
        anchor: The trust anchor.
    """

    certificates: tuple[Certificate, ...]
    anchor: Certificate

    @property
    def leaf(self) -> Certificate:
        """The certificate in question."""
        return self.certificates[0]

    @property
    def leaf_is_anchor(self) -> bool:
        """Whether the leaf is byte for byte a trust anchor: a path of length one."""
        return self.leaf == self.anchor

    def issuer_of(self, number: int) -> Certificate:
        """The certificate above the one with this number."""
        return self.certificates[number + 1] if number + 1 < len(self.certificates) else self.anchor


@dataclass(frozen=True, slots=True)
class ValidPath:
    """A path that passed every step of RFC 5280 §6.1 but revocation; only `validation.validate` makes one.

    Attributes:
        authorized_policies: The user-constrained policy set (§6.1.6).
    """

    path: CertificationPath
    authorized_policies: frozenset[str]
