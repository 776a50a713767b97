"""Command on a finished study: report."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["html", "md"]), default="html", show_default=True,
              help="One page with everything inside, or Markdown that links the figure files.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None,
              help="File to write. [default: report.html or report.md in RESULTS]")
def report(results: Path, form: Literal["html", "md"], out: Path | None) -> None:
    """
    Write the report of RESULTS, a folder made by `talik run`, again.

    The Markdown is plain (pipe tables, relative links to the figures, captions), so that pandoc makes a word
    processor's file of it: pandoc report.md -o report.docx. Refused when a table of the folder is missing or changed.
    """
    from talik.files import write_text
    from talik.report.document import report as document
    from talik.report.html import page
    from talik.report.markdown import markdown
    from talik.report.material import read_material

    out = out or results / f"report.{form}"
    made = document(read_material(results))
    write_text(out, page(made) if form == "html" else markdown(made, out.parent))
    click.echo(out)
