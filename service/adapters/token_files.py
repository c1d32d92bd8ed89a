"""The files of tokens.

Rules it keeps: one that cannot be read, or has a line that is no token, changes nothing, and keeps nobody from taking
the others: a token that was removed opens nothing, whatever is wrong elsewhere; a file is never empty, since nobody
would then be asked for a token; a token is of one kind: in two files it stays what it was, or opens nothing where it is
new, and all else of both files is taken.

What it does not do: look by itself (`application.rotation`), or keep tokens: beyond the reading there are digests.
"""

import json
from collections.abc import Callable, Mapping
from itertools import permutations
from pathlib import Path
from typing import Final, Protocol

from service.application.rotation import Look
from service.application.tokens import TokenDigests, TokenKind, digest_of_nobody, read_entries

ReadEntries = Callable[[Path], tuple[str, ...]]
"""Reads a file with an entry a line; raises ValueError with what is wrong with it."""

EnterTokens = Callable[[TokenDigests], None]
"""Puts tokens into force."""


class Kept(Protocol):
    """Where the last good version is kept for whoever is started next."""

    def read(self) -> bytes | None:
        """What is kept; None where nothing is."""

    def write(self, content: bytes) -> None:
        """Keep this instead."""


class NoTokensError(Exception):
    """Nobody knows who may ask: a file of tokens cannot be used, and nothing is kept of what it was."""


class TokenFiles:
    """The tokens of one process. Implements `service.application.rotation.RotatingPart`."""

    def __init__(
        self,
        paths: Mapping[TokenKind, Path],
        fixed: Mapping[TokenKind, tuple[bytes, ...]],
        read: ReadEntries,
        kept: Kept | None = None,
    ) -> None:
        """Look at the files for the first time; where one cannot be used, what is kept of it is in force.

        Args:
            paths: Where they are; at least one.
            fixed: Digests of the tokens that are in no file.
            read: Reads them.
            kept: Where the last good version is kept; None where nobody else would use it.

        Raises:
            NoTokensError: neither will do.
        """
        self._paths = dict(paths)
        self._fixed = dict(fixed)
        self._read = read
        self._kept = kept
        self._of_files = self._recall()
        self._enter: EnterTokens = _nobody
        self.first_look: Final = self._find()
        if self._of_files.keys() != self._paths.keys():
            problems = (f"{setting}: {problem}" for setting, problem in self.first_look.problems.items())
            raise NoTokensError("; ".join(problems))
        self._keep()

    def settings(self) -> tuple[str, ...]:
        """The settings that name its files."""
        return tuple(map(setting_of, self._paths))

    def tokens(self) -> TokenDigests:
        """All tokens, those included that are in no file."""
        return TokenDigests({**self._fixed, **self._of_files})

    def follow(self, enter: EnterTokens) -> None:
        """Say who is told of new tokens."""
        self._enter = enter

    def look(self) -> Look:
        """Read the files; what is new in them is in force afterwards, and so is what another worker found in them."""
        before = self._of_files
        self._of_files = before | self._recall()  # it may be gone from the files by now, and must not be undone here
        problems = self._find().problems
        taken = tuple(setting_of(kind) for kind, digests in self._of_files.items() if digests != before.get(kind))
        if taken:
            self._enter(self.tokens())
        self._keep()
        return Look(taken, problems)

    def _find(self) -> Look:
        """Take from the files what can be used."""
        problems: dict[str, str] = {}
        found = dict(self._of_files)
        for kind, path in self._paths.items():
            try:
                found[kind] = read_entries(self._read(path))
            except ValueError as error:
                problems[setting_of(kind)] = f"{path}: {error}"
        for kind, other, shared in self._clashes(found):
            where = setting_of(other) if other in self._paths else setting_of(other).removesuffix("_FILE")
            problems[setting_of(kind)] = f"{self._paths[kind]}: a token of it is one of {where} too"
            self._leave_out(found, kind, shared)
        taken = tuple(setting_of(kind) for kind in found if found[kind] != self._of_files.get(kind))
        self._of_files = found
        return Look(taken, problems)

    def _clashes(
        self, found: Mapping[TokenKind, tuple[bytes, ...]]
    ) -> tuple[tuple[TokenKind, TokenKind, frozenset[bytes]], ...]:
        """Kinds whose file brings tokens that are of another kind too: which kind, and which tokens."""
        together = {**self._fixed, **found}
        clashes: list[tuple[TokenKind, TokenKind, frozenset[bytes]]] = []
        for kind, other in permutations(together, 2):
            brought = frozenset(found.get(kind, ())).difference(self._of_files.get(kind, ()))
            if shared := brought.intersection(together[other]):
                clashes.append((kind, other, shared))
        return tuple(clashes)

    def _leave_out(self, found: dict[TokenKind, tuple[bytes, ...]], kind: TokenKind, shared: frozenset[bytes]) -> None:
        """Take the rest of a file; nothing of the first one, for which nobody knows what was meant."""
        if kind not in self._of_files:
            found.pop(kind, None)
        else:
            rest = tuple(digest for digest in found[kind] if digest not in shared)
            found[kind] = rest or (digest_of_nobody(kind),)

    def _keep(self) -> None:
        if self._kept is None:
            return
        digests = {kind.value: [digest.hex() for digest in digests] for kind, digests in self._of_files.items()}
        content = json.dumps({"paths": self._names(), "digests": digests}).encode()
        if self._kept.read() != content:
            self._kept.write(content)

    def _recall(self) -> dict[TokenKind, tuple[bytes, ...]]:
        """What is kept of the same files, if anything."""
        content = None if self._kept is None else self._kept.read()
        document = None if content is None else json.loads(content)
        if document is None or document["paths"] != self._names():
            return {}
        return {TokenKind(kind): tuple(map(bytes.fromhex, given)) for kind, given in document["digests"].items()}

    def _names(self) -> dict[str, str]:
        return {kind.value: str(path) for kind, path in self._paths.items()}


def setting_of(kind: TokenKind) -> str:
    """The setting that names the file of a kind."""
    return f"REVET_{kind.value.upper()}_FILE"


def _nobody(_tokens: TokenDigests) -> None:
    """Is told before anybody follows."""
