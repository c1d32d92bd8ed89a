"""What is wrong with a request about CRLs: their sources, what is held, and what is uploaded (RFC 9457)."""

from http import HTTPStatus

from service.api.problems import Problem, printable


def unknown_source() -> Problem:
    """A refresh of what is no source here; which ones are is for those who may list them."""
    return Problem(
        HTTPStatus.NOT_FOUND, "unknown-source", "There is no such source", "GET /v1/crls lists those there are."
    )


def unknown_crl() -> Problem:
    """A reset of what is not held."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-crl",
        "No such CRL is held",
        "Nothing was reset: GET /v1/crls lists what is held, with issuer, slot and source.",
    )


def unknown_upload() -> Problem:
    """A file that was not uploaded."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-upload",
        "There is no such upload",
        "GET /v1/crls/uploads lists those there are.",
    )


def too_many_uploads() -> Problem:
    """No room for another file."""
    return Problem(
        HTTPStatus.CONFLICT,
        "too-many-uploads",
        "There is no room for another upload",
        "Nothing was uploaded: remove uploads that are published elsewhere by now, or configure a place for them.",
    )


def upload_under_way() -> Problem:
    """Another request changes the same name, and does not come to its end."""
    return Problem(
        HTTPStatus.CONFLICT,
        "upload-under-way",
        "Another upload of this name is under way",
        "Nothing was changed: try again when it has been read.",
    )


def crl_refused(problem: str, detail: str) -> Problem:
    """An upload that nobody may hold; everything is as it was before."""
    more = f" ({printable(detail)})" if detail else ""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "crl-refused", "The CRL is refused", f"Nothing has changed: {problem}{more}."
    )
