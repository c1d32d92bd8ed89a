"""The `openssl` command line as a foreign judge of what the builders made.

Rules: it is run with a fixed moment and at security level 0, which lets SHA-1 and small
keys through: the builder is on trial, not a policy. What it says comes back as one line of
text with single spaces, so that versions which indent otherwise read the same.
"""

import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.pki.authority import Authority, bundle
from tests.pki.certificate import Issued
from tests.pki.moments import NOW
from tests.pki.pem import pem

AT_NOW: Final = ("-attime", str(int(NOW.timestamp())), "-auth_level", "0")

# `openssl ocsp` holds the times of an answer against the wall clock; a tolerance of a century lets it judge any.
_ANY_DAY: Final = ("-validity_period", str(100 * 365 * 86400))


def openssl(*arguments: str | Path) -> str:
    """Everything that one run of `openssl` says, on one line with single spaces."""
    command = ["openssl", *map(str, arguments)]
    run = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return " ".join(run.stdout.decode(errors="replace").split())


class Desk:
    """A directory for the files of one test, and `openssl` to look at them."""

    def __init__(self, directory: Path) -> None:
        """Files go to `directory`."""
        self._directory = directory

    def put(self, data: str | bytes) -> Path:
        """A file with this content."""
        raw = data.encode() if isinstance(data, str) else data
        path = self._directory / sha256(raw).hexdigest()[:16]
        path.write_bytes(raw)
        return path

    def verify(
        self, leaf: Issued, *path: Authority, crls: tuple[bytes, ...] = (), options: tuple[str, ...] = ()
    ) -> str:
        """What `openssl verify` says of a leaf; `path` ends with the trusted root."""
        *between, root = path
        files: list[str | Path] = ["-CAfile", self.put(root.pem)]
        if between:
            files += ["-untrusted", self.put(bundle(between))]
        if crls:
            files += ["-crl_check", "-CRLfile", self.put("".join(pem(crl, "X509 CRL") for crl in crls))]
        return openssl("verify", *AT_NOW, *options, *files, self.put(leaf.pem))

    def certificate(self, issued: Issued) -> str:
        """A certificate in words."""
        return openssl("x509", "-noout", "-text", "-inform", "DER", "-in", self.put(issued.der))

    def crl(self, crl: bytes, issuer: Authority) -> str:
        """Whether a CRL's signature is the issuer's, and the CRL in words."""
        signer = self.put(issuer.pem)
        return openssl("crl", "-noout", "-text", "-inform", "DER", "-in", self.put(crl), "-CAfile", signer)

    def ocsp(self, answer: bytes, root: Authority, issuer: Authority, *subjects: Issued) -> str:
        """What `openssl ocsp` says of an answer about these subjects, and the answer in words."""
        options: list[str | Path] = [*AT_NOW, *_ANY_DAY, "-resp_text", "-no_nonce", "-respin", self.put(answer)]
        options += ["-CAfile", self.put(root.pem), "-issuer", self.put(issuer.pem)]
        # An authority that signs itself does not send its own certificate along.
        options += ["-verify_other", self.put(issuer.pem)]
        for subject in subjects:
            options += ["-cert", self.put(subject.pem)]
        return openssl("ocsp", *options)
