"""`talik read`: what a file holds and how it was understood; on request written out in a plain form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from talik.records import Record

FORMS = ("csv", "parquet", "gtnp", "netcdf")


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how files are to be read, by the names of `talik.read`'s arguments; they hold for all."""
    for option in (
        click.option(
            "--column",
            "columns",
            multiple=True,
            callback=lambda _context, _option, pairs: _columns(pairs),
            metavar="ROLE=NAME",
            help="Which column is time, date, clock, year, doy, hour, depth, temperature, site; or the unit, "
            "depth_unit (unit=F). May be repeated.",
        ),
        click.option(
            "--date-order", type=click.Choice(["YMD", "MDY", "DMY"]), help="Order of the dates, when it is not proved."
        ),
        click.option(
            "--depths",
            callback=lambda _context, _option, text: depths_given(text),
            help="Depths of the temperature columns in m, parted by commas; air is negative.",
        ),
        click.option("--timezone", help="Of the stamps: an offset (+03:00) or a name (America/Yellowknife)."),
        click.option("--encoding", help="Of the text, when the guess is wrong (utf-8, cp1251, gbk, ...)."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", help="Name of the reader, when the file is not recognised.")
@reading_options
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Of the site [°N], instead of the file's.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Of the site [°E], instead of the file's.")
@click.option("--to", "target", type=click.Choice(FORMS), help="Write the records out in this form.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write to. [default: here]",
)
def read(
    files: tuple[Path, ...],
    format: str | None,
    latitude: float | None,
    longitude: float | None,
    target: str | None,
    out: Path,
    **reading: Any,
) -> None:
    """Read logger files and say what was understood."""
    import talik
    from talik.cli.output import complain
    from talik.cli.spelling import as_options
    from talik.errors import TalikError

    command = click.get_current_context().command
    failed: TalikError | None = None
    for path in files:
        try:
            read = talik.read(path, format=format, **reading)
            records = [_placed(record, latitude, longitude) for record in read]
            for record in records:
                click.echo(as_options(described(record), command))
            for written in _exported(records, target, out):
                click.echo(f"wrote {written}")
        except TalikError as error:  # one bad file never stops the rest
            failed = error
            complain(error)
    if failed:
        raise SystemExit(failed.exit_code)


def _placed(record: Record, latitude: float | None, longitude: float | None) -> Record:
    from dataclasses import replace

    place = {"latitude": latitude, "longitude": longitude}
    said = {key: value for key, value in place.items() if value is not None}
    return replace(record, metadata={**record.metadata, **said})


def _exported(records: list[Record], target: str | None, out: Path) -> list[Path]:
    from talik.store.export import export

    return export(records, target, out) if target else []


def described(record: Record) -> str:
    """A record in a few lines: what it holds, its columns, how the file was understood, what is flagged."""
    from talik.records import Flag

    lines = [str(record), f"  format: {record.source.format}   file: {record.source.path}"]
    lines += [f"  {sentence}" for sentence in record.source.understood]
    lines += [
        f"  column {label!r}: {'depth unknown' if depth != depth else f'{depth:g} m'}"
        for label, depth in zip(record.labels, record.depths, strict=True)
    ]
    if record.others:
        lines.append(f"  other channels: {', '.join(record.others)}")
    flagged = {flag.name: n for flag in Flag if (n := int((record.flags & flag.value > 0).sum()))}
    if flagged:
        lines.append("  flags: " + ", ".join(f"{name} {n}" for name, n in flagged.items()))
    place = [
        f"{key} {record.metadata[key]}"
        for key in ("latitude", "longitude", "elevation_m", "policy", "citation")
        if key in record.metadata
    ]
    return "\n".join(lines + ([f"  {', '.join(place)}"] if place else []))


def depths_given(text: str | None) -> list[float] | None:
    """Depths [m] in a text with commas; None stays None."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: expected numbers parted by commas, such as 0,0.5,1", param_hint="--depths"
        ) from None


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        role, mark, name = pair.partition("=")
        if not mark:
            raise click.BadParameter(f"{pair!r}: expected ROLE=NAME, such as time=Datum", param_hint="--column")
        found[role.strip()] = name.strip()
    return found
