"""Who may ask, and TLS."""

from pydantic import BaseModel

from service.settings.shown import DOCUMENTED
from service.settings.values import RotatingFile, Tokens


class Access(BaseModel):
    """Who may ask, and TLS."""

    model_config = DOCUMENTED

    api_tokens: Tokens = ()
    """Bearer tokens of callers."""
    api_tokens_file: RotatingFile | None = None
    """The same, one a line."""
    admin_tokens: Tokens = ()
    """Bearer tokens of administrators; each is a caller's token as well."""
    admin_tokens_file: RotatingFile | None = None
    """The same, one a line."""
    shadow_tokens: Tokens = ()
    """Bearer tokens of callers who are answered [in shadow](revocation.md#shadow-mode); each is a caller's token as
    well."""
    shadow_tokens_file: RotatingFile | None = None
    """The same, one a line."""
    tls_cert: RotatingFile | None = None
    """Serve HTTPS on the main port with this certificate (PEM) and the intermediates after it."""
    tls_key: RotatingFile | None = None
    """Its private key (PEM), without a passphrase."""
    tls_client_ca: RotatingFile | None = None
    """Callers must present a certificate that one of these issued."""
