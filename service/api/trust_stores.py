"""`GET /v1/trust-stores`: whom this replica trusts, and until when. It names subjects, and so needs a token."""

import asyncio
from typing import Final

from pydantic_core import to_json
from starlette.types import Receive, Scope

from service.api.moment import write_moment, write_optional
from service.api.permission import permit
from service.api.query import read_count, read_query, read_skip
from service.api.reply import Reply
from service.api.rules import ApiRules
from service.application.operating.trust_store_listing import (
    MOST_CERTIFICATES,
    MOST_SOURCES,
    ShownCertificate,
    StoreLine,
    StorePage,
    TrustStoreListing,
    WantedStores,
)

DEFAULT_STORES: Final = 100
MOST_STORES: Final = 1_000
"""Trust stores of one page."""

DEFAULT_CERTIFICATES: Final = 100
"""Of each store: more than most have."""

PARAMETERS: Final = ("limit", "skip", "certificates")
"""What the query may have."""


class TrustStoresHandler:
    """Handles `GET /v1/trust-stores`."""

    def __init__(self, listing: TrustStoreListing, rules: ApiRules) -> None:
        """Take what lists them, and who may look."""
        self._listing = listing
        self._rules = rules
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Handle it."""
        del receive
        permit(self._rules, scope)
        query = read_query(scope, PARAMETERS)
        wanted = WantedStores(
            limit=read_count(query, "limit", DEFAULT_STORES, MOST_STORES),
            skip=read_skip(query),
            certificates=read_count(query, "certificates", DEFAULT_CERTIFICATES, MOST_CERTIFICATES),
        )
        async with self._turn:  # one thread at a time: verdicts share the interpreter with it
            return Reply(200, await asyncio.to_thread(self._page, wanted))

    def _page(self, wanted: WantedStores) -> bytes:
        return to_json(_document(self._listing.page(wanted)))


def _document(page: StorePage) -> dict[str, object]:
    """The fields of `trust_store_schemas.TrustStoresAnswer`."""
    return {
        "trust_stores": [_store(line) for line in page.lines],
        "total": page.total,
        "at": write_moment(page.at),
    }


def _store(line: StoreLine) -> dict[str, object]:
    report = line.report
    return {
        "name": report.name,
        "problem": report.problem,
        "sources": report.sources[:MOST_SOURCES],
        "in_force_since": write_optional(report.since),
        "total": line.total,
        "certificates": [_certificate(one) for one in line.certificates],
        "omitted": line.omitted,
    }


def _certificate(shown: ShownCertificate) -> dict[str, object]:
    certificate = shown.certificate
    return {
        "subject": certificate.subject.text,
        "fingerprint_sha256": certificate.fingerprint.hex(),
        "not_after": write_moment(certificate.not_after),
        "is_anchor": shown.is_anchor,
    }
