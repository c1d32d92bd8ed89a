"""Who signs CRLs, with what makes it somebody who may."""

from dataclasses import dataclass, field

from service.core.model.certificate import Certificate


@dataclass(frozen=True, slots=True)
class SignerPath:
    """A valid path of somebody who may sign CRLs.

    Attributes:
        certificates: Itself first, without the anchor; empty for an anchor.
        authorities: By whose keys it is decided whether it may speak (`decision.crl_signers`): its own, those of
            whoever certified it in its own name, and that of the first of another name who did.
    """

    certificates: tuple[Certificate, ...]
    authorities: frozenset[bytes] = field(repr=False)
