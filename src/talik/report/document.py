"""The report as a document: sections made from what the results folder holds; one without its tables is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import talik
from talik.report.abstract import summary
from talik.report.cautions import cautions
from talik.report.chapters import drivers, slopes
from talik.report.citing import citing
from talik.report.material import Material
from talik.report.methods import methods
from talik.report.parts import Document, Section
from talik.report.pictures import pictures
from talik.report.tables import flags, means, profiles, provenance, scorecard, steps
from talik.report.years import years

SECTIONS: Sequence[Callable[[Material], Section | None]] = (
    summary, cautions, steps, methods, years, means, pictures, drivers, slopes, scorecard, profiles, flags, citing,
    provenance)
"""The sections, in order."""


def report(material: Material) -> Document:
    """The whole report, for `talik.report.html.page` and `talik.report.markdown.markdown`."""
    study = material.settings.study
    return Document(
        title=study.title or study.name,
        lede=f"Study {study.name}; profile {study.profile}; seed {study.seed}.",
        sections=[section for make in SECTIONS if (section := make(material)) is not None],
        colophon=f"Made by talik {talik.__version__} from the tables and figures beside it. manifest.json traces every "
                 "number to its inputs; the command talik verify checks them.")
