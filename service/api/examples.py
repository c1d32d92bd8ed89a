"""Requests and answers for the documentation, as the service gave them; a test asks for them again."""

from typing import Any, Final

_DEVICE = (
    "-----BEGIN CERTIFICATE-----\n"
    "MIICCzCCAbGgAwIBAgIDXu0BMAoGCCqGSM49BAMCMCwxEDAOBgNVBAoMB0V4YW1w\n"
    "bGUxGDAWBgNVBAMMD0V4YW1wbGUgSXNzdWluZzAeFw0yNTEyMDIwMDAwMDBaFw0y\n"
    "NzAxMDEwMDAwMDBaMCUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCGRldmlj\n"
    "ZS0xMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEq1gTilFoWNstJ9GHEHtrOZJ3\n"
    "Sx3UTqHXFW+x3u8/XGRr+HzTm3AopSktn6IruBwQtQbl6O0NmgQc5ldXW9eSrqOB\n"
    "yDCBxTAdBgNVHQ4EFgQUSlijzRDzUl5+Y8zPQZLHD9z4JCYwHwYDVR0jBBgwFoAU\n"
    "eGRpSuzmP4NafsElvQLQsiTAH4swDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMC\n"
    "B4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHwYDVR0RBBgwFoYUdXJuOmV4YW1wbGU6\n"
    "ZGV2aWNlOjEwLwYDVR0fBCgwJjAkoCKgIIYeaHR0cDovL2NybC5leGFtcGxlL2lz\n"
    "c3VpbmcuY3JsMAoGCCqGSM49BAMCA0gAMEUCIEdjKyd4/C8AyVwVZ+hA0u9yZZki\n"
    "4pH57egPPvyVVk0HAiEAg2mQSSlP0HvyEE/z0OedUuwshKg+5QdTlsmCU1bg+mc=\n"
    "-----END CERTIFICATE-----\n"
)

_ISSUING = (
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB4jCCAYigAwIBAgIJAJUQd+66icVMMAoGCCqGSM49BAMCMCkxEDAOBgNVBAoM\n"
    "B0V4YW1wbGUxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAeFw0yNTEyMDIwMDAwMDBa\n"
    "Fw0yNzAxMDEwMDAwMDBaMCwxEDAOBgNVBAoMB0V4YW1wbGUxGDAWBgNVBAMMD0V4\n"
    "YW1wbGUgSXNzdWluZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFyUMjpFanvO\n"
    "jvdsfP6awgPNkeDhp1ggx9a6fwkVr3w40Cx8MYzjpov8gsNmZtoDAes8Lfb3FRSd\n"
    "SY+G4BE4WzajgZUwgZIwHQYDVR0OBBYEFHhkaUrs5j+DWn7BJb0C0LIkwB+LMB8G\n"
    "A1UdIwQYMBaAFMuKjDEl1cTOgSghh+vJfNJopGY0MBIGA1UdEwEB/wQIMAYBAf8C\n"
    "AQAwDgYDVR0PAQH/BAQDAgEGMCwGA1UdHwQlMCMwIaAfoB2GG2h0dHA6Ly9jcmwu\n"
    "ZXhhbXBsZS9yb290LmNybDAKBggqhkjOPQQDAgNIADBFAiBNRVi2LfI6co47Bj16\n"
    "1ojrmr95NMWl0z8X8JHJo1A32AIhAKzDaFiRV8XyIDCLD46MY048lAqjMGpNech9\n"
    "L2aABfQk\n"
    "-----END CERTIFICATE-----\n"
)

REQUEST: Final[dict[str, Any]] = {"certificate": _DEVICE, "intermediates": [_ISSUING], "trust_store": "default"}
"""A client certificate and the authority that issued it."""

ALLOW: Final[dict[str, Any]] = {
    "decision": "allow",
    "status": "good",
    "code": "ok",
    "detail": "The certificate chains to a trust anchor and nothing in its path is revoked.",
    "decision_id": "019b76daa8006f1d2c3b4a5968778695",
    "checked_at": "2026-01-01T00:00:00Z",
    "valid_until": "2026-01-01T00:01:00Z",
    "serial_number": "5eed01",
    "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
    "subject": "CN=device-1,O=Example",
    "issuer": "CN=Example Issuing,O=Example",
    "sans": ["URI:urn:example:device:1"],
    "path": [
        {
            "subject": "CN=device-1,O=Example",
            "issuer": "CN=Example Issuing,O=Example",
            "serial_number": "5eed01",
            "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
            "not_after": "2027-01-01T00:00:00Z",
            "revocation": {
                "status": "good",
                "method": "crl",
                "source": "http://crl.example/issuing.crl",
                "this_update": "2025-12-31T23:00:00Z",
                "next_update": "2026-01-02T00:00:00Z",
                "revoked_at": None,
                "reason": None,
                "crl_number": 7,
                "tier": "host",
                "detail": "",
            },
        },
        {
            "subject": "CN=Example Issuing,O=Example",
            "issuer": "CN=Example Root,O=Example",
            "serial_number": "951077eeba89c54c",
            "fingerprint_sha256": "334d54743d616d10f3538416a0db91fef61de9ea95914d9417e6a9445df4611e",
            "not_after": "2027-01-01T00:00:00Z",
            "revocation": {
                "status": "good",
                "method": "crl",
                "source": "http://crl.example/root.crl",
                "this_update": "2025-12-31T23:00:00Z",
                "next_update": "2026-01-02T00:00:00Z",
                "revoked_at": None,
                "reason": None,
                "crl_number": 3,
                "tier": "host",
                "detail": "",
            },
        },
    ],
    "authorized_policies": [],
    "enforced": None,
    "cache": "miss",
}
"""It is good: the CRL that its certificate names does not list it."""

