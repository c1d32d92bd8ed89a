"""The settings of the service: typed, frozen, and cross-checked before anything starts.

`load_settings` is the way to have them. Only the composition root and the commands read them: everything else is given
the values that it needs.
"""

from service.settings.errors import SettingsError
from service.settings.loading import load_settings
from service.settings.model import Settings

__all__ = ["Settings", "SettingsError", "load_settings"]
