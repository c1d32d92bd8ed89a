"""A certificate with its key, and a file of authorities, as OpenSSL takes them; and why it does not, in words.

Rules it keeps: no passphrase is asked for at the terminal; a reason repeats nothing of what is in the files.

What it does not do: say what is spoken with them, or whose certificates are believed.
"""

import ssl
from os import PathLike
from typing import TypeAlias

File: TypeAlias = str | PathLike[str]


class TlsMaterialError(ValueError):
    """No connection can be made with it. The text repeats nothing of what was given."""


def load_pair(context: ssl.SSLContext, certificate: File, key: File) -> None:
    """Have a context say who we are.

    Args:
        context: Which.
        certificate: A file of PEM, with the intermediates after it.
        key: A file of PEM, without a passphrase.

    Raises:
        TlsMaterialError: they cannot be read, or not be used together.
    """
    try:
        # An empty passphrase, or OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise TlsMaterialError(_reason(error)) from None


def load_authorities(context: ssl.SSLContext, file: File) -> None:
    """Have a context believe the authorities of a file of PEM.

    Raises:
        TlsMaterialError: it cannot be read, or has none.
    """
    try:
        context.load_verify_locations(file)
    except (OSError, ValueError) as error:
        raise TlsMaterialError(_reason(error)) from None


def _reason(error: OSError | ValueError) -> str:
    match error:
        case ssl.SSLError(reason=str(reason)) if reason:
            return reason.lower().replace("_", " ")
        case _:
            return "not PEM, or protected by a passphrase"
