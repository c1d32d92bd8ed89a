"""Makes a demonstration's PKI: builds it aside and renames it in, so that an interruption leaves nothing half-made.

Rules: until everything is in place, the state file says so; what was there before is replaced whole, together with the
service's data, which is about authorities that are no more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from service.demo.certificates import (
    DOMAIN,
    NO_SOURCES,
    Issued,
    Signer,
    Sources,
    issue_client,
    issue_responder,
    issue_root,
    issue_subordinate,
    key_pem,
    pem,
)
from service.demo.clients import BOTH, CLIENTS, REVOKED_SINCE, Client, Issuer, Source
from service.demo.crl import Revocation, first_crl
from service.demo.files import Mode, remove, write_atomically
from service.demo.index import ATTRIBUTES, index_of
from service.demo.layout import AUTHORITIES, PARTS, Layout
from service.demo.ports import Ports
from service.demo.state import write_complete, write_unfinished

FOREIGN_NAME: Final = "foreign.example"


@dataclass(frozen=True, slots=True)
class _Authorities:
    """Everybody who signs, and what the clients got from them."""

    signers: Mapping[Issuer, Signer]
    clients: Mapping[Client, Issued]

    def chain(self, client: Client) -> tuple[x509.Certificate, ...]:
        """The client's certificate and below it its issuer's: AWS' certificate body above certificate chain."""
        return self.clients[client].certificate, self.signers[client.issuer].certificate


def make_pki(layout: Layout, ports: Ports, at: datetime) -> None:
    """Make everything, in place of what is there.

    Args:
        layout: Where.
        ports: Where CRLs and OCSP answers will be served.
        at: The moment of making.

    Raises:
        OSError: something could not be written or removed.
    """
    layout.directory.mkdir(parents=True, exist_ok=True)
    write_unfinished(layout.state)
    remove(layout.making)
    aside = Layout(layout.making)
    _build(aside, ports, at.replace(microsecond=0))
    for part in PARTS:
        remove(layout.directory / part)
        (aside.directory / part).rename(layout.directory / part)
    remove(layout.data)
    remove(layout.making)
    write_complete(layout.state, ports)


def _build(layout: Layout, ports: Ports, at: datetime) -> None:
    for part in PARTS:
        (layout.directory / part).mkdir(parents=True)
    made = _issue(ports, at)
    signers = made.signers
    write_atomically(layout.trust_store, pem(signers[Issuer.SUB].certificate, signers[Issuer.ROOT].certificate))
    for client, issued in made.clients.items():
        chain = pem(*made.chain(client))
        write_atomically(layout.certificate(client.name), chain)
        write_atomically(layout.key(client.name), key_pem(issued.key), Mode.PRIVATE)
        request = json.dumps({"certificate": chain.decode()}) + "\n"
        write_atomically(layout.request(client.name), request.encode())
    for authority in AUTHORITIES:
        _write_authority(layout, authority, made, ports, at)


def _issue(ports: Ports, at: datetime) -> _Authorities:
    root = issue_root(DOMAIN, at)
    signers = {
        Issuer.ROOT: root,
        Issuer.SUB: issue_subordinate(root, ports.crl_url(Issuer.ROOT), at),
        Issuer.FOREIGN: issue_root(FOREIGN_NAME, at),
    }
    clients = {client: issue_client(client, signers[client.issuer], _sources(client, ports), at) for client in CLIENTS}
    return _Authorities(signers, clients)


def _sources(client: Client, ports: Ports) -> Sources:
    if not client.declares:
        return NO_SOURCES
    return Sources(
        crl=ports.crl_url(client.issuer) if Source.CRL in client.declares else None,
        ocsp=ports.ocsp_url(client.issuer) if Source.OCSP in client.declares else None,
    )


def _write_authority(layout: Layout, authority: Issuer, made: _Authorities, ports: Ports, at: datetime) -> None:
    files = layout.authority(authority)
    files.directory.mkdir()
    signer = made.signers[authority]
    responder = issue_responder(signer, at)
    write_atomically(files.certificate, pem(signer.certificate))
    write_atomically(files.key, key_pem(signer.key), Mode.PRIVATE)
    write_atomically(files.responder, pem(responder.certificate))
    write_atomically(files.responder_key, key_pem(responder.key), Mode.PRIVATE)

    issued = [made.clients[client].certificate for client in CLIENTS if client.issuer is authority]
    if authority is Issuer.ROOT:
        issued.append(made.signers[Issuer.SUB].certificate)
    revoked = {source: _revocations(made, authority, source, at) for source in BOTH}
    write_atomically(files.index, index_of([*issued, responder.certificate], revoked[Source.OCSP]))
    write_atomically(files.index_attributes, ATTRIBUTES)
    write_atomically(files.crl, first_crl(signer, ports.crl_url(authority), revoked[Source.CRL], at))


def _revocations(made: _Authorities, authority: Issuer, source: Source, at: datetime) -> tuple[Revocation, ...]:
    return tuple(
        Revocation(issued.certificate.serial_number, at - REVOKED_SINCE, client.reason)
        for client, issued in made.clients.items()
        if client.issuer is authority and source in client.revoked_in
    )
