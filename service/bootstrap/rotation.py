"""Files that are replaced while the service runs: what is made of them, in the supervisor and in a worker."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from service.adapters.clock import SystemClock
from service.adapters.kept_memory import KeptMemory
from service.adapters.rotation_log import RotationLog
from service.adapters.rotation_metrics import RotationCollector
from service.adapters.tls.files import NothingInForceError, TlsFiles, TlsPaths
from service.adapters.token_files import NoTokensError, TokenFiles
from service.api.authentication import Access, ClientCertificates
from service.api.operations import CheckResult, Condition
from service.application.rotation import Look, Rotation
from service.application.tokens import TokenDigests, TokenKind, digest_of_entry
from service.bootstrap.logs import log_fault
from service.settings import Settings, SettingsError
from service.settings.files import read_tokens, read_whole

KEPT_TLS: Final = "kept_tls"
"""The name under which workers inherit the last good certificate, key and client CA."""


KEPT_TOKENS: Final = "kept_tokens"
"""The name under which they inherit the digests of the last good files of tokens."""

KEPT: Final = (KEPT_TLS, KEPT_TOKENS)
"""All of these names."""


@dataclass(frozen=True, slots=True)
class Rotating:
    """What a worker has of files that are replaced.

    Attributes:
        access: Who is let in.
        rotation: Looks at them.
        tls: What connections to the main port are made with; None for plain HTTP.
        not_after: The end of the certificate that they are made with now; None for plain HTTP.
    """

    access: Access
    rotation: Rotation
    tls: ssl.SSLContext | None = field(default=None)
    not_after: Callable[[], datetime | None] | None = None

    async def check(self) -> CheckResult:
        """Whether all of them can be used: where they cannot, what they were is served with."""
        problems = self.rotation.problems()
        detail = "; ".join(f"{setting}: {problem}" for setting, problem in problems.items())
        return CheckResult(Condition.IMPAIRED if problems else Condition.GOOD, detail)

    def collector(self) -> RotationCollector:
        """Their metrics."""
        return RotationCollector(self.rotation.settings(), self.rotation.problems, self.not_after)


def keep_rotating_files(settings: Settings, stack: ExitStack) -> Mapping[str, KeptMemory]:
    """Make what workers inherit of these files, by name: a worker that is replaced may find them broken.

    Args:
        settings: Whose files are read; they were good a moment ago.
        stack: Lets go of it, when no worker with these settings is to be started any more.

    Raises:
        SettingsError: a file cannot be used.
    """
    kept = {name: KeptMemory.make(name) for name in KEPT}
    for one in kept.values():
        stack.callback(one.close)
    try:
        _tls_files(settings, kept)
        _token_files(settings, kept)
    except (NothingInForceError, NoTokensError) as error:
        raise SettingsError((str(error),)) from error
    return kept


def open_rotating(settings: Settings, kept: Mapping[str, KeptMemory], stack: AsyncExitStack) -> Rotating:
    """Look at the files, and go on looking in the running event loop.

    Args:
        settings: Whose files are looked at.
        kept: What was inherited.
        stack: Ends the looking.

    Raises:
        NothingInForceError: the certificate, its key or the client CA cannot be used, and nothing of it is kept.
        NoTokensError: a file of tokens cannot be used, and nothing of it is kept.
    """
    recalled = {name for name, one in kept.items() if one.read() is not None}
    tls, tokens = _tls_files(settings, kept), _token_files(settings, kept)
    parts = tuple(part for part in (tls, tokens) if part is not None)
    first = _first_look({KEPT_TLS: tls, KEPT_TOKENS: tokens}, recalled)
    access = Access(TokenDigests(_fixed_tokens(settings)) if tokens is None else tokens.tokens(), _asked(settings))
    if tokens is not None:
        tokens.follow(access.replace_tokens)
    rotation = Rotation(parts, SystemClock(), RotationLog(), log_fault, first)
    looking = asyncio.ensure_future(rotation.run())
    stack.callback(looking.cancel)
    return Rotating(access, rotation, None if tls is None else tls.context, None if tls is None else tls.not_after)


def _first_look(parts: Mapping[str, TlsFiles | TokenFiles | None], recalled: set[str]) -> Look:
    """What is to be told of the first looks: what is new to whoever begins with nothing is new to nobody else."""
    looks = {name: part.first_look for name, part in parts.items() if part is not None}
    taken = tuple(setting for name, look in looks.items() if name in recalled for setting in look.taken)
    return Look(taken, {setting: problem for look in looks.values() for setting, problem in look.problems.items()})


def _asked(settings: Settings) -> ClientCertificates:
    return ClientCertificates.NOT_ASKED if settings.tls_client_ca is None else ClientCertificates.REQUIRED


def _fixed_tokens(settings: Settings) -> dict[TokenKind, tuple[bytes, ...]]:
    """Digests of the tokens that are in no file."""
    entries: dict[TokenKind, tuple[SecretStr, ...]] = {kind: getattr(settings, kind.value) for kind in TokenKind}
    return {
        kind: tuple(digest_of_entry(entry.get_secret_value()) for entry in given)
        for kind, given in entries.items()
        if kind not in _token_paths(settings)
    }


def _token_paths(settings: Settings) -> dict[TokenKind, Path]:
    paths: dict[TokenKind, Path | None] = {kind: getattr(settings, f"{kind.value}_file") for kind in TokenKind}
    return {kind: path for kind, path in paths.items() if path is not None}


def _token_files(settings: Settings, kept: Mapping[str, KeptMemory]) -> TokenFiles | None:
    paths = _token_paths(settings)
    return TokenFiles(paths, _fixed_tokens(settings), read_tokens, kept.get(KEPT_TOKENS)) if paths else None


def _tls_files(settings: Settings, kept: Mapping[str, KeptMemory]) -> TlsFiles | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    paths = TlsPaths(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    return TlsFiles(paths, read_whole, SystemClock(), kept.get(KEPT_TLS))
