"""Path building: depth first from the leaf to the anchors, with backtracking, under a budget.

Names and key identifiers only choose what is tried first; a signature decides whether a step is taken at all. What a
path may do is the business of `validation`. Missing issuers are never fetched.
"""

from collections.abc import Iterator
from typing import assert_never

from service.core.der.signature import SignatureResult, algorithm_name, signature_scheme, verify
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate, KeyUsage
from service.core.model.failure import (
    BadSignature,
    NoIssuer,
    PathFailure,
    PathTooLong,
    SelfSignedLeaf,
    UnsupportedKey,
    UnsupportedSignature,
)
from service.core.model.key import KeyKind, PublicKey
from service.core.model.policy import Policy
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical
from service.core.path.certification_path import CertificationPath
from service.core.path.trust_store import is_self_signed

MAX_RSA_BITS = 8192
"""The longest modulus that is worked with: ring and aws-lc, below webpki, stop there as well."""


def build_paths(
    leaf: Certificate, store: TrustStore, policy: Policy, budget: Budget
) -> Iterator[CertificationPath | PathFailure]:
    """Every path from a leaf to an anchor of a store, and every reason why an attempt ended without one.

    Args:
        leaf: The certificate in question.
        store: Anchors and intermediates.
        policy: For the longest path allowed.
        budget: Pays for each certificate looked at and each signature verified.

    Raises:
        BudgetExhaustedError: the search cost too much.
    """
    if leaf in store.anchors:
        yield CertificationPath((leaf,), leaf)
        return
    budget.spend_signature()
    if is_self_signed(leaf):
        yield SelfSignedLeaf(leaf)
        return
    limit = policy.limits.path_length
    if policy.max_path_length is not None:
        limit = min(limit, policy.max_path_length)
    yield from _extend((leaf,), store, limit, budget)


def _extend(
    chain: tuple[Certificate, ...], store: TrustStore, limit: int, budget: Budget
) -> Iterator[CertificationPath | PathFailure]:
    """Every way on from the last certificate of a chain."""
    child = chain[-1]
    candidates = _candidates(child, chain, store, budget)
    if not candidates:
        yield NoIssuer(child)
    for candidate in candidates:
        is_anchor = candidate in store.anchors
        if not is_anchor and len(chain) > limit:
            yield PathTooLong(chain[0], limit)
            continue
        failure = _signature_failure(child, candidate, budget)
        if failure is not None:
            yield failure
        elif is_anchor:
            yield CertificationPath(chain, candidate)
        else:
            yield from _extend((*chain, candidate), store, limit, budget)


def _candidates(
    child: Certificate, chain: tuple[Certificate, ...], store: TrustStore, budget: Budget
) -> list[Certificate]:
    """Who may have issued a certificate by name, the likeliest first: anchors, then matching key identifiers.

    Of several certificates of one key those come first that let it sign CRLs, so that a list that revokes the child is
    heard whichever of them a caller presents beside.
    """
    wanted = child.extensions.authority_key_identifier
    found = []
    for candidate in store.by_subject.get(canonical(child.issuer.der), ()):
        budget.spend_step()
        if candidate in store.anchors or not _repeats(candidate, chain):
            own = candidate.extensions.subject_key_identifier
            is_other_key = wanted is not None and own is not None and wanted != own
            usage = candidate.extensions.key_usage
            is_mute = usage is not None and not usage & KeyUsage.CRL_SIGN
            found.append((candidate not in store.anchors, is_other_key, is_mute, candidate.fingerprint, candidate))
    return [candidate for *_, candidate in sorted(found, key=lambda one: one[:4])]


def _repeats(candidate: Certificate, chain: tuple[Certificate, ...]) -> bool:
    """Whether the chain already has this name with this key: a circle, whatever the certificates between say."""
    name = canonical(candidate.subject.der)
    return any(candidate.public_key == one.public_key and canonical(one.subject.der) == name for one in chain)


def _signature_failure(child: Certificate, issuer: Certificate, budget: Budget) -> PathFailure | None:
    # RFC 5280 §6.1.3 (a)(1)
    if is_too_long(issuer.public_key):
        return UnsupportedKey(issuer, f"an RSA key of more than {MAX_RSA_BITS} bits")
    budget.spend_signature()
    match verify(child.signature, issuer.public_key):
        case SignatureResult.VALID:
            return None
        case SignatureResult.INVALID:
            return BadSignature(child, issuer)
        case SignatureResult.UNSUPPORTED:
            if signature_scheme(child.signature.algorithm) is None:
                return UnsupportedSignature(child, algorithm_name(child.signature.algorithm))
            return UnsupportedKey(issuer, "a public key of a kind or with parameters that nothing here reads")
        case unreachable:
            assert_never(unreachable)


def is_too_long(key: PublicKey) -> bool:
    """Whether a key costs more to work with than anybody needs."""
    return key.kind is KeyKind.RSA and key.size > MAX_RSA_BITS
