"""Settings as the supervisor hands them to its children: those that were checked, and not the file they came from.

A file that is being edited, or gone, can hurt nobody: not a child that takes the place of a dead one either. They are
in memory that has no name (`KeptMemory`) and reach children as an open descriptor: secrets in them are on no disk and
in no environment. Whoever could hand a child something else could as well start another program in its place.
Tokens that are in files of their own are left out: they change by themselves, and whoever looks after that has them.

What it does not do: hand anything over between versions of the service. A child of another version than its supervisor
reads the settings where they stand.
"""

import pickle
import weakref
from collections.abc import Mapping
from typing import Final

from service.adapters.kept_memory import KeptMemory
from service.bootstrap.directories import VERSION
from service.processes.inheritance import inherited_descriptor
from service.settings import Settings, load_settings
from service.settings.contradictions import TOKENS
from service.settings.files import Files

SETTINGS: Final = "settings"
"""Name of the descriptor that they are in."""

_OURS: Final = f"{VERSION}\n".encode()
"""What they begin with."""


class HandedSettings:
    """Settings to hand over. Implements `HasDescriptor`; what they are in is gone with it."""

    def __init__(self, settings: Settings) -> None:
        """Write them down.

        Raises:
            OSError: no memory, or no descriptor.
        """
        self._memory = KeptMemory.make("revet-settings")
        weakref.finalize(self, self._memory.close)
        # The version by itself: what another one has pickled may not be there to be read.
        self._memory.write(_OURS + pickle.dumps(without_files(settings)))

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._memory.fileno()


def handed_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of a child.

    Raises:
        SettingsError: it was started by a supervisor of another version, and they are wrong where they stand.
    """
    fd = inherited_descriptor(SETTINGS, environ)
    if fd is None:
        return load_settings(None, environ, Files.LEFT_ALONE)
    memory = KeptMemory(fd)
    try:
        content = memory.read()
    finally:
        memory.close()
    if content is not None and content.startswith(_OURS):
        settings = pickle.loads(content[len(_OURS) :])  # noqa: S301 - from our own supervisor, see above
        if isinstance(settings, Settings):
            return settings
    return load_settings(None, environ, Files.LEFT_ALONE)


def without_files(settings: Settings) -> Settings:
    """The same without what was read out of files that are read again by themselves."""
    of_files = [field for field in TOKENS if getattr(settings, f"{field}_file") is not None]
    return settings.model_copy(update=dict.fromkeys(of_files, ()))
