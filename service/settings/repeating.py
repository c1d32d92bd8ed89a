"""What a message may repeat of a value that was given.

Rules it keeps: nothing of a secret; of the file of a secret its path, if it is plainly one, for the secret itself is
put there by mistake; of any other value nothing that is no single line of text, that has PEM in it, or that is longer
than a path: a whole file was put where its name belongs.

What it does not do: know passwords in URLs, which whoever writes the message leaves out (`loading`).
"""

from pathlib import Path
from typing import Final

MAX_SHOWN: Final = 4096
"""Characters of what is repeated: as many as a path can have on Linux (PATH_MAX)."""

SECRETS_OF_FILES: Final = ("api_tokens", "admin_tokens", "shadow_tokens", "fleet_key", "redis_url")
"""The settings that are secrets; each can come out of a file as well."""

SECRETS: Final = frozenset(SECRETS_OF_FILES)
"""The settings whose values no message repeats."""

FILES_OF_SECRETS: Final = frozenset({*(f"{name}_file" for name in SECRETS_OF_FILES), "tls_key", "redis_client_key"})
"""The settings that name the file of a secret."""

PEM: Final = "-----BEGIN"
"""What a block of PEM begins with."""

NOT_A_LINE: Final = " (not shown, since it is no short line of text)"

NOT_A_PATH: Final = (
    " (not shown, it may be the secret itself: no file, and no absolute path into a directory that is there)"
)


def hidden(field: str, value: object) -> str | None:
    """Say why a value is not repeated; None where it may be, an empty text where nothing is to be said of it.

    Args:
        field: The setting.
        value: As it was given; or the path that was made of it.
    """
    if field in SECRETS:
        return ""
    if field in FILES_OF_SECRETS:
        return None if isinstance(value, str | Path) and _is_plainly_a_path(str(value)) else NOT_A_PATH
    return None if is_line(str(value)) else NOT_A_LINE


def is_line(text: str) -> bool:
    """Whether a text can be shown: one line, no longer than a path, without PEM; escaped ends of lines end it too."""
    return len(text) <= MAX_SHOWN and text.isprintable() and "\\n" not in text and PEM not in text


def _is_plainly_a_path(text: str) -> bool:
    """Whether there is such a file, or a directory for it: one in 64 tokens begins with a slash, as paths do."""
    if not is_line(text):
        return False
    path = Path(text)
    try:
        # Not the root: what has no second slash in it is below that, whatever it is.
        if path.is_absolute() and path.parent.is_dir() and len(path.parent.resolve().parts) > 1:
            return True
        return path.is_file()
    except OSError:
        return False
