"""The one error of the settings."""


class SettingsError(Exception):
    """The service cannot start with these settings.

    Attributes:
        problems: Everything that is wrong, each a sentence that names the setting; never a secret.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep the problems, of which there is at least one."""
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join((f"{count} with the settings:", *(f"- {problem}" for problem in problems))))
        self.problems = problems
