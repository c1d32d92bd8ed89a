"""What is called what in the store's directory."""

from typing import Final

HOT: Final = "hot"
"""The hot environment: small rows."""

GENERATIONS: Final = "generations"
"""The entries of each CRL held, a file each."""

BUILDING: Final = "building"
"""What is not finished."""
