"""The service is started: on this machine only, or for others with a token."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from talik.errors import UsageError, missing_extra


def is_loopback(address: str) -> bool:
    """
    Whether only this machine can reach a listener on this address.

    Examples
    --------
    >>> [is_loopback(a) for a in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "192.168.1.4", "station.example")]
    [True, True, True, False, False, False]
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def served_hosts(address: str, port: int, names: Sequence[str] = ()) -> list[str]:
    """
    The values of the Host header that are answered.

    Examples
    --------
    >>> served_hosts("127.0.0.1", 8765)
    ['127.0.0.1:8765', 'localhost:8765', '[::1]:8765']
    """
    wildcard = address in ("0.0.0.0", "::")
    known = ["127.0.0.1", "localhost", "[::1]"] if is_loopback(address) or wildcard else []
    known += [] if is_loopback(address) or wildcard else [f"[{address}]" if ":" in address else address]
    return [f"{name}:{port}" for name in known] + [n if ":" in n else f"{n}:{port}" for n in names] + list(names)


def serve(results: Path | str, *, address: str = "127.0.0.1", port: int = 8765, token: str | None = None,
          names: Sequence[str] = (), say: Callable[[str], None] = lambda text: None) -> None:
    """
    Serve a results folder until interrupted.

    Parameters
    ----------
    results : path
        A folder that `talik run` wrote.
    address, port
        Where to listen. Any address but loopback is guarded by a token, made when none is given.
    token : str, optional
        At least 16 characters.
    names : sequence of str
        Further values of the Host header to answer, for a machine with a name or behind a proxy.
    say : callable
        Told the address to open.

    Raises
    ------
    MissingExtra
        If FastAPI or uvicorn is not installed.
    UsageError
        If the token is short.
    """
    try:
        import uvicorn

        from talik.service.app import application
    except ModuleNotFoundError as error:
        raise missing_extra("the service", str(error.name), "service") from None
    if token is not None and (len(token) < 16 or not token.isalnum()):
        raise UsageError(f"token: got {len(token)} characters, expected at least 16 letters and digits")
    if token is None and not is_loopback(address):
        token = secrets.token_hex(16)
    app = application(results, hosts=served_hosts(address, port, names), token=token)
    shown = f"[{address}]" if ":" in address else address
    say(f"http://{shown}:{port}/" + (f"?token={token}" if token else ""))
    uvicorn.run(app, host=address, port=port, log_level="warning", access_log=False, server_header=False, ws="none",
                limit_concurrency=64, timeout_keep_alive=5)
