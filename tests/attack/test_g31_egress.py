"""G31: whatever an endpoint, a name server or a redirect says, nothing connects where it is not public.

The name server is ours, and so is what lies behind `connect`: public addresses lead to a server of the test,
everything else is written down as a breach.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from offers import transport
from offers.domain import Outcome, Verdict
from offers.transport import MESSAGE_PATH

FORBIDDEN = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.1.1
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1
    192.168.0.1 192.168.255.255 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255
    :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:100.64.0.1
    ::ffff:0:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b::6440:1 64:ff9b:1::a00:1
    100::1 2001::1 2001:0:4136:e378:8000:63bf:f5ff:fffe 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
    2002:7f00:1:: 2002:a00:1:: 2002:c0a8:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%1 fec0::1
    ff02::1 ff0e::1
""".split()
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "64:ff9b::808:808"]

# No name server is asked about these; some are numbers in disguise.
SPELLINGS = [
    "https://localhost/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7f.0.0.1/x",
    "https://0177.0.0.1/x",
    "https://127.1/x",
    "https://127.0.0.1./x",
    "https://0/x",
    "https://[::]/x",
    "https://[::1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[0:0:0:0:0:0:0:1]/x",
    "https://[fe80::1%25lo]/x",
    "https://[fe80::1%lo]/x",
    "https://[64:ff9b::127.0.0.1]/x",
    "https://１２７.0.0.1/x",
    "https://127。0。0。1/x",
    "https://①②⑦.0.0.1/x",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/x",
    "https://\u202elocalhost/x",
    "https://good.example.com@127.0.0.1/x",
    "https://good.example.com:pw@127.0.0.1/x",
    "https://127.0.0.1\\@good.example.com/x",
    "https://good.example.com\\@127.0.0.1/x",
    "https://127.0.0.1#good.example.com/x",
    "https://127.0.0.1?good.example.com/x",
    "https://good.example.com:22/x",
    "https://good.example.com:80/x",
    "https://good.example.com:8443/x",
    "https://good.example.com:0/x",
    "https://good.example.com:65536/x",
    "https://good.example.com:-443/x",
    "https://good.example.com:443:80/x",
    "http://good.example.com/x",
    "http://good.example.com:443/x",
    "HTTP://good.example.com/x",
    "//good.example.com/x",
    "good.example.com/x",
    "https:///x",
    "https://",
    "https:good.example.com/x",
    "https://:443/x",
    "https://./x",
    "https://.../x",
    "https://[/x",
    "https://[]/x",
    "https://good.example.com\r\nHost: 127.0.0.1/x",
    "https://127.0.0.1\t/x",
    " https://127.0.0.1/x",
    "https://127.0.0.1%2f@good.example.com/x",
    "https://%31%32%37.0.0.1/x",
    "https://" + "a" * 70 + ".example.com/x",
    "https://" + "a." * 200 + "example.com/x",
    "https://xn--/x",
    "file:///etc/passwd",
    "file://good.example.com/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://good.example.com/x",
    "dict://127.0.0.1:11211/stats",
    "unix:///run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/x",
    "data:text/xml,x",
    "javascript:alert(1)",
    "",
]


class Peer(BaseHTTPRequestHandler):
    """Redirects to where the path says, percent-encoded; otherwise takes what comes."""

    to = ""
    seen: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append(f"{self.headers['Host']}{self.path}")
        self.send_response(307 if self.to and len(self.seen) == 1 else 200)
        self.send_header("Location", self.to)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class WithoutTLS(transport._GuardedHTTP):
    """TLS is left out of the connections, and nothing else: the guard stands where it stands."""

    default_port = 443
    is_verified = True

    def __init__(self, host: str, port: int, timeout: Any, **options: Any) -> None:
        super().__init__(host, port, timeout=timeout)


