"""What the operator allows callers: sizes, counts, overrides, and where the operations are served."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from service.api.authentication import Access
from service.api.client_cert.header import HeaderNames
from service.application.fronts import Front

MIB: Final = 2**20

MAX_ITEMS: Final = 1_000
"""Requests in one batch: the limit of the contract."""


class Overrides(Enum):
    """Whether a request may carry `options`."""

    REFUSED = "refused"
    ALLOWED = "allowed"
    """Where tokens are configured, with an administrator's token only."""


class OperationsPort(Enum):
    """Where `/readyz` and `/metrics` are served; `/healthz` is served everywhere."""

    MAIN = "main"
    MANAGEMENT = "management"
    """On a port of their own: the main one does not know them."""


@dataclass(frozen=True, slots=True)
class ApiRules:
    """Limits and permissions of one deployment.

    Attributes:
        access: Who may ask.
        overrides: Whether requests may carry `options`.
        max_request_bytes: Largest body of one request.
        max_batch_bytes: Largest body of one batch.
        max_intermediates: Certificates besides the leaf that one request may bring.
        max_items: Requests in one batch.
        operations: Where the operations are served.
        max_crl_bytes: Largest CRL that may be uploaded.
        fronts: Which fronts may ask for authorizations.
        header_names: What the headers are called that they hand certificates over in.
        hosts: What the service is called, besides its addresses and `localhost`, where nobody is asked who he is.
    """

    access: Access = field(default_factory=Access)
    overrides: Overrides = Overrides.REFUSED
    max_request_bytes: int = MIB
    max_batch_bytes: int = 8 * MIB
    max_intermediates: int = 100
    max_items: int = MAX_ITEMS
    operations: OperationsPort = OperationsPort.MAIN
    max_crl_bytes: int = 128 * MIB
    fronts: frozenset[Front] = frozenset(Front)
    header_names: HeaderNames = field(default_factory=HeaderNames)
    hosts: frozenset[str] = frozenset()
