"""Where nothing is ever sent: our own networks in every spelling, and what a name means a moment later."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resources import egress
from resources.errors import TieoutError
from tests.gateway.listener import listening

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
REFUSED = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "2001:db8::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
]
PUBLIC = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
SPELLINGS = ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "0", "[::1]", "[::ffff:7f00:1]"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_of_our_own_networks_is_not_called(address: str):
    assert not egress.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is(address: str):
    assert egress.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", [*SPELLINGS, "localhost", "LOCALHOST", "127.0.0.1.", "1.1.1.1%2f@127.0.0.1"])
def test_every_spelling_of_the_same_machine_is_refused(host: str):
    with pytest.raises(TieoutError):
        egress.resolve(egress.target_of(f"https://{host}/x"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://example.com:8443/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://",
        "https:///x",
        "https://user:word@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com/\r\nHost: inside",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://ex\u00e4mple.com/",
        "https://example.com:99999/",
        "https://[::1",
        "//example.com/",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_a_url_that_is_not_plainly_an_https_address_is_refused(url: str):
    with pytest.raises(TieoutError):
        egress.target_of(url)


def test_a_name_with_one_inner_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers(["93.184.216.34", "10.0.0.1"]))

    with pytest.raises(TieoutError, match="private or special"):
        egress.resolve(egress.target_of("https://mixed.example/"))


def test_the_address_that_was_looked_at_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch):
    """A name server that answers otherwise the second time moves nothing: it is asked once."""
    with listening() as right, listening() as inner:
        asked: list[Any] = []

        def changing(host: str, port: int, *more: Any, **options: Any):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.0.0.1", port))]

        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *more, **o: (changing if host.isalpha() else real)(host, *more, **o)
        )
        status = egress.post(f"http://rebinding:{right.port}/x?y=1", b"{}", {"A": "b"}, LOOPBACK)

    assert (status, asked) == (200, ["rebinding"])
    ((path, headers, body),) = right.received
    assert (path, headers["Host"], body) == ("/x?y=1", f"rebinding:{right.port}", b"{}")
    assert inner.received == []


def test_a_redirect_is_not_followed():
    with listening() as inner, listening(status=302, Location=f"http://127.0.0.1:{inner.port}/") as first:
        status = egress.post(first.url, b"", {}, LOOPBACK)

    assert status == 302
    assert inner.received == []


@pytest.mark.parametrize(("scheme", "drop"), [("http", b"H"), ("https", b"\x16")])
def test_who_answers_a_byte_now_and_then_is_cut_off(monkeypatch: pytest.MonkeyPatch, scheme: str, drop: bytes):
    """In an answer, or before one: a handshake can be drawn out too."""
    monkeypatch.setattr(egress, "ANSWER_SECONDS_MAX", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        is_over = threading.Event()

        def drip() -> None:
            line, _ = server.accept()
            with line, suppress(OSError):
                # A record of TLS that says it has 16 kB more to come.
                line.sendall(b"\x16\x03\x03\x40\x00" if scheme == "https" else b"H")
                while not is_over.wait(0.1):
                    line.sendall(drop)

        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(TieoutError, match="no answer in time"):
            egress.post(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/", b"", {}, LOOPBACK)
        is_over.set()
        dripping.join()


@pytest.mark.parametrize(("name", "is_taken"), [("hooks.example", True), ("other.example", False)])
def test_the_certificate_must_be_the_names_though_an_address_is_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, is_taken: bool
):
    certified = certificate(tmp_path, "hooks.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certified)
    monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    monkeypatch.setattr(socket, "getaddrinfo", answers(["127.0.0.1"]))
    with listening(tls=tls) as one:
        if is_taken:
            assert egress.post(f"https://{name}:{one.port}/x", b"{}", {}, LOOPBACK) == 200
            assert one.received[0][1]["Host"] == f"{name}:{one.port}"
        else:
            with pytest.raises(TieoutError, match="SSLCertVerificationError"):
                egress.post(f"https://{name}:{one.port}/x", b"{}", {}, LOOPBACK)
            assert one.received == []


def test_a_certificate_of_nobody_known_is_not_taken():
    """TLS is spoken to the address, and checked for the name."""
    with listening() as plain, pytest.raises(TieoutError, match="SSL"):
        egress.post(f"https://127.0.0.1:{plain.port}/", b"", {}, LOOPBACK)
    assert plain.received == []


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", "\u00e4"])
def test_no_header_is_made_of_what_is_no_text(value: str):
    with listening() as one, pytest.raises(TieoutError, match="header"):
        egress.post(one.url, b"", {"Tieout-Event-Type": value}, LOOPBACK)


def answers(addresses: list[str]):
    return lambda host, port, *more, **options: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses
    ]


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for a name, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(plain + made.public_bytes(pem))
    return path
