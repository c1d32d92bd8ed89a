"""Settings of TLS that nginx could not work with: addresses where it compares names, and keys with a passphrase."""

from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.sidecar.material import Pair
from tests.sidecar.test_entrypoint import refused, run

# --- addresses where nginx compares names ----------------------------------------------------------------------------

TLS_TO_ADDRESSES: Final = {
    "REVET_URL": ("https://{}:8443", "REVET_SIDECAR_REVET_NAME"),
    "REVET_SIDECAR_UPSTREAM": ("https://{}", "REVET_SIDECAR_UPSTREAM_NAME"),
    "REVET_SIDECAR_GRPC_UPSTREAM": ("grpcs://{}:50051", "REVET_SIDECAR_UPSTREAM_NAME"),
    "REVET_SIDECAR_READY_URL": ("https://{}:9090/readyz", None),
}
"""Settings with URLs over TLS, and where the name that is compared can be set."""


@pytest.mark.parametrize("setting", TLS_TO_ADDRESSES)
def test_an_ipv6_address_without_a_name(nlb: dict[str, str], setting: str) -> None:
    """It matches no certificate at all: refused, with what to give instead."""
    url, name = TLS_TO_ADDRESSES[setting]
    environment = {**nlb, setting: url.format("[::1]")}
    refused(environment, setting)
    assert (name or "put a DNS name") in run(environment, "--print").stderr


@pytest.mark.parametrize("setting", TLS_TO_ADDRESSES)
def test_an_ipv4_address_without_a_name(nlb: dict[str, str], setting: str) -> None:
    """It matches some certificates: one line says which do not, and what to give then."""
    url, name = TLS_TO_ADDRESSES[setting]
    ended = run({**nlb, setting: url.format("192.0.2.7")}, "--print")
    (line,) = ended.stderr.splitlines()
    assert (0, f"revet-sidecar: {setting}") == (ended.returncode, line.partition(": has an IP address")[0])
    assert (name or "put a DNS name") in line


@pytest.mark.parametrize("setting", TLS_TO_ADDRESSES)
@pytest.mark.parametrize("host", ["192.0.2.7", "[2001:db8::7]", "revet.example.com"])
def test_an_address_with_a_name(nlb: dict[str, str], setting: str, host: str) -> None:
    """Nothing to say: the name is what is compared. Neither is there where TLS is not spoken, or the host is a name."""
    url, name = TLS_TO_ADDRESSES[setting]
    plain = run({**nlb, setting: url.replace("s://", "://").format(host)}, "--print")
    assert (0, "") == (plain.returncode, plain.stderr)
    if name is not None:
        named = run({**nlb, setting: url.format(host), name: "inside.example"}, "--print")
        assert (0, "", True) == (named.returncode, named.stderr, "_ssl_name inside.example;" in named.stdout)
    elif host == "revet.example.com":
        assert "" == run({**nlb, setting: url.format(host)}, "--print").stderr


# --- keys with a passphrase ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("setting", ["REVET_SIDECAR_TLS_KEY", "REVET_CLIENT_KEY"])
def test_a_key_with_a_passphrase(
    nlb: dict[str, str], server: Pair, tmp_path: Path, setting: str, form: PrivateFormat
) -> None:
    """Refused by name, in either form; whatever stands before it in the file."""
    with_tls = {"REVET_URL": "https://revet.example.com", "REVET_CLIENT_CERT": str(server.certificate)}
    environment = {**nlb, **with_tls, "REVET_CLIENT_KEY": str(server.key)}
    assert (0, "") == ((ended := run(environment, "--print")).returncode, ended.stderr)
    key = load_pem_private_key(server.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"passphrase"))
    file = tmp_path / "locked.key"
    for before in (b"", server.certificate.read_bytes()):
        file.write_bytes(before + locked)
        refused({**environment, setting: str(file)}, setting)
    # What follows the first key is not read.
    file.write_bytes(server.key.read_bytes() + locked)
    assert 0 == run({**environment, setting: str(file)}, "--print").returncode
