"""Where `check` and `explain` get their answers: from a running service, or decided here."""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.api.answer_document import answer_document
from service.application.evidence_store import StoreError
from service.application.submission import SubmissionError, read_submission
from service.application.validate import ValidationRequest
from service.bootstrap.answering import Answering, open_alone
from service.cli.options import DEFAULT_URL, TOKEN_VARIABLE, fail, read_settings
from service.cli.service_client import AskError, as_text, ask_service
from service.settings import Settings, SettingsError

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a command asks about.

    Attributes:
        files: Each a certificate.
        intermediates: Files with more certificates.
        trust_store: Decide here, with these anchors; None to ask a service or to take the settings'.
        url: Ask there; None for the default.
        config: TOML file with settings.
    """

    files: tuple[Path, ...]
    intermediates: tuple[Path, ...]
    trust_store: Path | None
    url: str | None
    config: Path | None


def ask(question: Question) -> list[Answer]:
    """An answer for each file.

    Decided here where a trust store is given, by option or in the settings; by a service otherwise.

    Raises:
        typer.Exit: it could not be asked; the reason is printed.
    """
    certificates = [_read(path) for path in question.files]
    intermediates = tuple(as_text(_read(path)) for path in question.intermediates)
    if question.url is not None and question.trust_store is not None:
        raise fail("--url asks a service, --trust-store decides here: give one of them")
    if question.url is None:
        overrides = {} if question.trust_store is None else {"REVET_TRUST_STORE": str(question.trust_store)}
        settings = read_settings(question.config, overrides)
        if settings.trust_store is not None or settings.trust_store_dir is not None:
            return asyncio.run(_decide(settings, certificates, intermediates))
    try:
        url, token = question.url or DEFAULT_URL, os.environ.get(TOKEN_VARIABLE)
        return [ask_service(url, one, intermediates, "default", token) for one in certificates]
    except AskError as error:
        hint = "" if question.url else "; give --url, or --trust-store to decide without a service"
        raise fail(f"{error.reason}{hint}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error


async def _decide(settings: Settings, certificates: list[bytes], intermediates: tuple[str, ...]) -> list[Answer]:
    with tempfile.TemporaryDirectory(prefix="revet-") as directory:
        try:
            async with open_alone(settings, Path(directory) / "data") as worker:
                return [await _validate(worker, settings, one, intermediates) for one in certificates]
        except (StoreError, SubmissionError, LookupError, SettingsError) as error:
            raise fail(str(error)) from error


async def _validate(
    worker: Answering, settings: Settings, certificate: bytes, intermediates: tuple[str, ...]
) -> Answer:
    submission = read_submission(as_text(certificate), intermediates, settings.max_intermediates)
    request = ValidationRequest(
        leaf=submission.leaf,
        intermediates=submission.intermediates,
        trust_store="default",
        policy=worker.policy,
        ignored=submission.ignored,
    )
    return answer_document(await worker.validator.validate(request))
