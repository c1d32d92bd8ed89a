"""Whom to trust."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.settings.places import TrustStorePlace
from service.settings.shown import DOCUMENTED
from service.settings.values import ReadableDirectory, ReadableList, Seconds

MAX_TRUST_STORE_POLL_S: Final = 86_400
"""A day: an anchor that was taken away must not stay trusted for longer."""


class TrustStores(BaseModel):
    """Whom to trust."""

    model_config = DOCUMENTED

    trust_store: TrustStorePlace | None = None
    """The trust store called `default`: a PEM file, a directory of `.pem`, `.crt`, `.cer` and `.der` files that are
    one store together, an object in S3, or what a web server gives; with `#sha256=` only that and nothing else."""
    trust_store_dir: ReadableDirectory | None = None
    """Every `NAME.pem` in it is a trust store called NAME: a letter or digit, then letters, digits, dots, underscores
    and hyphens, 64 at most."""
    intermediates: ReadableList = ()
    """Certificates that are intermediates in every trust store, never anchors."""
    trust_store_poll_s: Annotated[Seconds, Field(ge=1, le=MAX_TRUST_STORE_POLL_S)] = 30.0
    """How often a trust store that is no file is looked at for a change."""
