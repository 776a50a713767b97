"""What to cite: the data of the study and the software, as text and as BibTeX."""

from __future__ import annotations

import re

import talik
from talik.errors import DataError
from talik.report.material import Material
from talik.report.parts import Listing, Paragraph, Preformatted, Section

_SOFTWARE = """@software{{talik,
  author  = {{The talik developers}},
  title   = {{talik: surface and thermal offsets of permafrost, from logger files to drivers, meta-analysis and maps}},
  version = {{{version}}},
  year    = {{2026}}
}}"""
_ARTICLE = """@article{{{key},
  author  = {{{authors}}},
  title   = {{{title}}},
  journal = {{{journal}}},
  year    = {{{year}}},
  doi     = {{{doi}}}
}}"""
_CITED = re.compile(r"(?P<authors>.+) \((?P<year>\d{4})\): (?P<title>.+)\. (?P<journal>[^.]+)\.")


def citing(material: Material) -> Section:
    """Data and software, each as a sentence and as a BibTeX entry."""
    said = [f"talik {talik.__version__}: surface and thermal offsets of permafrost. BSD-3-Clause. Its CITATION.cff "
            "says the same for machines."]
    entries = [_SOFTWARE.format(version=talik.__version__)]
    section = material.settings.sites
    if section.published:
        from talik.synthesis.published import dataset

        source = dataset(section.published)
        said.insert(0, f"{source['citation']} doi:{source['doi']} (bundled data set {section.published}, version "
                       f"{source['version']}; licence: {source['licence']})")
        entries.insert(0, _article(section.published.replace("-", "_"), source["citation"], source["doi"]))
    if section.table:
        said.insert(0, "Cite the sources of your own table; manifest.json holds the sha256 of the file that was used.")
    if material.settings.series is not None:
        said.insert(0, "Cite the sources of the logger files; series_values.csv names the files behind each value, "
                       "with their sha256.")
    if material.settings.predictors.era5land:
        said.append("Cite ERA5-Land (doi:10.24381/cds.e2161bac for hourly data, doi:10.24381/cds.68d2bb30 for monthly "
                    "means) as the Climate Data Store asks.")
    return Section("citing", "What to cite", [Paragraph("If you use these results, please cite:"), Listing(said),
                                              Preformatted("\n\n".join(entries), "bibtex")])


def _article(key: str, citation: str, doi: str) -> str:
    """The BibTeX entry of an article from the sentence that cites it."""
    found = _CITED.fullmatch(citation)
    if found is None:
        raise DataError(f"citation: got {citation!r}, expected 'Family, G., ... (year): Title. Journal.'")
    authors = re.sub(r"(?<=\.), ", " and ", found["authors"])
    return _ARTICLE.format(key=key, doi=doi, **found.groupdict() | {"authors": authors})
