"""Answers that the command line decides by itself, as a service with the same settings would."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from service.api.answer_document import answer_document
from service.application.evidence_store import StoreError
from service.application.submission import SubmissionError, read_submission
from service.application.validate import ValidationRequest
from service.bootstrap.answering import Answering, open_alone
from service.cli.options import fail
from service.cli.service_client import as_text
from service.settings import Settings, SettingsError

Answer = Mapping[str, Any]


@asynccontextmanager
async def deciding_here(
    settings: Settings, intermediates: tuple[str, ...]
) -> AsyncIterator[Callable[[Sequence[bytes]], Awaitable[list[Answer | str]]]]:
    """Decide while the block lasts, with nothing held at its beginning and nothing kept at its end.

    Args:
        settings: Anchors, modes, egress guard, deadline.
        intermediates: Certificates beside those of each file, PEM or base64 of DER.

    Raises:
        typer.Exit: the trust stores cannot be used; the reason is printed.
    """
    with tempfile.TemporaryDirectory(prefix="revet-") as directory:
        try:
            async with open_alone(settings, Path(directory) / "data") as worker:

                async def decide(certificates: Sequence[bytes]) -> list[Answer | str]:
                    return [await _decide(worker, settings, one, intermediates) for one in certificates]

                yield decide
        except (StoreError, SettingsError) as error:
            raise fail(str(error)) from error


async def _decide(
    worker: Answering, settings: Settings, certificate: bytes, intermediates: tuple[str, ...]
) -> Answer | str:
    try:
        submission = read_submission(as_text(certificate), intermediates, settings.max_intermediates)
        request = ValidationRequest(
            leaf=submission.leaf,
            intermediates=submission.intermediates,
            trust_store="default",
            policy=worker.policy,
            ignored=submission.ignored,
        )
        return answer_document(await worker.validator.validate(request))
    except (StoreError, SubmissionError, LookupError) as error:
        return str(error)
