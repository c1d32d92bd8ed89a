"""Values that turn everything on that can stand side by side."""

from typing import Any, Final

PEM: Final = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"

CALLER: Final = "canary-token-of-a-caller"
ADMINISTRATOR: Final = "canary-token-of-an-administrator"
SHADOWED: Final = "canary-token-of-a-caller-in-shadow"
FLEET_KEY: Final = "canary-key-of-the-fleet"
REDIS_PASSWORD: Final = "CanaryPasswordOfRedis"
REDIS_URL: Final = "rediss://revet:canary-password@redis.corp.example:6380/0"

SECRETS: Final = (CALLER, ADMINISTRATOR, SHADOWED, FLEET_KEY, REDIS_PASSWORD, "canary-password")

EVERYTHING: Final[dict[str, Any]] = {
    "trustStore": {"pem": PEM},
    "trustStores": {"devices": {"pem": PEM}, "partners": {"configMap": {"name": "partners", "key": "cas.pem"}}},
    "intermediates": {"pem": PEM},
    "settings": {"workers": 2, "crl_sources": ["https://crl.corp.example/"]},
    "tokens": {
        "api": {"values": [CALLER]},
        "admin": {"values": [ADMINISTRATOR]},
        "shadow": {"values": [SHADOWED]},
    },
    "fleetKey": {"values": [FLEET_KEY]},
    "redis": {"mode": "bundled", "bundled": {"password": REDIS_PASSWORD}},
    "fetcher": {"enabled": True},
    "tls": {
        "certManager": {"enabled": True, "issuerRef": {"name": "corporate"}},
        "clientCa": {"configMap": {"name": "callers"}},
    },
    "ingress": {"enabled": True, "hosts": [{"host": "revet.example", "paths": [{"path": "/", "pathType": "Prefix"}]}]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
    "autoscaling": {"enabled": True},
    "test": {"clientCertificate": {"existingSecret": "caller-tls"}},
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
    },
}

EXTERNAL_REDIS: Final[dict[str, Any]] = {
    **EVERYTHING,
    "redis": {"mode": "external", "external": {"url": REDIS_URL, "ca": {"pem": PEM}}},
}
