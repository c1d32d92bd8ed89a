"""Delta CRLs (RFC 5280 §5.2.4, §6.3.3 (c), (i), (j), (k)): which one may be combined with which complete CRL."""

from dataclasses import replace

from service.core.crl.slot import slot_of
from service.core.model.crl import CrlEntry, CrlFinding, CrlMeta
from service.core.model.reason import Reason


def is_delta(crl: CrlMeta) -> bool:
    """Whether a CRL lists only what changed."""
    return crl.base_crl_number is not None


def scope_of(finding: CrlFinding) -> bytes:
    """What a complete CRL and its deltas have in common: signer key, issuer and scope (RFC 5280 §6.3.3 (c))."""
    return slot_of(replace(finding.meta, base_crl_number=None), finding.signer_spki or b"").key


def may_combine(delta: CrlFinding, complete: CrlFinding) -> bool:
    """Whether a delta and a complete CRL together are what a newer complete CRL would be."""
    base, number, own = delta.meta.base_crl_number, complete.meta.crl_number, delta.meta.crl_number
    if base is None or number is None or own is None:
        return False
    # RFC 5280 §5.2.4 (c): the complete CRL is the delta's base or newer; (d): the delta is newer than the complete CRL.
    is_newer = base <= number < own and delta.meta.this_update >= complete.meta.this_update
    return is_newer and scope_of(delta) == scope_of(complete)


def combined_entry(delta: CrlFinding, complete: CrlFinding) -> CrlEntry | None:
    """What the two together say of a certificate; None where they do not list it."""
    if delta.entry is None:  # RFC 5280 §6.3.3 (j)
        return complete.entry
    return None if is_removal(delta.entry) else delta.entry  # RFC 5280 §6.3.3 (i), (k)


def is_removal(entry: CrlEntry) -> bool:
    """Whether an entry of a delta says that the certificate is revoked no longer."""
    return entry.reason is Reason.REMOVE_FROM_CRL
