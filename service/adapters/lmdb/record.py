"""Slots and watermarks as JSON, field by field: what is read back equals what was written.

What it does not do: convert between formats. The hot environment carries the version of the format
(`environment.FORMAT`), and a store of another one is not opened: `migration` brings it forward.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.adapters.lmdb.fields import Fields, decode, encode, hexadecimal
from service.adapters.lmdb.generation import Generation
from service.application.evidence_store import HeldCrl, StoreError
from service.core.model.certificate import DistributionPoint
from service.core.model.crl import CrlMeta, CrlSlot, IssuingDistributionPoint, Watermark
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.model.reason import Reasons

_GENERATION_NAME = re.compile(r"[0-9a-f]{32}")
"""What a file of this package is called; anything else in its place could lead out of the directory."""


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What a slot holds, and where its entries are."""

    held: HeldCrl
    generation: Generation


def encode_slot(record: SlotRecord) -> bytes:
    """A slot's row."""
    held, generation = record.held, record.generation
    return encode(
        {
            "generation": generation.name,
            "rows": generation.rows,
            "octets": generation.size,
            "slot": held.slot.key.hex(),
            "issuer": held.slot.issuer.hex(),
            "points": sorted(point.hex() for point in held.slot.points),
            "signer_spki": held.signer_spki.hex(),
            "source": held.source,
            "fetched_at": held.fetched_at.isoformat(),
            "signer_paths": [{"certificates": [der.hex() for der in path]} for path in held.signer_paths],
            "meta": _meta(held.meta),
        }
    )


def decode_slot(row: bytes) -> SlotRecord:
    """What a slot's row says.

    Raises:
        StoreError: it is damaged.
    """
    fields = decode(row)
    name = fields.text("generation")
    if not _GENERATION_NAME.fullmatch(name):
        raise StoreError("a damaged record in the store: generation")
    return SlotRecord(
        HeldCrl(
            slot=CrlSlot(
                key=fields.octets("slot"),
                issuer=fields.octets("issuer"),
                points=frozenset(fields.octet_strings("points")),
            ),
            meta=_read_meta(fields.inner("meta")),
            signer_spki=fields.octets("signer_spki"),
            source=fields.text("source"),
            fetched_at=fields.moment("fetched_at"),
            signer_paths=tuple(path.octet_strings("certificates") for path in fields.inners("signer_paths")),
        ),
        Generation(name=name, rows=fields.count("rows"), size=fields.count("octets")),
    )


def encode_watermark(watermark: Watermark) -> bytes:
    """A watermark's row."""
    number = watermark.crl_number
    return encode(
        {
            "crl_number": None if number is None else hexadecimal(number),
            "this_update": watermark.this_update.isoformat(),
            "digest": watermark.digest.hex(),
        }
    )


def decode_watermark(row: bytes) -> Watermark:
    """What a watermark's row says.

    Raises:
        StoreError: it is damaged.
    """
    fields = decode(row)
    return Watermark(
        crl_number=fields.optional("crl_number", fields.number),
        this_update=fields.moment("this_update"),
        digest=fields.octets("digest"),
    )


def _meta(meta: CrlMeta) -> dict[str, object]:
    point = meta.issuing_distribution_point
    identifier = meta.authority_key_identifier
    return {
        "digest": meta.digest.hex(),
        "issuer": meta.issuer.der.hex(),
        "issuer_text": meta.issuer.text,
        "algorithm": meta.algorithm.hex(),
        "this_update": meta.this_update.isoformat(),
        "next_update": None if meta.next_update is None else meta.next_update.isoformat(),
        "crl_number": None if meta.crl_number is None else hexadecimal(meta.crl_number),
        "authority_key_identifier": None if identifier is None else identifier.hex(),
        "issuing_distribution_point": None if point is None else _scope(point),
        "base_crl_number": None if meta.base_crl_number is None else hexadecimal(meta.base_crl_number),
        "freshest_crl": [_point(one) for one in meta.freshest_crl],
        "unsupported": list(meta.unsupported),
        "entries": meta.entries,
        "size": meta.size,
    }


def _read_meta(fields: Fields) -> CrlMeta:
    point = fields.optional("issuing_distribution_point", fields.inner)
    return CrlMeta(
        digest=fields.octets("digest"),
        issuer=Name(der=fields.octets("issuer"), text=fields.text("issuer_text")),
        algorithm=fields.octets("algorithm"),
        this_update=fields.moment("this_update"),
        next_update=fields.optional("next_update", fields.moment),
        crl_number=fields.optional("crl_number", fields.number),
        authority_key_identifier=fields.optional("authority_key_identifier", fields.octets),
        issuing_distribution_point=None if point is None else _read_scope(point),
        base_crl_number=fields.optional("base_crl_number", fields.number),
        freshest_crl=tuple(_read_point(one) for one in fields.inners("freshest_crl")),
        unsupported=fields.texts("unsupported"),
        entries=fields.count("entries"),
        size=fields.count("size"),
    )


def _scope(point: IssuingDistributionPoint) -> dict[str, object]:
    reasons = point.only_some_reasons
    return {
        "names": _names(point.names),
        "only_contains_user_certs": point.only_contains_user_certs,
        "only_contains_ca_certs": point.only_contains_ca_certs,
        "only_contains_attribute_certs": point.only_contains_attribute_certs,
        "only_some_reasons": None if reasons is None else int(reasons),
        "indirect_crl": point.indirect_crl,
    }


def _read_scope(fields: Fields) -> IssuingDistributionPoint:
    reasons = fields.optional("only_some_reasons", fields.count)
    return IssuingDistributionPoint(
        names=_read_names(fields, "names"),
        only_contains_user_certs=fields.flag("only_contains_user_certs"),
        only_contains_ca_certs=fields.flag("only_contains_ca_certs"),
        only_contains_attribute_certs=fields.flag("only_contains_attribute_certs"),
        only_some_reasons=None if reasons is None else Reasons(reasons),
        indirect_crl=fields.flag("indirect_crl"),
    )


def _point(point: DistributionPoint) -> dict[str, object]:
    return {"names": _names(point.names), "reasons": int(point.reasons), "crl_issuer": _names(point.crl_issuer)}


def _read_point(fields: Fields) -> DistributionPoint:
    return DistributionPoint(
        names=_read_names(fields, "names"),
        reasons=Reasons(fields.count("reasons")),
        crl_issuer=_read_names(fields, "crl_issuer"),
    )


def _names(names: Iterable[GeneralName]) -> list[dict[str, object]]:
    return [{"kind": name.kind.value, "value": name.value.hex()} for name in names]


def _read_names(fields: Fields, name: str) -> tuple[GeneralName, ...]:
    return tuple(_read_name(one) for one in fields.inners(name))


def _read_name(fields: Fields) -> GeneralName:
    try:
        kind = GeneralNameKind(fields.count("kind"))
    except ValueError as error:
        raise StoreError("a damaged record in the store: kind") from error
    return GeneralName(kind, fields.octets("value"))
