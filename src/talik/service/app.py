"""The application: atlas at /, page for a logger file at /check, API under /api, its description at /openapi.json."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

import talik
from talik.atlas.holdings import Holdings
from talik.atlas.page import atlas_page, digest
from talik.service.api import Fault, api
from talik.service.guard import BODY_LIMIT, Guard
from talik.service.worker import Refused, understood

WORKERS, WAITING = 2, 8
"""Files that are read at the same time, and that may wait."""


def application(results: Path | str, *, hosts: Collection[str], token: str | None = None,
                limit: int = BODY_LIMIT) -> Guard:
    """
    The service over a results folder, behind its guard.

    Parameters
    ----------
    results : path
        A folder that `talik run` wrote.
    hosts : collection of str
        Values of the Host header that are served, e.g. "127.0.0.1:8765".
    token : str, optional
        Asked of every request when given.
    limit : int
        Most bytes of an uploaded file.

    Raises
    ------
    FileError
        If the folder holds no study or is damaged.
    """
    return Guard(inner(Holdings.of(results)), frozenset(hosts), token, limit)


def inner(holdings: Holdings) -> FastAPI:
    """The service without its guard."""
    app = FastAPI(title=f"talik: {holdings.title}", version=talik.__version__, docs_url=None, redoc_url=None,
                  description="Sites, offsets, series and results of one study. Temperatures in °C, depths in m "
                              "(positive down), thickness in m, longitudes from -180 to 180, times in UTC.")
    app.include_router(api(holdings))
    atlas = atlas_page(holdings, links={"Check a logger file": "/check", "API": "/openapi.json"})
    check = check_page(holdings.title)
    room = asyncio.Semaphore(WORKERS)
    waiting = 0

    # The pages bring their own, stricter rules in a meta element; a header can only narrow them further.
    framing = {"Content-Security-Policy": "frame-ancestors 'none'", "Cache-Control": "no-cache"}

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def show_atlas() -> HTMLResponse:
        return HTMLResponse(atlas, headers=framing)

    @app.get("/check", response_class=HTMLResponse, include_in_schema=False)
    def show_check() -> HTMLResponse:
        return HTMLResponse(check, headers=framing)

    @app.post("/api/check", summary="Read and check one logger file, sent as the body; nothing is kept",
              responses={code: {"model": Fault, "description": text} for code, text in (
                  (400, "The file was not understood."), (413, "The file is too large."), (503, "Too many wait."))},
              openapi_extra={"requestBody": {"required": True, "content": {
                  "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}})
    async def check_file(request: Request, name: Annotated[str, Query(
            min_length=1, max_length=200, description="Name of the file; its ending counts.")]) -> JSONResponse:
        nonlocal waiting
        if waiting >= WORKERS + WAITING:
            raise HTTPException(503, "Too many files are waiting. Try again in a minute.")
        waiting += 1
        try:
            async with room:
                found = await understood(request.stream(), name)
            return JSONResponse(dict(found), headers={"Cache-Control": "no-store"})
        except Refused as refusal:
            raise HTTPException(400, refusal.said) from None
        finally:
            waiting -= 1

    return app


def check_page(title: str) -> str:
    """The page on which a logger file is dropped."""
    import jinja2

    room, shared = files("talik.service"), files("talik.atlas")
    script = (room / "check.js").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True).from_string((room / "check.html").read_text(encoding="utf-8"))
    values: dict[str, Any] = {"title": title, "version": talik.__version__, "script": script, "hash": digest(script),
                              "style": (shared / "atlas.css").read_text(encoding="utf-8")}
    return template.render(values)
