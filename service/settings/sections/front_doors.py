"""What proxies hand over."""

from pydantic import BaseModel

from service.application.fronts import Front
from service.settings.shown import DOCUMENTED
from service.settings.values import Fronts, HeaderName


class FrontDoors(BaseModel):
    """What proxies hand over."""

    model_config = DOCUMENTED

    authorize_fronts: Fronts = tuple(Front)
    """Who may ask: fronts that are not named are answered with 404. Name the one that you use, where a proxy in
    between may resolve `..` in paths."""
    authorize_header_alb_passthrough: HeaderName = "X-Amzn-Mtls-Clientcert"
    """Where the front `alb-passthrough` hands certificates over."""
    authorize_header_alb_verify: HeaderName = "X-Amzn-Mtls-Clientcert-Leaf"
    """That of `alb-verify`."""
    authorize_header_nginx: HeaderName = "X-SSL-Client-Cert"
    """That of `nginx`."""
    authorize_header_envoy: HeaderName = "X-Forwarded-Client-Cert"
    """That of `envoy`."""
    authorize_header_traefik: HeaderName = "X-Forwarded-Tls-Client-Cert"
    """That of `traefik`."""
    authorize_header_rfc9440: HeaderName = "Client-Cert"
    """That of `rfc9440`."""
    authorize_header_rfc9440_chain: HeaderName = "Client-Cert-Chain"
    """The one beside it, with the intermediates."""
