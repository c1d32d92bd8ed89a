"""Certificates of CRL signers that are kept beside the CRLs that are held, and what of them helps with a question.

They came with earlier requests, or stood in trust stores that may be others: nobody vouches for them. So they are laid
over a trust store as if this request had presented them, and a signer needs its path to the anchor of the question as
ever. What a stranger has brought along costs nothing here: names and keys dismiss it before a signature is verified.
"""

from collections.abc import Iterable, Iterator

from service.core.crl.judging import age
from service.core.decision.question import Question
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence
from service.core.model.malformed import MalformedError
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical
from service.core.path.lineage import lineage
from service.core.path.trust_store import with_intermediates

MAX_LAID_OVER = 8
"""Paths that are laid over a store at one time, those of the CRL in question first: four are kept beside each, and most
questions are about one."""


def entity(certificate: Certificate) -> tuple[bytes, bytes]:
    """Name and key."""
    return canonical(certificate.subject.der), certificate.public_key.spki


def kept_beside(evidence: Evidence) -> Iterator[tuple[bytes, ...]]:
    """The signers' paths that are kept beside each CRL of the evidence, those of the newest CRL first."""
    findings = (finding for gathered in evidence.crls.values() for finding in gathered.findings)
    for finding in sorted(findings, key=age):
        yield from finding.signer_paths


def laid_over(paths: Iterable[tuple[bytes, ...]], question: Question) -> tuple[TrustStore, tuple[Certificate, ...]]:
    """A question's trust store, and what of kept paths belongs to the path in question and is not there yet.

    Args:
        paths: DER of the certificates of each, the signer's first.
        question: Its path, its store and its budget.

    Returns:
        The store, with the certificates of the paths as presented ones; and the signers. The very store of the question
        where there are none.

    Raises:
        BudgetExhaustedError: there are too many paths.
    """
    more: list[Certificate] = []
    signers: list[Certificate] = []
    for kept in dict.fromkeys(paths):
        question.budget.spend_step()
        path = _read(kept)
        if _adds(path, question.store) and _is_kin(path, question):
            more.extend(path)
            signers.append(path[0])
            if len(signers) == MAX_LAID_OVER:
                break
    return with_intermediates(question.store, more), tuple(dict.fromkeys(signers))


def _read(path: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """The certificates of a path; none where one of them cannot be read, which only damage explains."""
    try:
        return tuple(map(read_certificate, path))
    except MalformedError:
        return ()


def _adds(path: tuple[Certificate, ...], store: TrustStore) -> bool:
    return any(one not in store.intermediates and one not in store.anchors for one in path)


def _is_kin(path: tuple[Certificate, ...], question: Question) -> bool:
    """Whether somebody of the path in question certified a signer, or somebody of its name who is at hand.

    Each certificate of a kept path was verified under the next, and the last under some anchor. What is dismissed here
    would come to nothing where it is decided who may speak (`crl_signers`).
    """
    above, name = question.path, canonical(path[0].subject.der)
    kin = {entity(one) for one in (*above.certificates, above.anchor, *question.store.by_subject.get(name, ()))}
    family = tuple(lineage(path))
    if any(entity(one) in kin for one in family):
        return True
    is_cut = canonical(family[-1].subject.der) == name  # whoever certified the name is not kept
    return is_cut and canonical(path[-1].issuer.der) in {one_name for one_name, _ in kin}
