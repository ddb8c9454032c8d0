"""The only socket to the outside: posts an envelope and says how it went.

Every connection, also after a redirect, is checked at the address that it really reached: what a name
resolves to can change between a check and a connect (reliability.md G31).
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import connection as urllib3_connection

from offers.domain import Outcome, Verdict, verdict_of_status

MESSAGE_PATH = "/shapeshifter/api/v3/message"
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "flexportal", "Accept": "*/*"}
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
MAX_REDIRECTS = 2
MAX_ANSWER_BYTES = 64 * 1024
MAX_RETRY_AFTER = timedelta(hours=1)
HTTPS_PORT = 443
MAYBE_TAKEN = frozenset({408, *range(500, 600)} - {503})


class ForbiddenAddress(OSError):
    """An endpoint, or what its name resolves to, is no place that we send to."""


def check_endpoint(url: str, allow_local: bool) -> None:
    """Raise ForbiddenAddress unless `url` is https on port 443 (local markets: any http or https)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForbiddenAddress(f"The endpoint {url} is no valid address: {error}.") from error
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ForbiddenAddress(f"The endpoint “{url}” is no address: give https://host{MESSAGE_PATH}.")
    if parts.username or parts.password:
        raise ForbiddenAddress(f"The endpoint of {parts.hostname} carries a user name: leave it out.")
    if allow_local:
        return
    if parts.scheme != "https" or port not in (None, HTTPS_PORT):
        raise ForbiddenAddress(f"The endpoint {url} is not https on port 443.")


def _networks(listed: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, listed.split()))


# Where IPv6 gives addresses to hosts; outside of it lie the tunnels and translations into private IPv4.
IPV6_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # the one translation that an IPv6-only host of ours may need
# What Python's ipaddress takes for public: protocol assignments, 6to4 and its relay, documentation.
SPECIAL = _networks("192.0.0.0/24 192.88.99.0/24 2001::/23 2002::/16 3fff::/20")


def is_public(address: str) -> bool:
    """Whether an IP address is a public one: not private, loopback, link-local, CGNAT, mapped to one…"""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip in NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    if ip.version == 6 and ip not in IPV6_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in SPECIAL)


def _guarded_connect(host: str, port: int, **options: Any) -> socket.socket:
    """Resolve once, connect only to an address that is public, and look again where that led."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise ForbiddenAddress(f"“{host}” is no host name.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    forbidden = [address for address in addresses if not is_public(address)]
    if forbidden or not addresses:
        raise ForbiddenAddress(
            f"{host} resolves to {', '.join(forbidden) or 'nothing'}, which is no public address."
        )
    sock = urllib3_connection.create_connection((addresses[0], port), **options)
    reached = str(sock.getpeername()[0])
    if not is_public(reached):
        sock.close()
        raise ForbiddenAddress(f"{host} led to {reached}, which is no public address.")
    return sock


class _Cut:
    """Ends an attempt when its time is up, whatever it waits for: connect, TLS, headers or body.

    A peer that drips bytes never lets a time-out pass, but it holds nobody longer than this.
    """

    def __init__(self, seconds: float) -> None:
        self.sockets: list[socket.socket] = []
        self.is_over = self.spoke = False
        self.timer = threading.Timer(seconds, self.shut)
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.token = _attempt.set(self)
        self.timer.start()

    def __exit__(self, *raised: object) -> None:
        _attempt.reset(self.token)
        self.timer.cancel()
        for sock in self.sockets:
            sock.close()

    def watch(self, sock: socket.socket) -> None:
        self.sockets.append(sock.dup())  # TLS takes the first one over, and it is closed with its connection
        if self.is_over:
            self.shut()

    def shut(self) -> None:
        self.is_over = True
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


_attempt: ContextVar[_Cut] = ContextVar("attempt")


class _Watched:
    """Makes a urllib3 connection one that ends with its attempt, from its first moment on."""

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]  # of what this is mixed into
        _attempt.get().watch(sock)
        return sock

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # with TLS, until both have shaken hands
        _attempt.get().spoke = True


class _Guard:
    """Makes a urllib3 connection open its socket through the guard."""

    def _new_conn(self) -> socket.socket:
        me: Any = self
        try:
            return _guarded_connect(
                me._dns_host,
                me.port,
                timeout=me.timeout,
                source_address=me.source_address,
                socket_options=me.socket_options,
            )
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(me, f"{me.host} did not answer in time") from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(me, str(error)) from error


class _LocalHTTP(_Watched, HTTPConnection):
    pass


class _LocalHTTPS(_Watched, HTTPSConnection):
    pass


class _GuardedHTTP(_Watched, _Guard, HTTPConnection):
    pass


class _GuardedHTTPS(_Watched, _Guard, HTTPSConnection):
    pass


class _LocalHTTPPool(HTTPConnectionPool):
    ConnectionCls = _LocalHTTP


class _LocalHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _LocalHTTPS


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _Adapter(HTTPAdapter):
    pools: Mapping[str, Any] = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self.pools)


class _LocalAdapter(_Adapter):
    pools: Mapping[str, Any] = {"http": _LocalHTTPPool, "https": _LocalHTTPSPool}


def _session(allow_local: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc from the environment
    adapter = _LocalAdapter() if allow_local else _Adapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def post(
    endpoint: str,
    envelope: bytes,
    *,
    unknown_before: bool,
    allow_local: bool,
    monotonic: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Post an envelope and sort what came of it into delivered, temporary and permanent; never raises.

    `unknown_before`: an earlier attempt may have arrived (see domain.verdict_of_status).
    Takes at most about TOTAL_SECONDS, and follows two redirects at most, 307 and 308 only.
    """
    deadline = monotonic() + TOTAL_SECONDS
    cut = _Cut(TOTAL_SECONDS)
    try:
        with cut, _session(allow_local) as session:
            return _post(session, endpoint, envelope, unknown_before, allow_local, deadline, monotonic)
    except ForbiddenAddress as error:
        return Outcome(Verdict.PERMANENT, str(error))
    except requests.exceptions.RequestException as error:
        return replace(outcome := _failure(error), unknown=outcome.unknown and cut.spoke)
    except ValueError as error:  # an answer or a redirect that nobody can read
        return Outcome(Verdict.TEMPORARY, f"an answer that cannot be read: {error}", unknown=True)


