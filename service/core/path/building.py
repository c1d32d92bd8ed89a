"""Path building: depth first from the leaf to the anchors, with backtracking, under a budget.

Names and key identifiers only choose what is tried first; a signature decides whether a step is taken at all. Once a
key has made it, only certificates of that key are tried: where a path gets too long, the way back costs nothing. What a
path may do is the business of `validation`. Missing issuers are never fetched.

A DSA key may leave its parameters to those who issued it (RFC 3279 §2.3.2). What such a key signed is verified as soon
as the path has reached somebody who has them, and the certificates of the path that comes out have whole keys.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from service.core.der.key import inherit
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

WITHOUT_PARAMETERS = "a DSA key without parameters, and an issuer that leaves it none"
NOTHING_READS = "a public key of a kind or with parameters that nothing here reads"


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
    if not is_too_long(leaf.public_key) and is_self_signed(leaf):
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
    signer: bytes | None = None
    for candidate in candidates:
        if signer is not None and candidate.public_key.bits != signer:
            continue
        is_anchor = candidate in store.anchors
        if not is_anchor and len(chain) > limit:
            yield PathTooLong(chain[0], limit)
            continue
        verified = _verified(chain, candidate, is_anchor=is_anchor, budget=budget)
        if not isinstance(verified, tuple):
            yield verified
            continue
        if candidate.public_key.kind is not KeyKind.DSA_INHERITING:  # whose signature may yet turn out to be a bad one
            signer = candidate.public_key.bits
        if is_anchor:
            yield CertificationPath(verified, candidate)
        else:
            yield from _extend((*verified, candidate), store, limit, budget)


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
            is_mute = usage is not None and KeyUsage.CRL_SIGN not in usage
            found.append((candidate not in store.anchors, is_other_key, is_mute, candidate.fingerprint, candidate))
    return [candidate for *_, candidate in sorted(found, key=lambda one: one[:4])]


def _repeats(candidate: Certificate, chain: tuple[Certificate, ...]) -> bool:
    """Whether the chain already has this name with this key: a circle, whatever the certificates between say."""
    name = canonical(candidate.subject.der)
    # By their bits: the chain has keys whole that a certificate at hand has without parameters.
    return any(candidate.public_key.bits == one.public_key.bits and canonical(one.subject.der) == name for one in chain)


def _verified(
    chain: tuple[Certificate, ...], issuer: Certificate, *, is_anchor: bool, budget: Budget
) -> tuple[Certificate, ...] | PathFailure:
    """A chain whose last certificate is the issuer's, or why it is not; keys that inherit from the issuer completed."""
    child = chain[-1]
    if issuer.public_key.kind is KeyKind.DSA_INHERITING and not is_anchor:
        return _deferred(chain, issuer, budget)
    failure = _signature_failure(child, issuer, budget)
    if failure is not None or child.public_key.kind is not KeyKind.DSA_INHERITING:
        return chain if failure is None else failure
    return _completed(chain, issuer, budget)


def _deferred(
    chain: tuple[Certificate, ...], issuer: Certificate, budget: Budget
) -> tuple[Certificate, ...] | PathFailure:
    """A step whose signature is verified later, and paid for at once, lest such steps come for nothing."""
    budget.spend_signature()
    scheme = signature_scheme(chain[-1].signature.algorithm)
    if scheme is None:
        return UnsupportedSignature(chain[-1], algorithm_name(chain[-1].signature.algorithm))
    return chain if scheme.kind is KeyKind.DSA else BadSignature(chain[-1], issuer)


def _completed(
    chain: tuple[Certificate, ...], issuer: Certificate, budget: Budget
) -> tuple[Certificate, ...] | PathFailure:
    """The chain with its keys completed from the issuer's downward, and with them what was deferred verified."""
    # RFC 5280 §6.1.4 (d), (e), (f): working_public_key_parameters, carried down as long as they are needed.
    whole = list(chain)
    for number in reversed(range(len(chain))):
        if chain[number].public_key.kind is not KeyKind.DSA_INHERITING:
            break
        key = inherit(chain[number].public_key, issuer.public_key)
        if key is None:
            # RFC 3279 §2.3.2: MUST be rejected. Nothing hangs on a leaf's key here; `strength` refuses it by name.
            return UnsupportedKey(chain[number], WITHOUT_PARAMETERS) if number else tuple(whole)
        issuer = whole[number] = replace(chain[number], public_key=key)
        failure = _signature_failure(whole[number - 1], issuer, budget) if number else None
        if failure is not None:
            return failure
    return tuple(whole)


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
            return UnsupportedKey(issuer, unreadable(issuer.public_key))
        case unreachable:
            assert_never(unreachable)


def is_too_long(key: PublicKey) -> bool:
    """Whether a key costs more to work with than anybody needs."""
    return key.kind is KeyKind.RSA and key.size > MAX_RSA_BITS


def unreadable(key: PublicKey) -> str:
    """What to say of a key that verifies nothing."""
    return WITHOUT_PARAMETERS if key.kind is KeyKind.DSA_INHERITING else NOTHING_READS
