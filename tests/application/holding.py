"""CRLs put into a store past the ingesting process, as if they had verified under a key."""

from service.application.evidence_store import CrlWriter, HeldCrl
from service.core.crl.entries import rows
from service.core.crl.slot import slot_of
from service.core.der.crl import read_crl
from service.core.model.crl import Watermark
from tests.pki import NOW, Authority


def hold_crl(store: CrlWriter, crl: bytes, signer: Authority, source: str) -> None:
    """Put a CRL there as one that verifies under the signer's key, whatever its slot has seen."""
    document = read_crl(crl)
    meta, spki = document.meta, signer.issued.spki
    watermark = Watermark(meta.crl_number, meta.this_update, meta.digest)
    store.publish(HeldCrl(slot_of(meta, spki), meta, spki, source, NOW), rows(document), watermark)
