"""The authorizer and the sidecar, which are no part of the package: in a checkout beside it, in a wheel within it.

A wheel is built with copies of them (`force-include` in pyproject.toml), which go first: beside an installed package is
what others have installed. In a checkout there are no copies.
"""

from pathlib import Path
from typing import Final

from service.demo.errors import UsageError

AUTHORIZER: Final = Path("authorizer", "lambda_function.py")
SIDECAR_ENTRYPOINT: Final = Path("sidecar", "entrypoint")

_PACKAGE: Final = Path(__file__).parents[1]
_PLACES: Final = (_PACKAGE / "demo" / "shipped", _PACKAGE.parent)


def shipped_file(name: Path, places: tuple[Path, ...] = _PLACES) -> Path:
    """Where a file is.

    Args:
        name: As the repository has it.
        places: Where to look; the first one that has it counts.

    Raises:
        UsageError: it is nowhere.
    """
    for place in places:
        if (place / name).is_file():
            return place / name
    looked = " and ".join(map(str, places))
    raise UsageError(f"{name} is not there (looked in {looked}): this installation of revet is incomplete")
