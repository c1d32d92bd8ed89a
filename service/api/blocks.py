"""`/v1/blocks`: what is denied at once, whatever anybody's evidence says.

Rules it keeps: looking needs a token, changing an administrator's, where tokens are configured; 201 is answered when
the block is durable and in force here, and the fleet knows of it. What the fleet does not know of is a 503 that says
`local`: it is in force here all the same. A number or a name that could be read in two ways is refused: a block that
matches nothing is worse than a complaint.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from pydantic_core import to_json
from starlette.types import Receive, Scope

from service.api.auditing import begin_change, tell_of_change
from service.api.block_schemas import BlockRequest
from service.api.body import receive_json
from service.api.moment import write_moment, write_optional
from service.api.permission import permit, permit_admin
from service.api.problems import (
    FieldFault,
    ProblemError,
    block_is_local,
    invalid_request,
)
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.application.auditing import Necessity
from service.application.block_sharing import Reach
from service.application.blocks import BlockIsLocalError, Blocks, PastBlockError, RemovalIsLocalError
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch
from service.core.model.malformed import MalformedError
from service.core.names.rfc4514 import canonical_of_text

BLOCK_ID = "id"
"""The part of the path that names a block."""

_READING = frozenset({"GET", "HEAD"})

_WHY: Mapping[Reach, str] = {
    Reach.UNREACHABLE: "The fleet's Redis could not be written: the other hosts hear of it when it can.",
    Reach.UNAUTHENTICATED: "Without REVET_FLEET_KEY no host believes another that one was removed: remove it on each.",
    Reach.REFUSED: "It is larger than other hosts take, or they have as many as they take: block it on each.",
}
"""Why the other hosts of the fleet do not know what one of them was asked for."""


class BlocksHandler:
    """Handles `/v1/blocks` and `/v1/blocks/{id}`."""

    def __init__(self, blocks: Blocks, rules: ApiRules) -> None:
        """Take the blocks, and who may change them."""
        self._blocks = blocks
        self._rules = rules

    async def collection(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET` and `POST` of all blocks."""
        by = self._permit(scope)
        if scope["method"] in _READING:
            blocks = await self._blocks.list()
            # Of a hundred thousand blocks the text takes its time.
            return Reply(200, await asyncio.to_thread(_list_document, blocks, self._blocks.now()))
        document = await receive_json(scope, receive, self._rules.max_request_bytes)
        request = BlockRequest.model_validate(document)
        match, reason = read_match(request), request.reason.strip()
        asked = request.model_dump(mode="json", exclude_none=True)
        await begin_change(
            self._rules, scope, by, asked, Necessity.WANTED
        )  # nobody waits for a full disk to deny somebody
        try:
            block = await self._blocks.add(match, reason, request.until, by)
        except PastBlockError:
            raise _wrong("until", "has passed already") from None
        except BlockIsLocalError as error:
            document = block_document(error.block, error.block.created_at)
            tell_of_change(scope, {"block": error.block.id})
            raise ProblemError(block_is_local(error.block.id, _WHY[error.reach], document)) from error
        tell_of_change(scope, {"block": block.id})
        location = f"/v1/blocks/{block.id}".encode()
        return Reply(201, to_json(block_document(block, block.created_at)), headers=((b"location", location),))

    async def item(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET` and `DELETE` of one block."""
        del receive
        by = self._permit(scope)
        block_id: str = scope["path_params"][BLOCK_ID]
        if scope["method"] in _READING:
            block = await self._blocks.get(block_id)
            return json_reply(200, block_document(block, self._blocks.now()))
        await begin_change(self._rules, scope, by, {"block": block_id})
        try:
            await self._blocks.remove(block_id, by)
        except RemovalIsLocalError as error:
            raise ProblemError(block_is_local(block_id, _WHY[error.reach])) from error
        return Reply(204, b"")

    def _permit(self, scope: Scope) -> str:
        """Who asks, for people.

        Raises:
            ProblemError: nobody who may (401, 403).
        """
        if scope["method"] in _READING:
            return permit(self._rules, scope).name
        return permit_admin(self._rules, scope, "blocks are changed")


def read_match(request: BlockRequest) -> BlockMatch:
    """What a request wants blocked.

    Raises:
        ProblemError: none of the three forms, more than one, half of one, or a name that is none (400).
    """
    if request.forms != 1:
        detail = "one of fingerprint_sha256, spki_sha256, and issuer with serial_number is needed, and only one"
        raise _wrong("request", detail)
    if request.fingerprint_sha256 is not None:
        return FingerprintMatch(_octets(request.fingerprint_sha256))
    if request.spki_sha256 is not None:
        return SpkiMatch(_octets(request.spki_sha256))
    if request.issuer is None:
        raise _wrong("issuer", "needed beside serial_number")
    if request.serial_number is None:
        raise _wrong("serial_number", "needed beside issuer")
    try:
        issuer_key = canonical_of_text(request.issuer)
    except MalformedError as error:
        raise _wrong("issuer", error.reason) from error
    return IssuerSerialMatch(request.issuer, issuer_key, _number(request.serial_number))


def block_document(block: Block, now: datetime) -> dict[str, object]:
    """A block as a JSON object: the fields of `block_schemas.BlockAnswer`."""
    fields: dict[str, object] = dict.fromkeys(("fingerprint_sha256", "spki_sha256", "issuer", "serial_number"))
    match block.match:
        case FingerprintMatch(digest):
            fields["fingerprint_sha256"] = digest.hex()
        case SpkiMatch(digest):
            fields["spki_sha256"] = digest.hex()
        case IssuerSerialMatch():
            fields |= {"issuer": block.match.issuer, "serial_number": f"{block.match.serial_number:x}"}
    return {
        "id": block.id,
        **fields,
        "reason": block.reason,
        "created_at": write_moment(block.created_at),
        "created_by": block.created_by,
        "until": write_optional(block.until),
        "in_force": block.stands(now),
    }


def _list_document(blocks: tuple[Block, ...], now: datetime) -> bytes:
    return to_json({"blocks": [block_document(block, now) for block in blocks]})


def _octets(digest: str) -> bytes:
    return bytes.fromhex(digest.replace(":", ""))


def _number(serial: str) -> int:
    return int(serial.replace(":", ""), 16)


def _wrong(field: str, detail: str) -> ProblemError:
    return ProblemError(invalid_request((FieldFault(field, detail),)))
