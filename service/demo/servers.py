"""The live half of the demonstration: CRLs over HTTP, OCSP responders, and CRLs renewed before they are stale."""

import base64
import binascii
import contextlib
import sys
import threading
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote

from service.application.clock import Clock
from service.demo.layout import AUTHORITIES
from service.demo.pki import DemoPki
from service.demo.ports import Listeners
from service.demo.responder import PATIENCE_S, NoAnswerError, Responder, find_openssl
from service.demo.web import METHOD_NOT_ALLOWED, NOT_FOUND, LoopbackServer, Request, Response

LOOK_EVERY_S: Final = 60.0
"""How often to see whether a CRL is due. Short beside its twelve hours, since a machine that slept wakes up late."""

_CRL: Final = "application/pkix-crl"
_OCSP: Final = "application/ocsp-response"


class DemoServers:
    """Serves a PKI's revocation data while it is entered, with CRLs issued anew on entering."""

    def __init__(self, pki: DemoPki, listeners: Listeners, clock: Clock, look_every_s: float = LOOK_EVERY_S) -> None:
        """Take what to serve, and where. The listeners stay their owner's.

        Raises:
            UsageError: there is no `openssl` command.
        """
        self._pki = pki
        self._clock = clock
        self._look_every_s = look_every_s
        self._responder = Responder(find_openssl())
        self._servers = (
            LoopbackServer(listeners.crl, self._answer_crl),
            LoopbackServer(listeners.ocsp, self._answer_ocsp),
        )
        self._stopping = threading.Event()
        self._renewal = threading.Thread(target=self._renew, name="renewal", daemon=True)

    def __enter__(self) -> Self:
        """Start serving.

        Raises:
            OSError: the CRLs could not be written.
        """
        self._pki.renew_crls(self._clock.now())
        for server in self._servers:
            server.start()
        self._renewal.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving, and wait for the answers under way."""
        self._stopping.set()
        for server in self._servers:
            server.close()
        self._responder.close()
        self._renewal.join(PATIENCE_S)

    def _answer_crl(self, request: Request) -> Response:
        if request.body is not None:
            return METHOD_NOT_ALLOWED
        for authority in AUTHORITIES:
            if request.path == f"/{authority}.crl":
                return Response(HTTPStatus.OK, self._pki.layout.authority(authority).crl.read_bytes(), _CRL)
        return NOT_FOUND

    def _answer_ocsp(self, request: Request) -> Response:
        for authority in AUTHORITIES:
            try:
                question = _ocsp_request(request, f"/{authority}")
            except binascii.Error:
                return Response(HTTPStatus.BAD_REQUEST)
            if question is None:
                continue
            try:
                answer = self._responder.answer(question, self._pki.layout.authority(authority))
            except NoAnswerError as error:
                return Response(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode())
            return Response(HTTPStatus.OK, answer, _OCSP)
        return NOT_FOUND

    def _renew(self) -> None:
        while not self._stopping.wait(self._look_every_s):
            now = self._clock.now()
            try:
                if self._pki.are_crls_due(now):
                    self._pki.renew_crls(now)
            except (OSError, ValueError) as error:  # a full disk; the next round tries again
                with contextlib.suppress(OSError):
                    sys.stderr.write(f"CRLs of the demonstration could not be renewed: {error}\n")


def _ocsp_request(request: Request, path: str) -> bytes | None:
    """What a responder at this path is asked; None where it is not asked at all.

    Raises:
        binascii.Error: it is asked by GET, and that is not base64.
    """
    if request.body is not None:
        return request.body if request.path == path else None
    if not request.path.startswith(f"{path}/"):
        return None
    # RFC 6960 appendix A.1. Base64 has slashes of its own, and not everybody escapes them.
    return base64.b64decode(unquote(request.path.removeprefix(f"{path}/")), validate=True)
