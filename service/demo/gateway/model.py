"""What the parts of the gateway tell each other: a request, an answer, an API, and who is asked whether it may pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from cryptography import x509

Event = dict[str, Any]
"""What an authorizer is called with: JSON."""

Handler = Callable[[Event, Any], Any]
"""An authorizer as Lambda calls it: an event and the invocation's context to an answer that is JSON."""

DEFAULT_RESULT_TTL_S: Final = 300.0
"""For how long API Gateway keeps an authorizer's result where nobody says otherwise."""

MAX_RESULT_TTL_S: Final = 3600.0
"""The longest that API Gateway allows."""


class Kind(Enum):
    """The kinds of API, each with the event that its authorizers are called with."""

    REST = "REST API, payload 1.0"
    HTTP = "HTTP API, payload 2.0"


class AnswerForm(Enum):
    """What the authorizer of an HTTP API has to answer; the setting is called enableSimpleResponses."""

    POLICY = "an IAM policy"
    SIMPLE = "isAuthorized, true or false"


@dataclass(frozen=True, slots=True)
class Api:
    """An API at a custom domain name.

    Attributes:
        kind: Which kind it is.
        resources: Its paths, in OpenAPI's form: `/devices/{id}`, `/{proxy+}`.
        domain: The custom domain name.
        stage: The stage that the domain name is mapped to.
        stage_variables: Of that stage.
    """

    kind: Kind = Kind.REST
    resources: tuple[str, ...] = ("/", "/{proxy+}")
    domain: str = "api.demo.example"
    stage: str = "prod"
    region: str = "eu-central-1"
    account: str = "123456789012"
    api_id: str = "a1b2c3d4e5"
    stage_variables: dict[str, str] = field(default_factory=dict)

    def arn(self, method: str, path: str) -> str:
        """The method's ARN, as authorizers get it and policies name it."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}/{self.stage}/{method}{path}"


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """How an API's authorizer is called.

    Attributes:
        identity_sources: What has to be there and what results are kept by: `method.request.header.NAME`,
            `method.request.querystring.NAME`, `context.NAME`, `stageVariables.NAME`; in an HTTP API each with a `$`,
            and `$request.…`.
        result_ttl_s: For how long a result is kept, in seconds; 0 keeps none.
        form: What an HTTP API's authorizer answers with.
    """

    identity_sources: tuple[str, ...] = ()
    result_ttl_s: float = 0.0
    form: AnswerForm = AnswerForm.POLICY

    def __post_init__(self) -> None:
        """Refuse what API Gateway refuses.

        Raises:
            ValueError: a time that it does not keep results for, or results kept by nothing.
        """
        if not 0 <= self.result_ttl_s <= MAX_RESULT_TTL_S:
            raise ValueError(f"results are kept for 0 to {MAX_RESULT_TTL_S:.0f} s")
        if self.result_ttl_s and not self.identity_sources:
            raise ValueError("to keep results, name an identity source to keep them by")


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request.

    Attributes:
        path: Without the query, as it was sent.
        query: What follows the question mark, as it was sent.
        headers: In their order, with the names as they were sent.
        certificate: What the client has proved to have the key of.
        at: The moment at which it came.
    """

    request_id: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    source_ip: str
    certificate: x509.Certificate
    at: datetime

    def header(self, name: str) -> str:
        """A header's value, all of them joined where there are several; empty where there is none."""
        return ",".join(value for key, value in self.headers if key.lower() == name.lower())


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client is answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
