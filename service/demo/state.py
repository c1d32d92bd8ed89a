"""The file that tells whether a demonstration's PKI is complete, and which ports its certificates name.

It is the first file that is written and the last one that is changed: what was interrupted is known by it.
"""

import json
from pathlib import Path
from typing import Any, Final

from service.demo.errors import NoPkiError, UnusablePkiError
from service.demo.files import write_atomically
from service.demo.ports import Ports

FORMAT: Final = 2
"""Changes with what the PKI consists of, and with what the service keeps beside it; one of another format is made anew.
"""


def write_unfinished(path: Path) -> None:
    """Write that a PKI is being made.

    Raises:
        OSError: it could not be written.
    """
    _write(path, {"format": FORMAT, "complete": False})


def write_complete(path: Path, ports: Ports) -> None:
    """Write that the PKI is complete.

    Raises:
        OSError: it could not be written.
    """
    _write(path, {"format": FORMAT, "complete": True, "ports": {"crl": ports.crl, "ocsp": ports.ocsp}})


def read_ports(path: Path) -> Ports:
    """The ports of a complete PKI.

    Raises:
        NoPkiError: there is no such file.
        UnusablePkiError: it does not tell of a complete PKI of this version's format.
        OSError: it cannot be read.
    """
    try:
        state = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NoPkiError("there was none") from None
    except ValueError:
        raise UnusablePkiError(f"{path} is damaged") from None
    match state:
        case {"format": int(number)} if number != FORMAT:
            raise UnusablePkiError("another version made it")
        case {"complete": True, "ports": {"crl": int(crl), "ocsp": int(ocsp)}}:
            return Ports(crl, ocsp)
        case {"complete": False}:
            raise UnusablePkiError("its making was interrupted")
        case _:
            raise UnusablePkiError(f"{path} is damaged")


def _write(path: Path, state: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(state, indent=2) + "\n").encode())
