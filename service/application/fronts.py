"""Who stands in front of the service: names that the interface, the settings and the metrics have in common."""

from enum import StrEnum


class Front(StrEnum):
    """Who stands in front, as `/v1/authorize/{front}` names it."""

    ALB_PASSTHROUGH = "alb-passthrough"
    """An Application Load Balancer in mutual TLS passthrough mode: the whole chain, which it has not looked at."""
    ALB_VERIFY = "alb-verify"
    """An Application Load Balancer in mutual TLS verify mode."""
    NGINX = "nginx"
    """nginx, with `$ssl_client_escaped_cert`."""
    ENVOY = "envoy"
    """Envoy, with X-Forwarded-Client-Cert."""
    TRAEFIK = "traefik"
    """Traefik, with passTLSClientCert."""
    RFC9440 = "rfc9440"
    """Whoever follows RFC 9440 (HAProxy and others can)."""
