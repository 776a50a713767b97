"""The API: study, sites, offsets by year, daily series, result tables; pages of rows, each answer with its ETag."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Header, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from talik.atlas.holdings import Holdings
from talik.atlas.page import finite

Number = Annotated[int, Query(ge=1, le=10**9, description="Page, from 1.")]
Size = Annotated[int, Query(ge=1, le=500, description="Rows a page.")]
Known = Annotated[str | None, Header(alias="If-None-Match", description="ETag of the answer one already has.")]
Text = Annotated[str | None, Query(max_length=200)]
Site = Annotated[str, Path(max_length=200, description="Its number, as /api/sites counts, or its name.")]
Days = Annotated[int, Query(ge=1, le=20_000, description="Rows a page.")]
Day = Annotated[date | None, Query(description="Day, as 2020-01-31.")]


class Rows(BaseModel):
    """A page of rows; columns are named as in talik's catalogue, a missing value is null."""

    total: int = Field(description="Rows in all, after the filters.")
    page: int
    size: int
    columns: list[str]
    items: list[dict[str, Any]]


class Fault(BaseModel):
    """Why there is no answer."""

    detail: str


class Study(BaseModel):
    """What this service shows."""

    study: str
    title: str
    made: str | None
    talik: str | None
    profile: str | None
    sites: int
    tables: list[str]
    series: list[int] = Field(description="Numbers of the sites that have daily series.")


_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed since that ETag."}}
_ABSENT: dict[int | str, dict[str, Any]] = {404: {"model": Fault, "description": "Not in this study."}}


def api(holdings: Holdings) -> APIRouter:
    """The routes over one results folder."""
    router = APIRouter(prefix="/api")
    sites = holdings.sites.with_row_index("number", offset=1)

    @router.get("/study", response_model=Study, responses=_UNCHANGED, summary="What this service shows")
    def study(known: Known = None) -> Response:
        settings = holdings.manifest["settings"].get("study", {})
        return _answer({
            "study": holdings.manifest["study"], "title": holdings.title, "made": holdings.manifest.get("made"),
            "talik": holdings.manifest.get("versions", {}).get("talik"), "profile": settings.get("profile"),
            "sites": sites.height, "tables": holdings.shown_tables,
            "series": sites.filter(pl.col("site").cast(pl.String).is_in(list(holdings.series)))["number"].to_list()},
            known)

    @router.get("/sites", response_model=Rows, responses=_UNCHANGED | _ABSENT, summary="Sites, filtered")
    def list_sites(page: Number = 1, size: Size = 100, region: Text = None, flag: Text = None, search: Text = None,
                   known: Known = None) -> Response:
        rows = sites
        if region is not None:
            rows = _in_region(rows, region)
        if flag is not None:
            rows = (rows.filter(pl.col("flags").fill_null("").str.split(";").list.contains(flag))
                    if "flags" in rows.columns else rows.clear())
        if search is not None:
            rows = rows.filter(pl.col("site").cast(pl.String).str.to_lowercase().str.contains(
                search.lower(), literal=True))
        return _page(rows, page, size, known)

    @router.get("/sites/{site}", responses=_UNCHANGED | _ABSENT, summary="One site, every column")
    def one_site(site: Site, known: Known = None) -> Response:
        return _answer(_site(sites, site), known)

    @router.get("/sites/{site}/offsets", response_model=Rows, responses=_UNCHANGED | _ABSENT,
                summary="Offsets of a site by year")
    def offsets(site: Site, page: Number = 1, size: Size = 100, known: Known = None) -> Response:
        return _page(_of(holdings.years(), _site(sites, site), "offsets by year"), page, size, known)

    @router.get("/sites/{site}/series", response_model=Rows, responses=_UNCHANGED | _ABSENT,
                summary="Daily temperatures of a site, accepted and rejected")
    def series(site: Site, column: Text = None, first: Day = None, last: Day = None,
               page: Number = 1, size: Days = 1000, known: Known = None) -> Response:
        days = holdings.days(str(_site(sites, site)["site"]))
        if days is None:
            raise HTTPException(404, "This site has no daily series: see /api/study for the sites that have.")
        if column is not None:
            days = days.filter(pl.col("column") == column)
        if first is not None:
            days = days.filter(pl.col("time") >= first)
        if last is not None:
            days = days.filter(pl.col("time") <= last)
        return _page(days, page, size, known)

    @router.get("/results/{table}", response_model=Rows, responses=_UNCHANGED | _ABSENT,
                summary="A table of the results folder (see /api/study)")
    def results(table: Annotated[str, Path(max_length=200)], page: Number = 1, size: Size = 100,
                known: Known = None) -> Response:
        # Only names that the folder lists are opened: a name from an address never becomes a path.
        found = holdings.table(f"{table}.csv") if table in holdings.shown_tables else None
        if found is None:
            raise HTTPException(404, f"No table {table!r}. There are: {', '.join(holdings.shown_tables)}.")
        return _page(found, page, size, known)

    return router


def _site(sites: pl.DataFrame, wanted: str) -> dict[str, Any]:
    """The site of a name, in whatever case; else of a number."""
    found = sites.filter(pl.col("site").cast(pl.String).str.to_lowercase() == wanted.lower())
    if found.is_empty() and wanted.isascii() and wanted.isdigit():
        found = sites.filter(pl.col("number") == int(wanted)) if len(wanted) < 10 else found
    if found.height != 1:
        several = f"{found.height} sites are called" if found.height else "No site is called"
        raise HTTPException(404, f"{several} {wanted!r}: give its number, from 1 to {sites.height} in the order of "
                                 "/api/sites, or its whole name.")
    return found.row(0, named=True)


def _in_region(sites: pl.DataFrame, region: str) -> pl.DataFrame:
    known = sites["region"].drop_nulls().cast(pl.String).unique().sort().to_list() if "region" in sites.columns else []
    if region.lower() not in {name.lower() for name in known}:
        raise HTTPException(404, f"No region {region!r}. There {'are: ' + ', '.join(known) if known else 'is none'}.")
    return sites.filter(pl.col("region").cast(pl.String).str.to_lowercase() == region.lower())


def _of(table: pl.DataFrame | None, site: dict[str, Any], what: str) -> pl.DataFrame:
    if table is None:
        raise HTTPException(404, f"This study holds no {what}: its sites came as a table of means.")
    return table.filter(pl.col("site") == site["site"])


def _page(rows: pl.DataFrame, page: int, size: int, known: str | None) -> Response:
    items = rows.slice((page - 1) * size, size).to_dicts()
    return _answer({"total": rows.height, "page": page, "size": size, "columns": rows.columns, "items": items}, known)


def _answer(content: Any, known: str | None) -> Response:
    body = json.dumps(finite(content), ensure_ascii=False, default=str, allow_nan=False).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known is not None and tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
