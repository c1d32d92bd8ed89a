"""The settings, a class for each section of `docs/settings.md`, whose tables are made from them."""
