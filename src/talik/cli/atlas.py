"""Commands that show a study: atlas, serve."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None,
              help="The HTML file. [default: RESULTS/atlas.html]")
def atlas(results: Path, out: Path | None) -> None:
    """
    Write the atlas of RESULTS (a folder that `talik run` wrote) as one HTML file.

    Maps of the three poles and the world, a panel for each site, table, regions, drivers, slopes, scorecard. The file
    opens from disk and asks the network for nothing.
    """
    from talik.atlas.page import write_atlas

    path = write_atlas(results, out)
    click.echo(f"atlas: {path} ({path.stat().st_size / 1e6:.1f} MB)")


@click.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", "address", default="127.0.0.1", show_default=True,
              help="Address to listen on; any but loopback asks every visitor for a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option("--token", envvar="TALIK_TOKEN", default=None,
              help="At least 16 letters and digits; better given as TALIK_TOKEN. [default: made when needed]")
@click.option("--name", "names", multiple=True, help="A further host name to answer to; repeatable.")
def serve(results: Path, address: str, port: int, token: str | None, names: tuple[str, ...]) -> None:
    """
    Serve RESULTS (a folder that `talik run` wrote): the atlas, a JSON API, and a page that checks a logger file.

    Stop with Ctrl-C. Uploaded files are deleted when they have been answered.
    """
    from talik.service.listen import serve as serving

    serving(results, address=address, port=port, token=token, names=names,
            say=lambda text: click.echo(f"open {text}  (Ctrl-C stops)"))
