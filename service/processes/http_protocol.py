"""HTTP/1.1 as uvicorn speaks it, with a bound on what is read of a request before its body, and after it.

Neither uvicorn nor its parser has one. Nobody has been asked for a token at that point, and all of it is held in
memory. What it does not do: bound bodies (`api.body`), or how long a client may take for its headers.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_OCTETS: Final = 128 * 1024
"""Request line and headers, or trailers: twice what an ALB passes on (64 KiB), so that a certificate chain in a header
fits. What comes in one read with them is not counted."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; ended with a 400 when the octets that belong to no body become too many."""

    _unfinished = 0
    """Octets since the last time that headers, a piece of a body, or a request was complete."""

    def data_received(self, data: bytes) -> None:
        """Take what was read."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD_OCTETS and not self.transport.is_closing():
            self.send_400_response(f"Request line and headers have more than {MAX_HEAD_OCTETS} octets.")

    def on_headers_complete(self) -> None:
        """Headers are complete."""
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is complete."""
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._unfinished = 0
        super().on_message_complete()
