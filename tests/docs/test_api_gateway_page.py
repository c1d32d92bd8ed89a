"""What `docs/api-gateway.md` says of answers, settings and commands is so."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from service.demo.gateway.model import Kind
from service.demo.gateway.parameters import IDENTITY, set_headers
from service.demo.gateway.replies import Refusal, refusal
from tests.adapters.s3.bucket import Bucket
from tests.docs.pages import ROOT, blocks, page
from tests.e2e.front_doors.openapi import authorizer_of, template
from tests.e2e.front_doors.private_ca import Crls, PrivateCa, crl_settings, distribution, export

PAGE: Final = page("api-gateway.md")


@pytest.mark.parametrize("why", [one for one in Refusal if one not in {Refusal.NO_RESOURCE, Refusal.TOO_LARGE}])
def test_refusals(why: Refusal) -> None:
    """Each of a REST API's refusals has its status and its message on the page; an integration's, its status."""
    reply = refusal(Kind.REST, why)

    assert f" {reply.status}" in PAGE
    said = reply.body.decode()
    message = re.sub(r'.*: ?"?([^"}]*)"?}', r"\1", said)
    assert said in PAGE or message in PAGE or why is Refusal.INTEGRATION_FAILED


def test_settings_exist() -> None:
    """Every setting that is named is one of the service or of the authorizer."""
    named = set(re.findall(r"REVET_[A-Z0-9_]+", PAGE))
    known = page("settings.md") + (ROOT / "authorizer" / "lambda_function.py").read_text()

    assert set() == {one for one in named if one not in known}


def test_identity_sources_are_those_of_the_template() -> None:
    """The REST API's is the template's, and so is the time to live."""
    settings = authorizer_of(template())
    (source,) = settings.identity_sources

    assert f"| REST | `{source}` |" in PAGE
    assert f"| HTTP | `${source}` |" in PAGE
    assert f"the template below has {settings.result_ttl_s:.0f} s" in PAGE


def test_headers_are_those_of_the_template() -> None:
    """Row by row for a REST API; and an HTTP API's file sets the same headers to the same."""
    (identity,) = (json.loads(one) for one in blocks(PAGE, "json") if "overwrite:header." in one)

    assert set_headers(IDENTITY) == set_headers(identity)
    assert [(one.name, f"context.authorizer.{one.key}") for one in set_headers(IDENTITY)] == re.findall(
        r"^\| `(X-Revet-[A-Za-z-]+)` \| `([a-z0-9_.]+)` \|", PAGE, re.MULTILINE
    )


def test_the_passphrase_is_taken_away(tmp_path: Path) -> None:
    """The command for OpenSSL does what it says with a key as ACM exports it."""
    bucket = Bucket("example-bucket", "", None)
    root = PrivateCa.root("example.com", bucket, Crls.WHOLE)
    made = export(root.request("private.example.com"), [root], tmp_path / "export")
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith(("printf", "openssl"))]
    assert 2 == len(commands)

    subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=made.private.parent, check=True, capture_output=True)

    plain = (made.private.parent / "nonpw_private.pem").read_text()
    assert plain.startswith("-----BEGIN PRIVATE KEY-----")


def test_the_settings_for_crls_are_those_of_the_tests() -> None:
    """What the page has for AWS Private CA is what the tests of the architectures run with."""
    bucket = Bucket("example-bucket", "", None)

    for name, value in crl_settings(bucket).items():
        assert f"export {name}={value}\n" in PAGE
    assert distribution(bucket) in PAGE
