"""Where a fetch may go: the rules of the egress guard, as values.

What it does: takes a URL apart in one strict way, and judges host names and addresses against "public, or allowed by
the operator".

The rules it keeps:

1. A URL has one reading. What `check_url` returns is what is resolved, connected to and asked for; nothing else in
   the service parses the URL again.
2. A name is judged by its addresses, never by how it looks. An address that carries another one (IPv4-mapped, NAT64)
   is judged by the one it carries.
3. Public is a positive list: what no rule calls public is not.

What it does not do: resolve or connect (`network.py`), follow redirects (`origin.py`). It has no state and no I/O.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, Self
from urllib.parse import quote, urljoin

from service.application.origin import OriginError
from service.core.model.attempt import Problem

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 8192
"""Characters in a URL. RFC 9110 §4.1 asks recipients for 8,000 at least; a presigned S3 URL has about 2,000."""

MAX_HOST_LENGTH = 253
"""Characters in a host name: 255 octets on the wire (RFC 1035 §2.3.4), less the first length and the root."""

MAX_SHOWN = 80
"""Characters of foreign text that a detail repeats: enough to recognise it, too few to fill a log with."""

DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986 §3.1.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Visible ASCII and the space. A URL in a certificate is an IA5String (RFC 5280 §4.2.1.6), an internationalised host
# name in it is in its ASCII form (§7.2), and what is left out here (CR, LF, NUL, tab) is how requests are smuggled.
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
# RFC 3986 §3: authority, then path and query; the fragment stays here.
_AFTER_SCHEME = re.compile(r"//(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?")
# Without percent-encoding in the host, and without IPvFuture and zones (RFC 6874) in the brackets.
_HOST_AND_PORT = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{0,5}))?")
# RFC 1035 §2.3.4: a label has 63 octets at most. Underscores are no host name's, and in use all the same.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# "127.1", "2130706433", "0x7f.1", "0177.0.0.1": inet_aton(3) takes a name for a number when its last label is one.
_LAST_LABEL_IS_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# What RFC 3986 §3.3 and §3.4 let stand in a path and a query; "%" because the URL is encoded already.
_KEPT_IN_PATH = "/?:@!$&'()*+,;=-._~%"

# Networks that `ipaddress` of some supported Python takes for global, or that lead into a tunnel. From the IANA IPv4
# and IPv6 Special-Purpose Address Registries.
_NEVER_PUBLIC: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),  # "this network" (RFC 791 §3.2); Linux connects 0.0.0.0 to itself
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT (RFC 6598); Alibaba's metadata service, VPNs
    IPv4Network("168.63.129.16/32"),  # Azure's platform address: reachable from inside a virtual machine only
    IPv4Network("169.254.0.0/16"),  # link-local (RFC 3927); the metadata services of AWS, Azure and Google
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890); Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv6Network("2001::/23"),  # protocol assignments: Teredo (RFC 4380), ORCHID, benchmarking
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("2002::/16"),  # 6to4 (RFC 7526): an IPv4 address in disguise, and deprecated
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
# The only block of IPv6 from which global unicast addresses are assigned (RFC 4291 §2.4, IANA). It leaves out ::1,
# IPv4-compatible addresses, fc00::/7 with AWS's fd00:ec2::254, fe80::/10, fec0::/10, multicast and 64:ff9b:1::/48.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# RFC 6052 §2.1. In an IPv6-only network every IPv4-only certificate authority has such an address.
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed `check_url`, taken apart.

    Attributes:
        scheme: Lower case.
        host: A lower-case name without the root's dot, or an address without brackets.
        port: 1 to 65535; the scheme's own when the URL names none.
        path: Path and query as they are sent: percent-encoded, beginning with a slash.
    """

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL, the port always written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in the one form that is asked for: the scheme's own port is left out."""
        authority = self.authority.removesuffix(f":{DEFAULT_PORTS[self.scheme]}")
        return f"{self.scheme}://{authority}{self.path}"


