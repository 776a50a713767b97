"""What stands before every request: who may ask, from which page, and how much may be sent."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.exceptions import HTTPException

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

COOKIE = "talik_token"
BODY_LIMIT = 64 * 1024 * 1024
"""Most bytes of a body: a year of ten-minute values of twenty depths has about 10 MB."""

_HEADERS = {
    b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer", b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin", b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """
    ASGI middleware.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Values of the Host header that are served, with port; another is refused, so that a name that a stranger
        points at this machine (DNS rebinding) gets nothing.
    token : str or None
        When given, every request must bring it: `Authorization: Bearer`, the cookie, or once as `?token=`, which
        sets the cookie.
    limit : int
        Most bytes of a body, counted as they come.
    """

    app: App
    hosts: Collection[str]
    token: str | None = None
    limit: int = BODY_LIMIT

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body counted and the headers of safety added."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                named = {name.lower() for name, _ in own}
                message["headers"] = own + [pair for pair in _HEADERS.items() if pair[0] not in named]
            await send(message)

        refused = self._refusal(scope, headers)
        if refused:
            await _answer(sending, *refused)
            return
        cookie = self._welcome(scope)
        if cookie:
            moved = [(b"location", b"/"), (b"set-cookie", cookie)]
            await _answer(sending, 303, "The token is kept in a cookie.", moved)
            return
        seen = 0

        async def receiving() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                said = f"More than the {self.limit // 2**20} MB allowed were sent. Split the file."
                raise HTTPException(413, said, {"Connection": "close"})
            return message

        await self.app(scope, receiving, sending)

    def _refusal(self, scope: MutableMapping[str, Any], headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if host.lower() not in {known.lower() for known in self.hosts}:
            return 421, "This name is not served here. Use the address that `talik serve` printed."
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "A page of another site asked. Only pages of this service may."
        if headers.get(b"sec-fetch-site") == "cross-site" and scope["method"] not in ("GET", "HEAD"):
            return 403, "A page of another site asked. Only pages of this service may."
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or len(length) > 18:
            return 400, "Content-Length is not a number."
        if int(length) > self.limit:
            return 413, f"{int(length)} bytes are more than the {self.limit // 2**20} MB allowed. Split the file."
        if self.token is not None and not self._knows(scope, headers):
            return 401, "A token is needed: open the address with ?token=... that `talik serve` printed."
        return None

    def _knows(self, scope: MutableMapping[str, Any], headers: dict[bytes, str]) -> bool:
        given = [headers.get(b"authorization", "").removeprefix("Bearer ")]
        try:
            morsel = SimpleCookie(headers.get(b"cookie", "")).get(COOKIE)
            given.append(morsel.value if morsel else "")
        except CookieError:
            given.append("")
        given.append(_asked_token(scope))
        return any(hmac.compare_digest(one.encode(), (self.token or "").encode()) for one in given)

    def _welcome(self, scope: MutableMapping[str, Any]) -> bytes | None:
        """The cookie for one who opened the address with the token in it."""
        if self.token is None or scope["path"] != "/" or not _asked_token(scope):
            return None
        return f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/".encode()


def _asked_token(scope: MutableMapping[str, Any]) -> str:
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("token", [""])[0]


async def _answer(send: Send, status: int, said: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = json.dumps({"detail": said}).encode()
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
