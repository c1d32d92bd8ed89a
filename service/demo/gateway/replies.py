"""What API Gateway itself answers: statuses, bodies and the header that names the error, of either kind of API."""

import json
from enum import Enum
from http import HTTPStatus
from typing import assert_never

from service.demo.gateway.model import Kind, Reply


class Refusal(Enum):
    """Why a request does not reach the integration."""

    NOT_TRUSTED = "the client's certificate is issued by nobody in the trust store"
    NO_RESOURCE = "no resource has this path"
    TOO_LARGE = "request line and headers are too large"
    NO_IDENTITY = "an identity source is missing, or the authorizer says Unauthorized"
    EXPLICIT_DENY = "the authorizer's policy denies"
    IMPLICIT_DENY = "the authorizer's policy does not allow"
    AUTHORIZER_FAILED = "the authorizer failed, or its answer is invalid"
    INTEGRATION_FAILED = "the backend cannot be reached, or its certificate is not trusted"


def refusal(kind: Kind, why: Refusal) -> Reply:
    """The answer of an API of this kind."""
    match kind:
        case Kind.REST:
            return _rest(why)
        case Kind.HTTP:
            return _http(why)


def _rest(why: Refusal) -> Reply:
    match why:
        case Refusal.NOT_TRUSTED:
            return _error(HTTPStatus.FORBIDDEN, {"message": "Forbidden"}, "ForbiddenException")
        case Refusal.NO_RESOURCE:
            text = "Missing Authentication Token"
            return _error(HTTPStatus.FORBIDDEN, {"message": text}, "MissingAuthenticationTokenException")
        case Refusal.TOO_LARGE:
            return _error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"message": "Request Header Fields Too Large"})
        case Refusal.NO_IDENTITY:
            return _error(HTTPStatus.UNAUTHORIZED, {"message": "Unauthorized"}, "UnauthorizedException")
        case Refusal.EXPLICIT_DENY:
            text = "User is not authorized to access this resource with an explicit deny"
            return _error(HTTPStatus.FORBIDDEN, {"Message": text}, "AccessDeniedException")
        case Refusal.IMPLICIT_DENY:
            text = "User is not authorized to access this resource"
            return _error(HTTPStatus.FORBIDDEN, {"Message": text}, "AccessDeniedException")
        case Refusal.AUTHORIZER_FAILED:
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": None}, "AuthorizerConfigurationException")
        case Refusal.INTEGRATION_FAILED:
            text = "Internal server error"
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": text}, "InternalServerErrorException")
        case _:
            assert_never(why)


def _http(why: Refusal) -> Reply:
    match why:
        case Refusal.NOT_TRUSTED | Refusal.EXPLICIT_DENY | Refusal.IMPLICIT_DENY:
            return _error(HTTPStatus.FORBIDDEN, {"message": "Forbidden"})
        case Refusal.NO_RESOURCE:
            return _error(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
        case Refusal.TOO_LARGE:
            return _error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, {"message": "Request Header Fields Too Large"})
        case Refusal.NO_IDENTITY:
            return _error(HTTPStatus.UNAUTHORIZED, {"message": "Unauthorized"})
        case Refusal.AUTHORIZER_FAILED | Refusal.INTEGRATION_FAILED:
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": "Internal Server Error"})
        case _:
            assert_never(why)


def _error(status: HTTPStatus, body: dict[str, str | None], error_type: str = "") -> Reply:
    named = (("x-amzn-errortype", error_type),) if error_type else ()
    text = json.dumps(body, separators=(",", ":")).encode()
    return Reply(status, (("content-type", "application/json"), *named), text)
