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
