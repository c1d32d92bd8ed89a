"""What the documentation of the settings says beyond types, bounds and defaults.

The docstring of a field is its text in `docs/settings.md`, in Markdown: links in it are relative to `docs/`.
"""

from dataclasses import dataclass
from typing import Final

from pydantic import ConfigDict

DOCUMENTED: Final = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
"""Of the classes that settings stand in: the docstrings of their fields are read."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Words of the reference for what cannot be told from a type.

    Attributes:
        values: What may be given, where it is neither a number, a word out of a few, nor true or false.
        default: What holds where nothing is given, if that depends on the machine.
    """

    values: str = ""
    default: str = ""
