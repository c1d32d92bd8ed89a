"""How large things may be."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.shown import DOCUMENTED
from service.settings.values import Whole

MIB: Final = 2**20

MAX_REQUEST_BYTES: Final = 64 * MIB
"""Of one request: a body is held in memory, and one of these is two of the longest CRLs that anybody sends inline."""

MAX_BATCH_BYTES: Final = 256 * MIB
"""Of one batch, which is held in memory too."""

MAX_INTERMEDIATES: Final = 1_000
"""Of one request: path building has a budget, but reading a certificate costs 50 µs whether it is needed or not."""

MAX_CRL_BYTES: Final = 1_024 * MIB
"""Of one CRL: the default has room for three million entries, this for over twenty million."""


class Sizes(BaseModel):
    """How large things may be."""

    model_config = DOCUMENTED

    max_request_bytes: Annotated[Whole, Field(ge=1, le=MAX_REQUEST_BYTES)] = MIB
    """Body of one request (1 MiB)."""
    max_batch_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 8 * MIB
    """Body of one batch (8 MiB)."""
    max_intermediates: Annotated[Whole, Field(ge=0, le=MAX_INTERMEDIATES)] = 100
    """Certificates that one request may bring besides the leaf."""
    # Above every limit of the peers: Snowflake's drivers 20 MB, notation 32 MiB, ALB trust stores 50 MB.
    max_crl_bytes: Annotated[Whole, Field(ge=1, le=MAX_CRL_BYTES)] = 128 * MIB
    """One CRL, before and after decompression (128 MiB)."""
