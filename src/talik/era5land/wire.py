"""One exchange with the Climate Data Store: to its own hosts only, within a time, again after a pause; keys unseen."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from talik.errors import RemoteError, UsageError

SERVICE = "https://cds.climate.copernicus.eu/api"
_OWN_HOSTS = (".copernicus.eu", ".ecmwf.int")
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LARGEST_REPLY = 8 << 20

HOW_TO_KEY = ("Make a token at https://cds.climate.copernicus.eu/profile and put two lines into ~/.cdsapirc: "
              f"'url: {SERVICE}' and 'key: <token>'; or set CDSAPI_URL and CDSAPI_KEY.")


class Interrupted(Exception):
    """The connection broke, stalled or sent something unusable; what was asked for may be asked for again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How long to wait for what.

    Parameters
    ----------
    tries : int
        Times the same exchange is tried before giving up.
    first, longest : float
        Shortest and longest pause between tries [s]; it doubles, and a random half of it is left out so that many
        clients do not come back together.
    poll : float
        Longest pause between two looks at a queued job [s].
    queue : float
        Longest wait for a job [s].
    reply : float
        Longest time for one reply, header to end [s].
    stall : float
        A transfer that brings less than `slowest` bytes a second over this time [s] is broken off and resumed.
    slowest : float
        [bytes s-1]
    sleep, clock : callable
        Of tests.
    """

    tries: int = 8
    first: float = 2.0
    longest: float = 120.0
    poll: float = 60.0
    queue: float = 7 * 86400.0
    reply: float = 90.0
    stall: float = 60.0
    slowest: float = 2000.0
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pause(self, attempt: int, told: float | None = None) -> None:
        """Wait before try number `attempt` + 1: what the service told [s], else longer each time, with jitter."""
        if told is not None:
            self.sleep(min(max(told, 0.0), 3600.0) + random.uniform(0.0, self.first / 2))
        else:
            self.sleep(min(self.longest, self.first * 2.0**attempt) * random.uniform(0.5, 1.0))


USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Account:
    """Where to ask and with whose key; the key is not shown."""

    url: str
    key: str = field(repr=False)

    @property
    def host(self) -> str:
        """The host of the service."""
        return urlsplit(self.url).hostname or ""

    def hidden(self, text: object, longest: int = 300) -> str:
        """A text of the service on one line, shortened, without the key and without control characters."""
        line = " ".join(re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", str(text)).split()).replace(self.key, "***")
        return line if len(line) <= longest else line[:longest] + "..."


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> float | None:
        """The pause the service asks for [s], if it does."""
        return retry_after(self.headers.get("retry-after"))

    @property
    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is none (a page of a proxy, a cut reply)."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def account(url: str | None = None, key: str | None = None) -> Account:
    """
    The account to use: arguments, else CDSAPI_URL and CDSAPI_KEY, else ~/.cdsapirc (or the file CDSAPI_RC names).

    Raises
    ------
    UsageError
        If there is no key, it is of the old form, or the address is not https.
    """
    saved = _saved(_file())
    url = (url or os.environ.get("CDSAPI_URL") or saved.get("url") or SERVICE).rstrip("/")
    key = (key or os.environ.get("CDSAPI_KEY") or saved.get("key") or "").strip()
    if not key:
        raise UsageError(f"no key for the Climate Data Store. {HOW_TO_KEY}")
    if ":" in key:
        raise UsageError("the key for the Climate Data Store has the old form '<user>:<key>', which ended in 2024. "
                         f"{HOW_TO_KEY}")
    if not re.fullmatch(r"[\x21-\x7e]{8,}", key):
        raise UsageError("the key for the Climate Data Store holds blanks or signs no key has, or is cut. "
                         f"{HOW_TO_KEY}")
    scheme, host = _address(url)
    if not host or not (scheme == "https" or (scheme == "http" and is_loopback(host))):
        raise UsageError(f"the address of the Climate Data Store has to begin with https:// and hold no password. "
                         f"{HOW_TO_KEY}")
    return Account(url, key)


def has_key() -> bool:
    """Whether CDSAPI_KEY or ~/.cdsapirc (or the file CDSAPI_RC names) holds a key, whatever it is worth."""
    return bool(os.environ.get("CDSAPI_KEY") or _saved(_file()).get("key"))


def _file() -> Path:
    return Path(os.environ.get("CDSAPI_RC") or Path.home() / ".cdsapirc")


def _saved(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({type(error).__name__}). {HOW_TO_KEY}") from error
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, value in pairs}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def permitted(account: Account, url: str) -> str:
    """
    An address the service sent, if it is one of the service's own.

    Raises
    ------
    RemoteError
        If it is not https on a host of the service (or this machine, when the service itself is this machine).
    """
    scheme, host = _address(url)
    own = host == account.host or host.endswith(_OWN_HOSTS)
    local = is_loopback(account.host) and is_loopback(host)
    if not host or not ((scheme == "https" and own) or (scheme in ("http", "https") and local)):
        raise RemoteError(f"the Climate Data Store pointed to {account.hidden(host, 80)!r} "
                          f"({scheme or 'no scheme'}), which is not one of its hosts: refused, nothing was "
                          "fetched from there.")
    return url


def _address(url: str) -> tuple[str, str]:
    """Scheme and host; no host when the address is malformed or holds a user."""
    try:
        parts = urlsplit(url)
        return parts.scheme, "" if parts.username is not None or parts.port == 0 else parts.hostname or ""
    except ValueError:
        return "", ""


def retry_after(value: str | None) -> float | None:
    """
    Seconds meant by a Retry-After header, given as a number or as a date.

    Examples
    --------
    >>> retry_after("17"), retry_after("soon"), retry_after("Thu, 01 Jan 1970 00:00:00 GMT")
    (17.0, None, 0.0)
    """
    if value is None:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


@contextmanager
def opened(account: Account, method: str, url: str, patience: Patience, *, body: bytes | None = None,
           headers: Mapping[str, str] | None = None, whole: bool = False) -> Iterator[http.client.HTTPResponse]:
    """
    The response to one request, redirects among the service's hosts followed; the key goes to the service only.

    Parameters
    ----------
    whole : bool
        Whether `patience.reply` is the time for the whole answer, after which the connection is cut however it still
        drips; else for its header.

    Raises
    ------
    Interrupted
        If the connection cannot be made or breaks.
    RemoteError
        If the certificate is wrong, or a redirect leads elsewhere.
    """
    for _ in range(4):
        connection = _connection(permitted(account, url), patience.reply)
        watchdog = threading.Timer(patience.reply, _cut, (connection,))
        watchdog.daemon = True
        try:
            response = _sent(connection, account, method, url, body, headers or {}, watchdog)
            if not whole:
                watchdog.cancel()
            place = response.headers.get("Location")
            if response.status not in _REDIRECTS or method != "GET" or not place:
                yield response
                return
            url = urljoin(url, place)
        except ssl.SSLCertVerificationError as error:
            raise RemoteError(f"{urlsplit(url).hostname}: the certificate is not to be trusted "
                              f"({error.verify_message}). Check the clock of this machine and the network's "
                              "proxy.") from error
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"{type(error).__name__}: {account.hidden(error, 120)}") from error
        finally:
            watchdog.cancel()
            connection.close()
    raise RemoteError("the Climate Data Store redirects in a circle. Try again later.")


def _connection(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    if proxy is None:
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout)
    through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    connection = http.client.HTTPSConnection(through.hostname or "", through.port or 8080, timeout=timeout)
    connection.set_tunnel(host, parts.port or 443)
    return connection


def _sent(connection: http.client.HTTPConnection, account: Account, method: str, url: str, body: bytes | None,
          headers: Mapping[str, str], watchdog: threading.Timer) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    base = urlsplit(account.url)
    told = {"User-Agent": "talik", "Accept-Encoding": "identity", **headers}
    if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        told["PRIVATE-TOKEN"] = account.key
    if body is not None:
        told["Content-Type"] = "application/json"
    connection.connect()
    watchdog.start()
    connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, told)
    return connection.getresponse()


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return      # already closed: there is nothing left to cut


def exchange(account: Account, method: str, path: str, patience: Patience,
             inputs: Mapping[str, Any] | None = None) -> Reply:
    """
    One JSON question to the service, asked once.

    Raises
    ------
    Interrupted
        If no whole reply came in time; whether the service heard the question is then unknown.
    """
    body = None if inputs is None else json.dumps({"inputs": inputs}).encode()
    with opened(account, method, account.url + path, patience, body=body, whole=True) as response:
        content = response.read(_LARGEST_REPLY)
        headers = {name.lower(): value for name, value in response.headers.items()}
        length = headers.get("content-length", "")
        if length.isdigit() and len(content) != int(length):
            raise Interrupted(f"the reply was cut: {len(content)} of {length} bytes")
        return Reply(response.status, headers, content)


def ask(account: Account, method: str, path: str, patience: Patience,
        inputs: Mapping[str, Any] | None = None) -> Reply:
    """
    A question that may be asked again: after a broken line, a busy or failing service, or a reply that is not JSON.

    Raises
    ------
    RemoteError
        If no usable reply came in all tries.
    """
    why = ""
    for attempt in range(patience.tries):
        told = None
        try:
            reply = exchange(account, method, path, patience, inputs)
            if reply.status not in BUSY and (reply.json is not None or 400 <= reply.status < 500):
                return reply
            told, why = reply.told, f"HTTP {reply.status}" + ("" if reply.json is not None else ", not JSON")
        except Interrupted as error:
            why = str(error)
        if attempt + 1 < patience.tries:
            patience.pause(attempt, told)
    raise RemoteError(f"{account.host}: no usable reply in {patience.tries} tries (last: {account.hidden(why, 160)}). "
                      "What was fetched and queued is kept; run the same command again later.")
