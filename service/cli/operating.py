"""What the commands of operators have in common: a running service that is asked, and how an answer is shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from service.cli.options import DEFAULT_URL, TOKEN_VARIABLE
from service.cli.service_client import call_service

TIMEOUT_S: Final = 30.0
"""For what a service answers at once: a page of 10,000 CRLs takes a second."""

ServiceOption = Annotated[str, typer.Option("--url", help="Ask the service there.")]
"""Where the service is. Operators' commands ask a service, and never decide by themselves."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        url: Where it is.
        token: Of whoever asks; None where it asks for none.
    """

    url: str = DEFAULT_URL
    token: str | None = None

    @classmethod
    def at(cls, url: str) -> "Service":
        """The service at a URL, asked with the token of the environment."""
        return cls(url.rstrip("/"), os.environ.get(TOKEN_VARIABLE))

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float = TIMEOUT_S
    ) -> Mapping[str, Any]:
        """Ask it.

        Args:
            method: As HTTP has it.
            path: With the query.
            body: The JSON object to send; None for no body.
            timeout_s: Seconds until it is given up.

        Raises:
            AskError: it could not be asked, or refused.
        """
        return call_service(method, self.url, path, body, self.token, timeout_s)

    def crls(self, limit: int = 10_000, query: str = "") -> list[Mapping[str, Any]]:
        """Every line of the listing, page by page.

        Args:
            limit: Lines of a page.
            query: More parameters, each behind an ampersand.

        Raises:
            AskError: it could not be asked.
        """
        lines: list[Mapping[str, Any]] = []
        after: str | None = ""
        while after is not None:
            page = self.call("GET", f"/v1/crls?limit={limit}{query}&after={after}")
            lines += page["crls"]
            after = page["after"]
        return lines
