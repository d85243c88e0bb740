"""Calls to addresses that somebody else chose: never into our own network, never anywhere but where was looked.

Belongs here: which addresses may be called, and one POST to one of them. A name is resolved once, every address it has
must be allowed, and the connection is made to the address that was looked at: a name that means something else a
moment later changes nothing. Redirects are not followed, the environment's proxies are not used, of an answer nothing
but its status is kept. Numeric spellings (`http://2130706433/`, `0x7f.1`) are what the resolver makes of them.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from resources.errors import ErrorKind, TieoutError
from resources.settings import Network

URL_CHARACTERS_MAX = 2000
CONNECT_SECONDS_MAX, ANSWER_SECONDS_MAX = 5.0, 10.0
PORTS = {"https": 443, "http": 80}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What `is_global` takes for public, and what leads inside all the same: NAT64, 6to4 and Teredo carry an IPv4 address
# in them, the last one is where Azure's machines find their host.
_REFUSED = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10", "ff00::/8"),
        *("192.88.99.0/24", "224.0.0.0/4", "168.63.129.16/32"),
    )
)
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str


def target_of(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Take a URL apart. Raises TieoutError for one that nothing shall ever be sent to.

    Without TLS, and to other ports than 443, only into `allowed` networks; whether it is in one, the address tells.
    """
    if len(url) > URL_CHARACTERS_MAX or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise _refused("a URL with blanks, control or other characters, or a very long one", "an https:// address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("a URL that cannot be read", "an https:// address") from None
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host or len(host) > 253:
        raise _refused(f"{parts.scheme or 'no'} scheme and host {host[:80]!r}", "https and a host")
    if parts.username is not None or parts.password is not None or parts.fragment or "%" in parts.netloc:
        raise _refused("a user, a fragment or an escaped host in the URL", "an address without them")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(parts.scheme, host, port or PORTS[parts.scheme], path)
    if not allowed and (found.scheme, found.port) != ("https", 443):
        raise _refused(f"{found.scheme} and port {found.port}", "https and port 443")
    if (literal := _literal(host)) is not None:
        check(literal, found, allowed)
    return found


def check(address: Address, target: Target, allowed: Sequence[Network] = ()) -> None:
    """Raises TieoutError if nothing shall be sent to this address."""
    real = _unwrapped(address)
    if any(real.version == network.version and real in network for network in allowed):
        return
    if not is_public(address):
        raise _refused("an address of a private or special network", "a public one")
    if (target.scheme, target.port) != ("https", 443):
        raise _refused(f"{target.scheme} and port {target.port}", "https and port 443")


def is_public(address: Address) -> bool:
    """Whether an address is of the Internet at large: no loopback, private, link-local, shared or reserved one."""
    real = _unwrapped(address)
    if any(real.version == network.version and real in network for network in _REFUSED):
        return False
    if isinstance(real, ipaddress.IPv6Address) and real.scope_id is not None:
        return False
    return real.is_global and not real.is_multicast and not real.is_reserved


def resolve(target: Target, allowed: Sequence[Network] = ()) -> str:
    """The address to connect to: every one that the name has must be allowed. Raises TieoutError."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TieoutError(
            ErrorKind.CONNECTION, doing="calling a webhook", found="a name that has no address", expected="one"
        ) from None
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    for one in addresses:
        check(ipaddress.ip_address(one), target, allowed)
    return addresses[0]


def post(url: str, body: bytes, headers: Mapping[str, str], allowed: Sequence[Network] = ()) -> int:
    """Send one POST; returns the status. Raises TieoutError if it was not sent or not answered."""
    target = target_of(url, allowed)
    if any(not _is_header(name) or not _is_header(value) for name, value in headers.items()):
        raise _refused("a header with control characters", "visible ones")
    address = resolve(target, allowed)
    try:
        line = socket.create_connection((address, target.port), CONNECT_SECONDS_MAX)
        line.settimeout(ANSWER_SECONDS_MAX)
        return _exchange(line, target, body, headers)
    except TimeoutError as failure:
        raise _unanswered(ErrorKind.TIMEOUT, "no answer in time") from failure
    except (OSError, ValueError, http.client.HTTPException) as failure:
        raise _unanswered(ErrorKind.CONNECTION, f"no connection ({type(failure).__name__})") from failure


def _exchange(plain: socket.socket, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    line, is_late = plain, threading.Event()

    def cut() -> None:
        is_late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    # A socket's own limit is for each piece: who sends a byte now and then would never meet it.
    limit = threading.Timer(ANSWER_SECONDS_MAX, cut)
    limit.start()
    try:
        if target.scheme == "https":
            # The certificate is the name's, whatever address it has. Shaken hands with under the limit as well.
            line = secure = ssl.create_default_context().wrap_socket(
                plain, server_hostname=target.host, do_handshake_on_connect=False
            )
            secure.do_handshake()
        call = http.client.HTTPConnection(target.host, target.port)
        call.default_port = PORTS[target.scheme]
        call.sock = line
        call.request("POST", target.path, body, dict(headers))
        return call.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as failure:
        if is_late.is_set():
            raise TimeoutError from failure
        raise
    finally:
        limit.cancel()
        line.close()


def _unanswered(kind: ErrorKind, found: str) -> TieoutError:
    return TieoutError(
        kind, doing="calling a webhook", found=found, expected=f"an answer in {ANSWER_SECONDS_MAX:.0f} s"
    )


def _literal(host: str) -> Address | None:
    """The address that a host is by itself, in any spelling that resolvers take; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _unwrapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address


def _is_header(text: str) -> bool:
    return all(" " <= one <= "~" for one in text)


def _refused(found: str, expected: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing="calling a webhook",
        found=found,
        expected=expected,
        next_step="give another address; private networks are allowed by TIEOUT_WEBHOOK_NETWORKS",
    )
