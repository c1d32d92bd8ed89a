"""`/openapi.json` and `/docs`: the same document for machines and for people, made once."""

from base64 import b64encode
from hashlib import sha256

from pydantic_core import to_json
from starlette.types import Receive, Scope

from service.api.docs_page import STYLE, render_page
from service.api.openapi_parts import Json
from service.api.reply import COMMON_HEADERS, Header, Reply

_STYLE_DIGEST = b64encode(sha256(STYLE.encode()).digest())

# The page loads nothing from anywhere and runs nothing; its one style sheet is named by its digest.
_POLICY = (
    b"default-src 'none'; style-src 'sha256-%b'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    % _STYLE_DIGEST
)

_PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
"""Of the page alone: it has a link, and browsers that know no frame-ancestors."""


class Documentation:
    """Handlers of the two paths."""

    def __init__(self, document: Json) -> None:
        """Render both."""
        self._openapi = Reply(200, to_json(document))
        self._page = Reply(
            200, render_page(document).encode(), b"text/html; charset=utf-8", common=(*COMMON_HEADERS, *_PAGE_HEADERS)
        )

    async def openapi(self, _scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /openapi.json`."""
        return self._openapi

    async def page(self, _scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /docs`."""
        return self._page
