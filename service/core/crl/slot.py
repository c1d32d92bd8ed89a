"""Which CRL replaces which, and the watermark that lets nobody go back."""

from datetime import datetime
from hashlib import sha256

from service.core.freshness.window import later
from service.core.model.attempt import Problem
from service.core.model.crl import CrlMeta, CrlSlot, IssuingDistributionPoint, Watermark
from service.core.model.policy import Policy
from service.core.names.comparison import canonical, general_name_key


def slot_of(meta: CrlMeta, signer_spki: bytes) -> CrlSlot:
    """The slot of a CRL: its signer key, issuer, scope and kind.

    Args:
        meta: The CRL.
        signer_spki: The key under which its signature verifies.
    """
    issuer = canonical(meta.issuer.der)
    scope = meta.issuing_distribution_point or IssuingDistributionPoint()
    points = frozenset(general_name_key(name) for name in scope.names)
    flags = (
        scope.only_contains_user_certs,
        scope.only_contains_ca_certs,
        scope.only_contains_attribute_certs,
        scope.indirect_crl,
        meta.base_crl_number is not None,
    )
    reasons = -1 if scope.only_some_reasons is None else scope.only_some_reasons.value
    digest = sha256()
    for part in (signer_spki, issuer, *sorted(points), bytes(flags), reasons.to_bytes(4, "big", signed=True)):
        digest.update(len(part).to_bytes(4, "big") + part)
    return CrlSlot(digest.digest(), issuer, points)


def advance(meta: CrlMeta, watermark: Watermark | None, policy: Policy, at: datetime) -> Watermark | Problem:
    """The watermark after a CRL is accepted into its slot, or why it is not.

    A CRL from the future is never held. A lower number or an older thisUpdate than the slot has seen is refused, and of
    the same thisUpdate another CRL where one of the two has no number, or both have the same: nothing says that it is
    the later of the two, and the first stays (the other may have a place of its own: `twin`). The same
    number with a newer thisUpdate is accepted: it is what a CA does that publishes without a change. What was accepted
    last is accepted again.
    """
    if meta.this_update > later(at, policy.clock_skew):
        return Problem.NOT_YET_VALID
    if watermark is None:
        return Watermark(meta.crl_number, meta.this_update, meta.digest)
    if meta.digest == watermark.digest:
        return watermark
    if meta.this_update < watermark.this_update or is_lower(meta.crl_number, watermark.crl_number):
        return Problem.ROLLED_BACK
    if ties(meta, watermark):
        return Problem.ROLLED_BACK
    number = watermark.crl_number if meta.crl_number is None else meta.crl_number
    return Watermark(number, meta.this_update, meta.digest)


def ties(meta: CrlMeta, watermark: Watermark) -> bool:
    """Whether a CRL is another one than was accepted last, and nothing says which of the two is the later one."""
    is_as_old = meta.this_update == watermark.this_update
    is_ordered = None not in (meta.crl_number, watermark.crl_number) and meta.crl_number != watermark.crl_number
    return is_as_old and not is_ordered and meta.digest != watermark.digest


def twin(slot: CrlSlot) -> CrlSlot:
    """Where the second of two CRLs is held of which nothing says which is the later one: both are heard."""
    return CrlSlot(sha256(b"twin" + slot.key).digest(), slot.issuer, slot.points)


def is_lower(number: int | None, seen: int | None) -> bool:
    """Whether one CRL number is below another; where either is absent nothing says so."""
    return number is not None and seen is not None and number < seen


def repeats_number(meta: CrlMeta, seen: Watermark | None) -> bool:
    """Whether a CRL is newer than what was seen and bears its number: accepted, and worth telling the issuer."""
    if seen is None or meta.crl_number is None:
        return False
    return meta.crl_number == seen.crl_number and meta.this_update > seen.this_update
