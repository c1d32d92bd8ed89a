"""The one error of every reader in `core/der`."""


class MalformedError(ValueError):
    """The octets are not what they should be.

    Attributes:
        reason: What is wrong, for a person; never quotes the input.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
