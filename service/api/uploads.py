"""`/v1/crls/uploads`: CRLs that come from an administrator and from nowhere else.

Rules it keeps: an administrator's token is needed for changes, where tokens are configured; a body goes to the disk as
it arrives, and is bounded in octets, in time, and in how many there are at once.
"""

from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive, Scope

from service.api.admission import Admission
from service.api.auditing import begin_change, tell_of_change
from service.api.body import receive_octets
from service.api.crl_problems import crl_refused, too_many_uploads, unknown_upload, upload_under_way
from service.api.moment import write_moment, write_optional
from service.api.permission import permit, permit_admin
from service.api.problems import ProblemError
from service.api.query import wrong
from service.api.reply import Reply, json_reply
from service.api.rules import ApiRules
from service.application.operating.uploads import (
    NAME,
    TooManyUploadsError,
    UnknownUploadError,
    Upload,
    UploadOutcome,
    UploadRefusedError,
    Uploads,
    UploadUnderWayError,
)
from service.application.prefetch.source_record import GivenCrl

UPLOADING: Final = "CRLs are uploaded"
"""What takes an administrator."""

UPLOAD_NAME: Final = "name"
"""The part of the path that names an upload."""

MAX_UPLOADS_IN_FLIGHT: Final = 4
"""Uploads of one worker: each may take a quarter of an hour of somebody's slow line, and the disk its size."""

TYPES: Final = frozenset({
    b"application/pkix-crl",
    b"application/x-pem-file",
    b"application/octet-stream",
})  # fmt: skip
"""What a body may say that it is (RFC 5280 §4.2.1.13, RFC 2585 §4.2): DER, PEM, or nobody knows."""


class UploadsHandler:
    """Handles `/v1/crls/uploads` and `/v1/crls/uploads/{name}`."""

    def __init__(self, uploads: Uploads, rules: ApiRules) -> None:
        """Take who keeps them, and who may."""
        self._uploads = uploads
        self._rules = rules
        self._admission = Admission(MAX_UPLOADS_IN_FLIGHT)

    async def collection(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `GET` of all uploads."""
        del receive
        permit(self._rules, scope)
        found = await self._uploads.list()
        return json_reply(200, {"uploads": [self._document(one) for one in found]})

    async def item(self, scope: Scope, receive: Receive) -> Reply:
        """Handle `PUT` and `DELETE` of one."""
        by = permit_admin(self._rules, scope, UPLOADING)
        name: str = scope["path_params"][UPLOAD_NAME]
        if NAME.fullmatch(name) is None:
            raise wrong(UPLOAD_NAME, "1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen, and .crl")
        await begin_change(self._rules, scope, by, {"name": name})
        if scope["method"] == "DELETE":
            try:
                await self._uploads.remove(name, by)
            except UnknownUploadError:
                raise ProblemError(unknown_upload()) from None
            except UploadUnderWayError:
                raise ProblemError(upload_under_way()) from None
            return Reply(204, b"")
        with self._admission:
            upload = await self._add(name, self._receive(scope, receive), by)
        tell_of_change(scope, {"octets": upload.file.octets, "became": upload.outcome.value})
        return json_reply(202 if upload.outcome is UploadOutcome.WAITING else 200, self._document(upload))

    async def _receive(self, scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
        """The body's pieces; after the last of them, which may be minutes later, whether he still may is asked again.

        Raises:
            ProblemError: the body cannot be taken (408, 413, 415), or he may no longer (401, 403).
        """
        async for octets in receive_octets(scope, receive, self._rules.max_crl_bytes, TYPES):
            yield octets
        permit_admin(self._rules, scope, UPLOADING)

    async def _add(self, name: str, pieces: AsyncIterator[bytes], by: str) -> Upload:
        try:
            return await self._uploads.add(name, pieces, by)
        except TooManyUploadsError:
            raise ProblemError(too_many_uploads()) from None
        except UploadUnderWayError:
            raise ProblemError(upload_under_way()) from None
        except UploadRefusedError as error:
            raise ProblemError(crl_refused(error.problem.value, error.detail)) from None

    def _document(self, upload: Upload) -> dict[str, object]:
        return {
            "name": upload.file.name,
            "source": self._uploads.source(upload.file.name),
            "size": upload.file.octets,
            "uploaded_at": write_moment(upload.file.modified_at),
            "outcome": upload.outcome,
            "crls": [_crl_document(one) for one in upload.given],
            "problem": upload.problem,
            "detail": upload.detail,
        }


def _crl_document(given: GivenCrl) -> dict[str, object]:
    return {
        "issuer": given.issuer,
        "slot": given.slot.hex(),
        "crl_number": given.crl_number,
        "this_update": write_moment(given.this_update),
        "next_update": write_optional(given.next_update),
        "entries": given.entries,
    }
