"""What to cite: the data of the study and the software, as text and as BibTeX."""

from __future__ import annotations

import talik
from talik.report.material import Material
from talik.report.parts import Listing, Paragraph, Preformatted, Section

_SOFTWARE = """@software{{talik,
  author  = {{The talik developers}},
  title   = {{talik: surface and thermal offsets of permafrost, from logger files to drivers, meta-analysis and maps}},
  version = {{{version}}},
  year    = {{2026}}
}}"""
_DATA = """@article{{{key},
  title = {{{title}}},
  doi   = {{{doi}}},
  note  = {{{citation}}}
}}"""


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
        entries.insert(0, _DATA.format(key=section.published.replace("-", "_"), title=source["title"],
                                       doi=source["doi"], citation=source["citation"]))
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