class Net:
    """What our names resolve to, one answer after the other, and where connections went."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.names: dict[str, list[list[str]]] = {"good.example.com": [["93.184.216.34"]]}
        self.asked: list[str] = []
        self.connected: list[str] = []
        self.breaches: list[Any] = []
        self.really_resolve, self.really_connect = socket.getaddrinfo, socket.socket.connect

    def resolve(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        answers = self.names.get(host)
        if answers is None:
            return self.really_resolve(host, port, *args, **{**options, "flags": socket.AI_NUMERICHOST})
        self.asked.append(host)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for one in addresses for entry in self.really_resolve(one, port, *args, **options)]

    def connect(self, sock: socket.socket, address: Any) -> None:
        if address[0] not in PUBLIC or address[1] != 443:
            self.breaches.append(address)
            raise ConnectionRefusedError("not in this test")
        self.connected.append(address[0])
        self.really_connect(sock, ("127.0.0.1", self.port))


@pytest.fixture(scope="module")
def peer() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture
def net(peer: int, monkeypatch: pytest.MonkeyPatch) -> Net:
    Peer.seen, Peer.to = [], ""
    found = Net(peer)
    monkeypatch.setattr(socket, "getaddrinfo", found.resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda sock, address: found.connect(sock, address))
    monkeypatch.setattr(socket.socket, "getpeername", lambda sock: (found.connected[-1], 443))
    for pool in (transport._GuardedHTTPSPool, transport._GuardedHTTPPool):
        monkeypatch.setattr(pool, "ConnectionCls", WithoutTLS)
    return found


def post(url: str) -> Outcome:
    return transport.post(url, b"<x/>", unknown_before=False, allow_local=False)


def refused(net: Net, outcome: Outcome) -> None:
    assert net.breaches == []
    assert outcome.verdict in (Verdict.PERMANENT, Verdict.TEMPORARY), outcome
    assert not outcome.unknown, outcome


def test_g31_what_is_public_is_reached(net: Net) -> None:
    assert post(f"https://good.example.com{MESSAGE_PATH}").verdict == Verdict.DELIVERED
    assert (net.connected, net.asked) == (["93.184.216.34"], ["good.example.com"])


@pytest.mark.parametrize("address", PUBLIC)
def test_g31_public_addresses_are_public(address: str) -> None:
    assert transport.is_public(address)


def test_g31_there_are_enough_of_them() -> None:
    assert len({*FORBIDDEN, *SPELLINGS}) >= 120


def test_g31_nobody_knocks_where_nothing_may_be_sent(net: Net) -> None:
    assert transport.opens(f"https://good.example.com{MESSAGE_PATH}", allow_local=False)
    for number, address in enumerate(FORBIDDEN):
        net.names[f"bad{number}.example.com"] = [[address]]
        bare = f"[{address}]" if ":" in address else address
        for url in (f"https://{bare}/x", f"https://bad{number}.example.com/x"):
            assert not transport.opens(url, allow_local=False), url
    assert [url for url in SPELLINGS if transport.opens(url, allow_local=False)] == []
    assert (net.connected, net.breaches) == (["93.184.216.34"], [])


@pytest.mark.parametrize("url", SPELLINGS)
def test_g31_an_endpoint_in_disguise_is_not_connected_to(net: Net, url: str) -> None:
    refused(net, post(url))
    assert net.connected == []


@pytest.mark.parametrize("address", FORBIDDEN)
def test_g31_a_forbidden_address_is_not_connected_to_by_number_or_by_name(net: Net, address: str) -> None:
    net.names["evil.example.com"] = [[address]]
    host = f"[{address}]" if ":" in address else address
    for url in (f"https://{host}/x", "https://evil.example.com/x"):
        outcome = post(url)
        refused(net, outcome)
        assert outcome.verdict == Verdict.PERMANENT, outcome
    assert net.connected == []


@pytest.mark.parametrize("address", FORBIDDEN)
def test_g31_one_forbidden_address_among_public_ones_is_enough(net: Net, address: str) -> None:
    net.names["evil.example.com"] = [["93.184.216.34", address]]
    assert post("https://evil.example.com/x").verdict == Verdict.PERMANENT
    net.names["evil.example.com"] = [[address, "93.184.216.34"]]
    assert post("https://evil.example.com/x").verdict == Verdict.PERMANENT
    assert (net.connected, net.breaches) == ([], [])


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1"])
def test_g31_a_name_that_changes_between_two_questions_is_asked_once(net: Net, address: str) -> None:
    net.names["evil.example.com"] = [["93.184.216.34"], [address]]
    assert post("https://evil.example.com/x").verdict == Verdict.DELIVERED
    assert (net.asked, net.connected, net.breaches) == (["evil.example.com"], ["93.184.216.34"], [])
    refused(net, post("https://evil.example.com/x"))  # the next message asks again, and sees it


def test_g31_a_name_server_that_fails_lets_nobody_through(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    refused(net, post("https://evil.example.com/x"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [])
    refused(net, post("https://evil.example.com/x"))


def test_g31_where_a_connection_really_led_is_looked_at_again(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("10.0.0.1", 443))
    outcome = post("https://good.example.com/x")
    assert (outcome.verdict, Peer.seen) == (Verdict.PERMANENT, [])
    assert "10.0.0.1" in outcome.text


REDIRECTS = [
    *(f"https://{f'[{one}]' if ':' in one else one}/x" for one in FORBIDDEN if "%" not in one),
    *(url for url in SPELLINGS if "://" in url and url.isascii() and "\r" not in url and url != "https://"),
    "https://evil.example.com/x",
    "http://evil.example.com/x",
    "//evil.example.com/x",
    "//127.0.0.1/x",
    "/\\127.0.0.1/x",
]


@pytest.mark.parametrize("to", REDIRECTS)
def test_g31_a_redirect_to_a_forbidden_address_is_not_followed(net: Net, to: str) -> None:
    net.names["evil.example.com"] = [["10.0.0.1"]]
    Peer.to = to
    post("https://good.example.com/first")
    assert net.breaches == []
    assert set(net.connected) == {"93.184.216.34"}
    assert all(one.startswith("good.example.com") for one in Peer.seen), Peer.seen


def without_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "is_public", lambda address: True)


def without_the_check_of_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "check_endpoint", lambda url, allow_local: None)


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://127.0.0.1/x", without_the_guard),
        ("https://evil.example.com/x", without_the_guard),
        ("https://0x7f.0.0.1/x", without_the_guard),
        ("https://[64:ff9b::a00:1]/x", without_the_guard),
        ("https://good.example.com:8443/x", without_the_check_of_urls),
        ("http://good.example.com/x", without_the_check_of_urls),
    ],
)
def test_g31_control_without_the_check_they_are_connected_to(
    net: Net, monkeypatch: pytest.MonkeyPatch, url: str, without: Callable[[pytest.MonkeyPatch], None]
) -> None:
    net.names["evil.example.com"] = [["10.0.0.1"]]
    without(monkeypatch)
    post(url)
    assert net.breaches
