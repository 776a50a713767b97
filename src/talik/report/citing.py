"""What to cite: the data of the study and the software, as text and as BibTeX."""

from __future__ import annotations

import talik
from talik.report.html import Section, joined, listing, paragraph, preformatted
from talik.report.material import Material

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
    said = [f"talik {talik.__version__}: surface and thermal offsets of permafrost. BSD-3-Clause."]
    entries = [_SOFTWARE.format(version=talik.__version__)]
    name = material.settings.sites.published
    if name:
        from talik.synthesis.published import dataset

        source = dataset(name)
        said.insert(0, f"{source['citation']} doi:{source['doi']} (bundled data set {name}, version "
                       f"{source['version']}; licence: {source['licence']})")
        entries.insert(0, _DATA.format(key=name.replace("-", "_"), title=source["title"], doi=source["doi"],
                                       citation=source["citation"]))
    else:
        said.insert(0, "Cite the sources of your own table; manifest.json holds the sha256 of the file that was used.")
    return Section("citing", "What to cite", joined([paragraph("If you use these results, please cite:"),
                                                     listing(said), preformatted("\n\n".join(entries))]))