def opens(endpoint: str, *, allow_local: bool) -> bool:
    """Whether a connection to the endpoint comes about, with TLS where it asks for that; nothing is sent."""
    try:
        check_endpoint(endpoint, allow_local)
        request = requests.Request("POST", endpoint).prepare()
        with _Cut(2 * CONNECT_SECONDS), _session(allow_local) as session:
            adapter: Any = session.get_adapter(endpoint)
            connection = adapter.get_connection_with_tls_context(request, verify=True)._new_conn()
            connection.timeout = CONNECT_SECONDS
            connection.connect()
            connection.close()
    except (OSError, ValueError, urllib3.exceptions.HTTPError):  # requests' own errors are OSErrors
        return False
    return True


def _post(
    session: requests.Session,
    endpoint: str,
    envelope: bytes,
    unknown_before: bool,
    allow_local: bool,
    deadline: float,
    monotonic: Callable[[], float],
) -> Outcome:
    for _ in range(MAX_REDIRECTS + 1):
        check_endpoint(endpoint, allow_local)
        left = max(1.0, deadline - monotonic())
        with session.post(
            endpoint,
            data=envelope,
            headers=HEADERS,
            timeout=(min(CONNECT_SECONDS, left), left),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code not in (307, 308):
                return _sorted(response, unknown_before)
            endpoint = urljoin(endpoint, response.headers.get("Location", ""))
    return Outcome(Verdict.TEMPORARY, f"more than {MAX_REDIRECTS} redirects", status=response.status_code)


def _sorted(response: requests.Response, unknown_before: bool) -> Outcome:
    verdict = verdict_of_status(response.status_code, unknown_before)
    text = f"HTTP {response.status_code} {response.reason or ''}".strip()
    if verdict != Verdict.DELIVERED:
        text = f"{text}{_first_line(response)}"
    elif response.status_code >= 400:
        text = f"{text}: an earlier attempt had arrived already"
    # A gateway that says 502 or 504 may have passed it on; 503 is how servers say "not now".
    unknown = verdict == Verdict.TEMPORARY and response.status_code in MAYBE_TAKEN
    return Outcome(
        verdict, text, status=response.status_code, unknown=unknown, retry_after=_retry_after(response)
    )


def _first_line(response: requests.Response) -> str:
    try:
        body = response.raw.read(MAX_ANSWER_BYTES, decode_content=False) or b""
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    line = body.decode("utf-8", "replace").strip().partition("\n")[0][:300]
    return f": {line}" if line and not line.startswith("<") else ""


def _retry_after(response: requests.Response) -> timedelta | None:
    """In seconds, or as a date, which counts from the answer's own Date: their clock may not be ours."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit() and len(value) < 9:
        return min(timedelta(seconds=int(value)), MAX_RETRY_AFTER)
    try:
        until, said_at = (parsedate_to_datetime(one) for one in (value, response.headers.get("Date", "")))
        return min(max(until - said_at, timedelta(0)), MAX_RETRY_AFTER)
    except (TypeError, ValueError, OverflowError):
        return None


def _failure(error: requests.exceptions.RequestException) -> Outcome:
    """A failure below HTTP; `unknown` unless the connection never came about."""
    forbidden = _forbidden(error)
    if forbidden is not None:
        return Outcome(Verdict.PERMANENT, str(forbidden))
    if isinstance(error, requests.exceptions.SSLError):
        return Outcome(Verdict.TEMPORARY, f"TLS failed: {_plain(error)}")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Outcome(Verdict.TEMPORARY, "no connection within 5 seconds")
    if isinstance(error, requests.exceptions.ReadTimeout):
        return Outcome(Verdict.TEMPORARY, "no answer in time; it may have arrived", unknown=True)
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return Outcome(Verdict.PERMANENT, f"the endpoint is no valid address: {_plain(error)}")
    if _never_connected(error):
        return Outcome(Verdict.TEMPORARY, f"no connection: {_plain(error)}")
    return Outcome(
        Verdict.TEMPORARY, f"the connection broke, it may have arrived: {_plain(error)}", unknown=True
    )


def _chain(error: BaseException) -> list[BaseException]:
    """An exception with all that it wraps, as requests and urllib3 nest them."""
    found: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def _forbidden(error: BaseException) -> ForbiddenAddress | None:
    return next((one for one in _chain(error) if isinstance(one, ForbiddenAddress)), None)


def _never_connected(error: BaseException) -> bool:
    kinds = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return any(isinstance(one, kinds) for one in _chain(error))


def _plain(error: BaseException) -> str:
    return str(_chain(error)[-1])[:200]
