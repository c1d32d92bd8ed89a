"""What is wrong with a question about decisions that are kept (RFC 9457)."""

from http import HTTPStatus

from service.api.problems import RETRY_LATER, Problem


def unknown_decision() -> Problem:
    """A decision that is not kept, or not any more."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-decision",
        "No such decision is kept",
        "It is too old, was never kept, or was made on another host. What was answered a moment ago is there within a "
        "second.",
    )


def decisions_unavailable(reason: str) -> Problem:
    """Decisions that cannot be read, or are not kept at all; requests for verdicts are answered all the same."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "decisions-unavailable",
        "What is kept of decisions cannot be read",
        f"Verdicts do not depend on it: {reason}.",
        headers=RETRY_LATER,
    )
