"""A certificate authority run by the `openssl` command line: `openssl ca`, its index, its CRLs, its OCSP responder."""

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tests.ports import free_port

_CONFIG: Final = """
[ca]
default_ca = own
[own]
dir = {directory}
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 30
unique_subject = no
policy = anything
[anything]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = OpenSSL CA
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[by_crl]
crlDistributionPoints = URI:{crl_url}
extendedKeyUsage = clientAuth
[by_ocsp]
authorityInfoAccess = OCSP;URI:{ocsp_url}
extendedKeyUsage = clientAuth
[responder]
extendedKeyUsage = OCSPSigning
keyUsage = digitalSignature
noCheck = yes
"""

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class OpensslCa:
    """A CA in a directory.

    Attributes:
        ocsp_port: Where its responder answers while it runs.
    """

    directory: Path
    ocsp_port: int

    @property
    def certificate(self) -> Path:
        """The CA's certificate."""
        return self.directory / "ca.pem"

    def issue(self, name: str, extensions: str) -> str:
        """Issue a certificate and give its PEM.

        Args:
            name: Its common name.
            extensions: Section of the configuration: `by_crl`, `by_ocsp`.
        """
        request, certificate = self.directory / f"{name}.csr", self.directory / f"{name}.pem"
        self._run("req", "-new", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", str(request))
        self._run("ca", "-batch", "-notext", "-extensions", extensions, "-in", str(request), "-out", str(certificate))
        return certificate.read_text()

    def make_stranger(self, name: str) -> Path:
        """Make a certificate that this CA has not issued, with its key, and give its place."""
        certificate = f"{name}.pem"
        self._run("req", "-x509", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", certificate)
        return self.directory / certificate

    def revoke(self, name: str) -> None:
        """Put a certificate on the list of revoked ones; who reads CRLs learns it from the next one."""
        self._run("ca", "-revoke", f"{name}.pem", "-crl_reason", "keyCompromise")

    def publish_crl(self, seconds: int) -> None:
        """Issue the next CRL, good for so many seconds."""
        self._run("ca", "-gencrl", "-crlsec", str(seconds), "-out", "new.pem")
        self._run("crl", "-in", "new.pem", "-outform", "DER", "-out", "new.crl", configured=False)
        (self.directory / "new.crl").rename(self.directory / "www" / "ca.crl")

    @contextlib.contextmanager
    def responding(self, signer: str = "responder") -> Iterator[None]:
        """Run `openssl ocsp` while the block lasts; it answers from the index, which it reads again when it changes.

        Args:
            signer: Whose certificate and key sign the answers.
        """
        files = ("-index", "index.txt", "-CA", "ca.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key")
        command = ["openssl", "ocsp", "-port", str(self.ocsp_port), "-ignore_err", "-timeout", "1", *files]
        # Its own word is waited for: a connection without a request, made to see if it listens, blocks it for good.
        process = subprocess.Popen(command, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            assert process.stdout is not None
            while b"waiting for OCSP client connections" not in (line := process.stdout.readline()):
                assert line, "the responder has ended"
            yield
        finally:
            process.kill()
            process.communicate()

    def _run(self, command: str, *arguments: str, configured: bool = True) -> None:
        config = ("-config", "ca.cnf") if configured else ()
        done = subprocess.run(
            ["openssl", command, *config, *arguments], cwd=self.directory, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def make(self, crl_url: str) -> None:
        """Make the CA: configuration, key, certificate, responder."""
        ocsp_url = f"http://127.0.0.1:{self.ocsp_port}"
        config = _CONFIG.format(directory=self.directory, crl_url=crl_url, ocsp_url=ocsp_url)
        (self.directory / "ca.cnf").write_text(config)
        (self.directory / "index.txt").touch()
        (self.directory / "serial").write_text("1000\n")
        (self.directory / "crlnumber").write_text("01\n")
        self._run(
            "req", "-x509", *_KEY, "-days", "30", "-extensions", "authority", "-keyout", "ca.key", "-out", "ca.pem"
        )
        self.issue("responder", "responder")


@contextlib.contextmanager
def openssl_ca(directory: Path) -> Iterator[OpensslCa]:
    """A CA whose CRLs are served over HTTP while the block lasts."""
    (directory / "www").mkdir(parents=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory / "www")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        ca = OpensslCa(directory, free_port())
        ca.make(f"http://127.0.0.1:{server.server_address[1]}/ca.crl")
        yield ca
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
