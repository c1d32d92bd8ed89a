"""Which of the signers that are known has signed a CRL; nobody judges here whether he may speak for a certificate.

What verifies under none of their keys is refused by name: there is no way from here to "it does not matter who signed".
"""

from dataclasses import dataclass

from service.application.crl_fetcher import CrlSigner, name_digest
from service.core.der.crl import CrlHead
from service.core.der.key import read_public_key
from service.core.der.signature import SignatureResult, algorithm_name, is_too_large, verify
from service.core.model.attempt import Problem
from service.core.model.malformed import MalformedError
from service.core.path.building import is_too_long

MAX_DETAIL_LENGTH = 120
"""Characters of a CRL issuer's name that are told."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A download that is not.

    Attributes:
        entries: How many certificates it revokes; 0 where it was not read.
        signer: Under whose key it verifies; None where nobody looked, or under none that was tried.
        tried: The signers under none of whose keys it verifies; None where that is not what is wrong with it.
    """

    result: Problem
    detail: str = ""
    entries: int = 0
    signer: CrlSigner | None = None
    tried: frozenset[CrlSigner] | None = None


def signer_of(head: CrlHead, signers: tuple[CrlSigner, ...]) -> CrlSigner | Refused:
    """The first of the signers that bears the name of the CRL's issuer and under whose key the CRL verifies."""
    tried = frozenset(signers)
    name = name_digest(head.meta.issuer)
    results = set()
    for signer in signers:
        if signer.name != name:
            continue
        result = _verify(head, signer)
        if result is SignatureResult.VALID:
            return signer
        results.add(result)
    if not results:
        # Also where a certificate names this issuer, and nobody here has one of it whose key may sign CRLs.
        return Refused(Problem.WRONG_ISSUER, head.meta.issuer.text[:MAX_DETAIL_LENGTH], tried=tried)
    if is_too_large(head.signature):
        return Refused(Problem.TOO_LARGE, f"for {algorithm_name(head.meta.algorithm)}, which signs all of it at once")
    if results == {SignatureResult.UNSUPPORTED}:
        return Refused(Problem.UNSUPPORTED, "signature algorithm", tried=tried)
    return Refused(Problem.BAD_SIGNATURE, "", tried=tried)


def _verify(head: CrlHead, signer: CrlSigner) -> SignatureResult:
    try:
        key = read_public_key(signer.spki)
    except MalformedError:  # no key, so that nothing verifies under it
        return SignatureResult.UNSUPPORTED
    return SignatureResult.UNSUPPORTED if is_too_long(key) else verify(head.signature, key)