@dataclass(frozen=True, slots=True)
class EgressRules:
    """Which non-public hosts and addresses the operator lets certificates name (`REVET_EGRESS_ALLOW`).

    Attributes:
        allow_hosts: Host names as `Target.host` spells them; each may have any address.
        allow_networks: Networks whose addresses any name may have.
    """

    allow_hosts: frozenset[str] = frozenset()
    allow_networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, items: tuple[str, ...]) -> Self:
        """Read host names, addresses and CIDRs.

        Raises:
            ValueError: naming the item that is none of these.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for item in items:
            try:
                networks.append(ip_network(item))
            except ValueError as not_a_network:
                host = item.lower().removesuffix(".")
                if not _is_host_name(host):
                    raise ValueError(
                        f"{item!r} is neither a host name, an address nor a CIDR: {not_a_network}"
                    ) from None
                hosts.add(host)
        return cls(frozenset(hosts), tuple(networks))

    def address_allowed(self, address: Address) -> bool:
        """Tell whether a certificate may lead to this address."""
        if _has_zone(address):
            return False
        forms = (address, _effective(address))
        return is_public(address) or any(form in network for network in self.allow_networks for form in forms)

    def check_addresses(self, host: str, addresses: tuple[Address, ...]) -> None:
        """Refuse a name any of whose addresses a certificate may not lead to.

        We choose to refuse the whole name, and not to go on with the addresses that are left. The name of a public
        certificate authority has no private address; a mixture is either a name of the inside, whose public
        address is not meant for us, or somebody who tries which of the two we take. Going on would hide it, and
        would make the outcome depend on which address happens to answer.

        Raises:
            OriginError: EGRESS_REFUSED, naming the first address that is refused.
        """
        if host in self.allow_hosts:
            return
        for address in addresses:
            if not self.address_allowed(address):
                named = "the address" if host == str(address) else f"{host} resolves to"
                raise refused(f"{named} {address}, which is neither public nor allowed")


def check_url(url: str) -> Target:
    """Take a URL apart, strictly.

    Args:
        url: As it stands in a certificate, a redirect or the settings.

    Raises:
        OriginError: UNSUPPORTED_SCHEME when it is not http or https, EGRESS_REFUSED when it has credentials, no
            host, a port of 0, a number that is not a dotted quad for a host, or characters that no URL has.
    """
    scheme, rest = _split_scheme(url)
    if len(url) > MAX_URL_LENGTH:
        raise refused(f"the URL has more than {MAX_URL_LENGTH} characters")
    if not _PRINTABLE.fullmatch(url):
        raise refused(f"the URL {shown(url)} has characters that are not printable ASCII")
    parts = _AFTER_SCHEME.fullmatch(rest)
    if parts is None:
        raise refused(f"the URL {shown(url)} names no host")
    host, port = _host_and_port(parts["authority"])
    path = quote((parts["path"] or "/") + (parts["query"] or ""), safe=_KEPT_IN_PATH)
    return Target(scheme, host, port or DEFAULT_PORTS[scheme], path)


def redirect_target(base: Target, location: str) -> Target:
    """Take the Location of a redirect apart, by the rules for URLs out of certificates.

    Args:
        base: What was asked for.
        location: The value of the header: a URL, or a reference relative to `base` (RFC 9110 §10.2.2).

    Raises:
        OriginError: EGRESS_REFUSED, for all that `check_url` refuses and for a way from https to http.
    """
    try:
        if not _PRINTABLE.fullmatch(location):
            # Before it is resolved: urljoin() drops tabs and line ends silently.
            raise refused(f"the URL {shown(location)} has characters that are not printable ASCII")
        # An absolute one goes to check_url() as it is: urljoin() reads "http:///a" and "http:a" as relative.
        target = check_url(location if _SCHEME.match(location) else urljoin(base.url, location))
    except OriginError as error:
        raise refused(f"redirect: {error.detail}") from None
    except ValueError:
        raise refused(f"redirect: {shown(location)} is not a URL") from None
    if base.scheme == "https" and target.scheme == "http":
        # We choose so: what was asked for under TLS may have no other protection (a trust store has none).
        raise refused("redirect: from https to http")
    return target


def proxy_target(url: str) -> Target:
    """Read the operator's proxy URL (`REVET_EGRESS_PROXY`): plain http, without credentials, without a path.

    Raises:
        ValueError: when it is anything else.
    """
    try:
        target = check_url(url)
    except OriginError as error:
        raise ValueError(f"not a proxy URL: {error.detail}") from None
    if target.scheme != "http" or target.path != "/":
        raise ValueError(f"not a proxy URL: {target.url}: it must be http://host:port")
    return target


def literal_address(host: str) -> Address | None:
    """The address that a host of a `Target` is, or None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public Internet, whatever form it is written in."""
    if _has_zone(address):
        return False
    effective = _effective(address)
    if effective.is_multicast or not effective.is_global or any(effective in network for network in _NEVER_PUBLIC):
        return False
    return isinstance(effective, IPv4Address) or effective in _GLOBAL_UNICAST


def shown(text: str) -> str:
    """Foreign text for a detail: quoted, ASCII only, cut."""
    return ascii(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")


def refused(detail: str) -> OriginError:
    """Make the error of everything that the guard refuses."""
    return OriginError(Problem.EGRESS_REFUSED, detail)


def _split_scheme(url: str) -> tuple[Literal["http", "https"], str]:
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match is not None else ""
    rest = url[len(scheme) + 1 :]
    match scheme:
        case "http" | "https":
            return scheme, rest
        case "":
            raise OriginError(Problem.UNSUPPORTED_SCHEME, "not an absolute URL")
        case _:
            raise OriginError(Problem.UNSUPPORTED_SCHEME, f"the scheme is {shown(scheme)}, not http or https")


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        # Not repeated: what stands before the "@" may be a password.
        raise refused("the URL carries credentials")
    match = _HOST_AND_PORT.fullmatch(authority)
    if match is None:
        raise refused(f"{shown(authority)} is not a host and a port")
    host = _ipv6_host(match["ipv6"]) if match["ipv6"] else match["name"].lower().removesuffix(".")
    if literal_address(host) is None and not _is_host_name(host):
        raise refused(f"{shown(host)} is neither a host name nor an address")
    if not match["port"]:
        return host, None
    port = int(match["port"])
    if not 0 < port < 2**16:
        raise refused(f"{port} is not a port")
    return host, port


def _ipv6_host(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise refused(f"{shown(text)} is not an IPv6 address") from None


def _is_host_name(host: str) -> bool:
    return (
        len(host) <= MAX_HOST_LENGTH
        and not _LAST_LABEL_IS_NUMBER.fullmatch(host)
        and all(_LABEL.fullmatch(label) for label in host.split("."))
    )


def _has_zone(address: Address) -> bool:
    """Tell whether an address belongs to one link of this host (RFC 4007 §11): never public, and no CIDR means it."""
    return isinstance(address, IPv6Address) and address.scope_id is not None


def _effective(address: Address) -> Address:
    """The address that packets reach: of an IPv4-mapped or NAT64 address, the IPv4 address in it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            # RFC 6052 §2.2: the last 32 bits. §3.1 allows global IPv4 addresses only; we hold the sender to it.
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