REVOKED: Final[dict[str, Any]] = {
    "decision": "deny",
    "status": "revoked",
    "code": "revoked",
    "detail": "CN=device-1,O=Example is revoked since 2025-12-31T00:00:00Z, reason keyCompromise.",
    "decision_id": "019b76daa8006f1d2c3b4a5968778695",
    "checked_at": "2026-01-01T00:00:00Z",
    "valid_until": "2026-01-01T00:01:00Z",
    "serial_number": "5eed01",
    "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
    "subject": "CN=device-1,O=Example",
    "issuer": "CN=Example Issuing,O=Example",
    "sans": ["URI:urn:example:device:1"],
    "path": [
        {
            "subject": "CN=device-1,O=Example",
            "issuer": "CN=Example Issuing,O=Example",
            "serial_number": "5eed01",
            "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
            "not_after": "2027-01-01T00:00:00Z",
            "revocation": {
                "status": "revoked",
                "method": "crl",
                "source": "http://crl.example/issuing.crl",
                "this_update": "2025-12-31T23:00:00Z",
                "next_update": "2026-01-02T00:00:00Z",
                "revoked_at": "2025-12-31T00:00:00Z",
                "reason": "keyCompromise",
                "crl_number": 7,
                "tier": "host",
                "detail": "",
            },
        },
        {
            "subject": "CN=Example Issuing,O=Example",
            "issuer": "CN=Example Root,O=Example",
            "serial_number": "951077eeba89c54c",
            "fingerprint_sha256": "334d54743d616d10f3538416a0db91fef61de9ea95914d9417e6a9445df4611e",
            "not_after": "2027-01-01T00:00:00Z",
            "revocation": {
                "status": "good",
                "method": "crl",
                "source": "http://crl.example/root.crl",
                "this_update": "2025-12-31T23:00:00Z",
                "next_update": "2026-01-02T00:00:00Z",
                "revoked_at": None,
                "reason": None,
                "crl_number": 3,
                "tier": "host",
                "detail": "",
            },
        },
    ],
    "authorized_policies": [],
    "enforced": None,
    "cache": "miss",
}
"""It is revoked."""

AUTHORIZED: Final[dict[str, Any]] = {
    field: ALLOW[field] for field in ("decision", "status", "code", "detail", "decision_id", "valid_until")
}
"""What a proxy is answered about the good one."""

NOT_AUTHORIZED: Final[dict[str, Any]] = {field: REVOKED[field] for field in AUTHORIZED}
"""What it is answered about the revoked one."""

READY: Final[dict[str, Any]] = {
    "status": "ready",
    "checks": {"trust_stores": {"ok": True, "detail": ""}, "store": {"ok": True, "detail": ""}},
}
"""Every check has passed."""

NOT_READY: Final[dict[str, Any]] = {
    "status": "not_ready",
    "checks": {
        "trust_stores": {"ok": False, "detail": "none is loaded"},
        "store": {"ok": True, "detail": ""},
    },
}
"""Not every check has ever passed."""

BLOCK_REQUEST: Final[dict[str, Any]] = {
    "issuer": "CN=Example Issuing,O=Example",
    "serial_number": "5E:ED:01",
    "reason": "Device stolen, ticket 4711",
    "until": "2026-02-01T00:00:00Z",
}
"""A certificate by its issuer and serial number."""

BLOCK_REQUEST_FINGERPRINT: Final[dict[str, Any]] = {
    "fingerprint_sha256": "67c1b2c75f258fb0b60b506d377159ecaefe9e5306f9e486ca286c490c225289",
    "reason": "Device stolen, ticket 4711",
}
"""A certificate by its fingerprint, for good."""

BLOCK: Final[dict[str, Any]] = {
    "id": "019b76daa8006f1d2c3b4a5968778695",
    "fingerprint_sha256": None,
    "spki_sha256": None,
    "issuer": "CN=Example Issuing,O=Example",
    "serial_number": "5eed01",
    "reason": "Device stolen, ticket 4711",
    "created_at": "2026-01-01T00:00:00Z",
    "created_by": "anonymous",
    "until": "2026-02-01T00:00:00Z",
    "in_force": True,
}
"""It is blocked."""

LOCAL_BLOCK: Final[dict[str, Any]] = {
    "type": "urn:revet:problem:block-is-local",
    "title": "It is done on this host alone",
    "status": 503,
    "detail": "It is durable, and in force here. The fleet's Redis could not be written: the other hosts hear of it "
    "when it can.",
    "local": True,
    "block_id": BLOCK["id"],
    "block": BLOCK,
}
"""It is blocked on one host."""
