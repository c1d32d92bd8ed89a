"""A stand-in for an Application Load Balancer whose listener has mutual TLS: nginx, with a configuration of its own.

In passthrough mode it asks for a client certificate, looks at nothing in it but that the client has its key, and hands
it on, URL-encoded, in X-Amzn-Mtls-Clientcert. In verify mode it ends the connection where no authority of its trust
store has issued the certificate, and hands it on in X-Amzn-Mtls-Clientcert-Leaf. What a client sends by these names
does not get through. Unlike the real one it leaves out the certificates that the client sent along, in passthrough
mode, and the other headers of verify mode, which nobody here reads.
"""

import getpass
import os
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Final

from service.demo.companion import Companion, Program, listens
from service.demo.files import write_atomically
from service.demo.ports import LOOPBACK
from service.demo.story.stage import Base


class MutualTls(Enum):
    """The modes of mutual TLS; the value is that of `REVET_SIDECAR_ALB_HEADER`."""

    PASSTHROUGH = "passthrough"
    VERIFY = "verify"


_SERVER: Final = """\
daemon off;
{user}worker_processes 1;
pid {run}/pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {run}/body;
  proxy_temp_path {run}/proxy;
  fastcgi_temp_path {run}/fastcgi;
  uwsgi_temp_path {run}/uwsgi;
  scgi_temp_path {run}/scgi;
  server {{
    listen {address}:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    proxy_set_header Host $http_host;
    location / {{ proxy_pass http://{target}; }}
{mode}
  }}
}}
"""

_MODES: Final = {
    # Nobody looks at a certificate's dates: what nginx objects to goes on as well.
    MutualTls.PASSTHROUGH: """\
    ssl_verify_client optional_no_ca;
    proxy_set_header X-Amzn-Mtls-Clientcert $ssl_client_escaped_cert;
    error_page 495 = @target;
    location @target {{ proxy_pass http://{target}; }}""",
    # 444: end the connection without an answer.
    MutualTls.VERIFY: """\
    ssl_verify_client on;
    ssl_verify_depth 4;
    ssl_client_certificate {trust_store};
    proxy_set_header X-Amzn-Mtls-Clientcert-Leaf $ssl_client_escaped_cert;
    error_page 495 496 = @end;
    location @end {{ return 444; }}""",
}


def start_load_balancer(mode: MutualTls, target: str, base: Base, stack: ExitStack) -> tuple[int, Companion]:
    """Start one in front of a target, `host:port`.

    Returns:
        Its port, and the program.

    Raises:
        OSError: it could not be started.
    """
    port = base.ports.take()
    name = f"load-balancer-{mode.value}"
    run = base.directory / name
    run.mkdir()
    configuration = run / "nginx.conf"
    write_atomically(configuration, _configuration(mode, run, port, target, base).encode())
    command = (base.programs.nginx, "-p", str(run), "-e", "stderr", "-c", str(configuration))
    log = base.directory / f"{name}.log"
    program = Program(f"the load balancer's stand-in ({mode.value})", command, base.environment, log)
    return port, stack.enter_context(Companion(program, listens(port)))


def _configuration(mode: MutualTls, run: Path, port: int, target: str, base: Base) -> str:
    return _SERVER.format(
        # Started by root, workers become `nobody`, who may not enter this directory.
        user=f"user {getpass.getuser()};\n" if os.geteuid() == 0 else "",
        run=run,
        address=LOOPBACK,
        port=port,
        certificate=base.servers.certificate,
        key=base.servers.key,
        target=target,
        mode=_MODES[mode].format(target=target, trust_store=base.pki.layout.trust_store),
    )
