"""What a front hands over, and what is no such thing."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificates of one client, as text that `application.submission` reads.

    Attributes:
        certificate: PEM (the leaf first, then any intermediates) or base64 of the leaf's DER.
        intermediates: More, each PEM or base64 of DER.
    """

    certificate: str = field(repr=False)
    intermediates: tuple[str, ...] = field(default=(), repr=False)


class HeaderError(ValueError):
    """A header that cannot be understood, or that is there twice (a 400).

    Attributes:
        reason: What is wrong, for a person; never quotes the header's value.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
