"""How a CRL of the store is replaced: its file first, whole and on the disk, then its slot, by one transaction.

A crash at any moment leaves the old one or the new one. Whether a CRL may replace another is decided before, with what
is told here of the one that is held.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from service.adapters.lmdb.block_store import Submit
from service.adapters.lmdb.crl_rows import CrlRows
from service.adapters.lmdb.errors import Noting
from service.adapters.lmdb.generation_reader import GenerationReader
from service.adapters.lmdb.generation_writer import GenerationWriter
from service.adapters.lmdb.record import SlotRecord, decode_slot, decode_watermark, encode_slot, encode_watermark
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import HeldCrl, StoreError
from service.application.signer_paths import joined
from service.core.model.crl import CrlMeta, CrlRow, CrlSlot, Watermark


class CrlPublisher:
    """What `CrlWriter` of the application asks of a store, where the process may write CRLs."""

    def __init__(
        self, crls: CrlRows, reader: GenerationReader, writer: GenerationWriter, submit: Submit, noting: Noting
    ) -> None:
        """Take the rows, the files, who writes the rows, and who is told of files that could not be written."""
        self._crls = crls
        self._reader = reader
        self._writer = writer
        self._submit = submit
        self._noting = noting

    def watermark(self, slot: CrlSlot) -> Watermark | None:
        """The newest CRL ever accepted in the slot.

        Raises:
            StoreError: the store cannot be read.
        """
        row = self._crls.watermark(slot.key)
        return None if row is None else decode_watermark(row)

    def holds(self, slot: CrlSlot, digest: bytes) -> bool:
        """Whether a slot holds this very CRL, entries included; see `CrlWriter`.

        Raises:
            StoreError: the store cannot be read.
        """
        row = self._crls.row(slot.key)
        if row is None:
            return False
        try:
            record = decode_slot(row)
        except StoreError:  # damaged: what is published next repairs it
            return False
        return record.held.meta.digest == digest and self._reader.has(record.generation)

    def signer_paths(self, slot: CrlSlot) -> tuple[tuple[bytes, ...], ...]:
        """What is kept beside the CRL of a slot; see `CrlWriter`.

        Raises:
            StoreError: the store cannot be read.
        """
        row = self._crls.row(slot.key)
        try:
            return () if row is None else decode_slot(row).held.signer_paths
        except StoreError:  # damaged: what is published next repairs it
            return ()

    def vouch(self, signer: CrlSigner) -> None:
        """Let the CRLs of a signer be found by others' keys as well; see `CrlWriter`.

        Raises:
            StoreError: it could not be read or written; nothing changed.
        """
        new = self._crls.new_authorities(signer)
        if new:
            self._submit(lambda: self._crls.add_authorities(signer, new)).result()

    def keep_path(self, signer: CrlSigner, at: datetime) -> None:
        """Keep the path of a signer beside his CRLs; see `CrlWriter`.

        Raises:
            StoreError: it could not be read or written; nothing changed.
        """
        rows = {}
        held = self._crls.signed_by(signer)
        if held:
            self.vouch(signer)
        for one in held:
            try:
                record = decode_slot(one.row)
            except StoreError:  # damaged: what is published next repairs it
                continue
            paths = joined(record.held.signer_paths, signer.path, at)
            if paths != record.held.signer_paths:
                rows[one.slot] = encode_slot(replace(record, held=replace(record.held, signer_paths=paths)))
        if rows:
            self._submit(lambda: self._crls.rewrite(rows)).result()

    def publish(self, held: HeldCrl, rows: Iterable[CrlRow], watermark: Watermark) -> None:
        """Replace what the slot holds; see `CrlWriter`. What `rows` raises passes through, and nothing has changed.

        Raises:
            StoreError: it could not be written; what was held still is.
        """
        with self._noting:
            generation = self._writer.build(rows)
        record = SlotRecord(held, generation)
        try:
            replaced = self._submit(
                lambda: self._crls.switch(held.slot, held.signer_spki, encode_slot(record), encode_watermark(watermark))
            ).result()
        except BaseException:
            self._abandon(record)
            raise
        # The new one is in force. The old file has no name any more; who reads it at this moment reads on.
        self._remove(replaced)

    def forget_watermarks(self, slots: Iterable[bytes]) -> None:
        """Accept whatever number comes next in these slots, of a CRL that is no older than the one that is held.

        An older one would unsay what is held, and may lie beside it: whoever rebuilt the authority signed later. The
        digest stays: what is held may arrive once more before its successor does, and must not shut the door again.
        """
        rows = {slot: row for slot in slots if (row := self._crls.row(slot)) is not None}
        self._crls.put_watermarks({slot: _floor(decode_slot(row).held.meta) for slot, row in rows.items()})

    def _abandon(self, record: SlotRecord) -> None:
        """Remove a generation whose switch failed, unless the switch came through after all."""

        def abandon() -> None:
            row = self._crls.row(record.held.slot.key)
            if row is None or generation_of(row) != record.generation.name:
                self._writer.remove(record.generation.name)

        with suppress(StoreError):
            self._submit(abandon).result()

    def _remove(self, row: bytes | None) -> None:
        generation = None if row is None else generation_of(row)
        if generation is not None:
            self._writer.remove(generation)


def _floor(meta: CrlMeta) -> bytes:
    """The watermark of a slot whose number is forgotten, encoded: whatever is no older than this CRL may come."""
    return encode_watermark(Watermark(None, meta.this_update, meta.digest))


def generation_of(row: bytes) -> str | None:
    """The generation that a slot's row names; None where the row is damaged."""
    try:
        return decode_slot(row).generation.name
    except StoreError:
        return None
