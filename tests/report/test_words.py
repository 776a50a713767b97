"""What the report says is what the tables hold: numbers, verdicts, methods of the steps that were run, nothing else."""

import re

import polars as pl
import pytest

from talik.analysis.describe import describe
from talik.analysis.influence import warning_effects
from talik.errors import StoreError
from talik.provenance import FileEntry, write_manifest
from talik.report.document import report
from talik.report.html import page
from talik.report.markdown import markdown
from talik.report.material import STEPS, Material, read_material, steps_frame
from talik.report.parts import Paragraph, Picture, Table
from talik.settings import checked
from talik.synthesis.table import site_table

SITES = {"site": [f"S{k}" for k in range(8)], "region": ["North"] * 5 + ["South"] * 3,
         "latitude": [60.0, 62, 64, 66, 68, -70, -72, -74], "longitude": [0.0, 10, 20, 30, 40, 50, 60, 70],
         "maat": [-5.0, -6, -7, -8, -9, -10, -11, -12], "magst": [-2.0, -3.5, -4.2, -4.9, -6.1, -9.8, -10.5, -11.9],
         "ttop": [-2.2, -3.4, -4.9, -5.5, -6.3, -9.9, -10.1, -12.4]}
STEP_NAMES = ("series", "sites", "summary", "profiles", "scorecard", "predictors", "drivers", "slopes", "figures")


def material(folder, sites=None, *, reasons=None, study=None, declared=(), **tables):
    """The material of a small study: sites, means and effects of warnings, and whatever other tables are given."""
    table = site_table(pl.DataFrame(SITES if sites is None else sites), declared=declared)
    settings = checked({"study": {"name": "small", "replicates": 200, **(study or {})}, "sites": {"table": "mine.csv"}})
    by = [name for name in ("region", "subregion") if table[name].count()]
    table.write_parquet(folder / "sites.parquet")
    summary = describe(table, by=by or None, n_boot=200, variables=["surface_offset", "thermal_offset", "maat"])
    written = {"summary": summary.to_frame(), "warning_effects": warning_effects(table, n_boot=200), **tables}
    for name, frame in written.items():
        frame.write_csv(folder / f"{name}.csv")
    reasons = reasons or {}
    steps = steps_frame([{"step": name, "status": "not run" if name in reasons else "run", "outputs": "", "remedy": "",
                          "reason": reasons.get(name, "")} for name in STEP_NAMES])
    return Material(settings, folder, steps)


def said(document, section="summary"):
    """Lead and text of the paragraphs of a section."""
    parts = next((s.parts for s in document.sections if s.id == section), ())
    return {part.lead.rstrip("."): part.text for part in parts if isinstance(part, Paragraph)}


def decimals(text):
    return {float(number) for number in re.findall(r"(?<![\w.])-?\d+\.\d+", text.replace("−", "-"))}


VERDICTS = pl.DataFrame({"response": ["surface_offset"], "verdict": ["not resolved"], "driver": [None],
                         "recommended": ["surface_offset: not resolved. Skill of snow_depth is 0.31 [-0.02, 0.55]."],
                         "published": ["surface_offset: snow_depth first"], "notes": [""]},
                        schema_overrides={"driver": pl.String})


def pooled(effect=-1.25, low=-2.0, high=-0.5):
    rows = [{"kind": "overall", "label": "Overall", "k": 4, "effect": effect, "low": low, "high": high, "level": 0.95,
             "p": 0.01, "tau2": 0.1, "i2": 0.33, "prediction_low": -3.0, "prediction_high": 0.5, "reason": None,
             "response": "surface_offset", "profile": profile} for profile in ("talik", "liu2025")]
    return pl.DataFrame(rows, schema_overrides={"reason": pl.String})


GROUPS = pl.DataFrame({"group": ["a"], "n": [9], "reason": [None], "response": ["surface_offset"],
                       "profile": ["talik"]}, schema_overrides={"reason": pl.String})
CHECKS = pl.DataFrame({"check": ["x"], "value": [1.0], "low": [0.5], "high": [1.5], "p": [0.5], "n": [3],
                       "meaning": ["y"], "response": ["surface_offset"], "profile": ["talik"]})


def test_every_number_of_the_abstract_is_one_of_the_tables(tmp_path):
    made = material(tmp_path, drivers_verdicts=VERDICTS, slopes_pooled=pooled(), slopes_groups=GROUPS,
                    slopes_checks=CHECKS)
    known = {0.31, -0.02, 0.55}
    for name in ("summary.csv", "slopes_pooled.csv", "warning_effects.csv"):
        frame = made.table(name)
        known |= {round(value, 2) for column in frame.select(pl.selectors.float()).iter_columns() for value in column
                  if value is not None}
    found = said(report(made))
    assert set(found) == {"Studied", "Found", "Verdicts", "Warnings", "Not resolved"}
    numbers = decimals(" ".join(found.values()))
    assert len(numbers) > 15
    assert numbers <= known


def test_other_results_make_other_sentences(tmp_path):
    first = said(report(material(tmp_path)))["Found"]
    moved = said(report(material(tmp_path, SITES | {"magst": [t + 1.0 for t in SITES["magst"]]})))["Found"]
    assert "3.86" in moved
    assert "2.86" in first
    assert "2.86" not in moved


@pytest.mark.parametrize("low, high, verdict", [(-2.0, -0.5, "falls with snow depth"), (0.5, 2.0, "rises with"),
                                                (-0.5, 0.7, "has no slope that can be told from zero")])
def test_a_slope_is_named_only_as_far_as_its_interval_reaches(tmp_path, low, high, verdict):
    made = material(tmp_path, slopes_pooled=pooled((low + high) / 2, low, high), slopes_groups=GROUPS,
                    slopes_checks=CHECKS)
    found = said(report(made))["Verdicts"]
    assert verdict in found
    assert found.count("Within groups") == 1          # the study's profile only
    assert "k = 4 groups" in found


def test_what_cannot_be_told_is_told(tmp_path):
    made = material(tmp_path, SITES | {"ttop": [t + 0.1 * (-1) ** k for k, t in enumerate(SITES["magst"])]},
                    reasons={"slopes": "Surface offset on snow_depth: snow_depth are not in the table.",
                             "predictors": "12 are absent.", "scorecard": "no bundled publication."})
    open_ends = said(report(made))["Not resolved"]
    assert "Thermal offset in North: its sign, for the interval [" in open_ends
    assert "Slopes: Surface offset on snow depth: these are not in the table." in open_ends
    assert "absent" not in open_ends
    assert "publication" not in open_ends


def test_two_sites_have_means_without_intervals_and_the_reason(tmp_path):
    made = material(tmp_path, {name: values[:2] for name, values in SITES.items()})
    found = said(report(made))
    assert "2.75 °C in North (n\u00a0=\u00a02; no interval: 2 clusters)" in found["Found"]
    assert "interval from" not in found["Found"]
    assert "Surface offset in North has no interval (2 clusters)." in found["Not resolved"]
    assert "Hesterberg" not in " ".join(said(report(made), "methods").values())


def test_one_site_and_no_region(tmp_path):
    made = material(tmp_path, {name: values[:1] for name, values in SITES.items() if name != "region"})
    found = said(report(made))
    assert "3.00 °C in all sites (n\u00a0=\u00a01; no interval: one value)" in found["Found"]
    assert found["Studied"].startswith("1 site, 1 cluster of sites within 60 km.")


def test_methods_are_those_of_the_steps_that_were_run(tmp_path):
    plain = said(report(material(tmp_path)), "methods")
    assert set(plain) == {"Data", "Offsets and clusters", "Means", "Profiles and warnings", "Software", "References"}
    assert "200 bootstrap resamples" in plain["Means"]
    made = material(tmp_path, drivers_verdicts=VERDICTS, slopes_pooled=pooled(), slopes_groups=GROUPS,
                    slopes_checks=CHECKS, study={"seed": 7, "level": 0.9})
    rich = said(report(made), "methods")
    assert {"Drivers", "Slopes"} <= set(rich)
    assert "500 bootstrap samples" in rich["Drivers"]
    assert "90 % intervals" in rich["Means"]
    assert "(seed 7)" in rich["Means"]


def test_warnings_come_by_their_shift_and_silent_ones_last(tmp_path):
    marks = [(0, "IMPLAUSIBLE_MEAN", "summer"), (6, "OUTSIDE_REGION", "elsewhere")]
    document = report(material(tmp_path, declared=marks))
    section = next(s for s in document.sections if s.id == "warnings")
    ranked = next(part.frame for part in section.parts if isinstance(part, Table))
    shifts = ranked["shift_se"].abs().to_list()
    assert ranked.height == 2
    assert shifts == sorted(shifts, reverse=True)
    assert section.parts[-1].lead == "No effect on any of these means:"
    assert "NO_ALT" in section.parts[-1].text
    assert ranked["warning"][0] in said(document)["Warnings"]


def test_figures_that_are_not_there_have_a_line(tmp_path):
    (tmp_path / "figures").mkdir()
    listed = pl.DataFrame({"name": ["fig1_state_profiles", "fig3_surface_offset"], "caption": ["A", "B"],
                           "alt": ["x", ""], "inline": ["svg", ""], "reason": [None, "no coordinates"]})
    listed.write_csv(tmp_path / "figures/figures.csv")
    (tmp_path / "figures/fig1_state_profiles.svg").write_text('<svg width="252pt" height="9pt"></svg>')
    made = material(tmp_path, reasons={"drivers": "5 rows, 20 are needed.", "slopes": "no snow."})
    document = report(made)
    lines = said(document, "figures")
    assert lines["Figure 5 (drivers)"] == "not drawn: 5 rows, 20 are needed."
    assert lines["Figures 6 and 7 (slopes on snow and on moisture)"] == "not drawn: no snow."
    assert lines["Figure 3"] == "not drawn: no coordinates"
    pictures = [part for s in document.sections for part in s.parts if isinstance(part, Picture)]
    assert [p.number for p in pictures] == ["Figure 1"]
    assert 'style="max-width: 29.1rem"' in page(document)
    assert "![Figure 1. A](../figures/fig1_state_profiles.png)" in markdown(document, tmp_path / "paper")


def test_a_region_and_its_only_sub_region_are_one_line(tmp_path):
    made = material(tmp_path, SITES | {"subregion": ["East"] * 2 + ["West"] * 3 + ["Coast"] * 3})
    section = next(s for s in report(made).sections if s.id == "means")
    groups = section.parts[0].frame["group"].unique(maintain_order=True).to_list()
    assert groups == ["North", "South (Coast)", "East", "West"]
    assert "Coast in South" in section.parts[0].caption


HOSTILE = "<b>|`*_x_*`|</b>\n[a](javascript:1) $x$ @y ~z~ &lt; #"


def test_markdown_keeps_every_name_as_text(tmp_path):
    made = material(tmp_path, SITES | {"site": [f"{k} {HOSTILE}" for k in range(8)]})
    text = markdown(report(made), tmp_path)
    prose = re.sub(r"^> |^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"(?<!\\)[<>$@~&]", prose)
    rows = [line for line in text.splitlines() if line.startswith("| 0 ")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


def test_both_renderings_hold_the_same_sentences(tmp_path):
    document = report(material(tmp_path))
    plain = markdown(document, tmp_path).replace("\\", "")
    html = page(document).replace("&lt;", "<").replace("&amp;", "&").replace("&#39;", "'")
    for section in document.sections:
        for part in section.parts:
            if isinstance(part, Paragraph):
                assert part.text in plain
                assert part.text in html


def test_a_report_again_needs_the_tables_of_the_run(tmp_path):
    made = material(tmp_path)
    made.steps.write_csv(tmp_path / STEPS)
    (tmp_path / "atlas.html").write_text("drawn by the run")
    names = ("summary.csv", "sites.parquet", STEPS, "atlas.html")
    outputs = [FileEntry.of(tmp_path / name, name, "x") for name in names]
    write_manifest(tmp_path, name="small", home=tmp_path, settings=made.settings.model_dump(mode="json"), inputs=[],
                   outputs=outputs)
    (tmp_path / "atlas.html").write_text("drawn again with `talik atlas`")
    assert page(report(read_material(tmp_path))) == page(report(made))
    (tmp_path / "summary.csv").write_text("by\n")
    with pytest.raises(StoreError, match=r"summary.csv: changed since it was made. A report made now"):
        read_material(tmp_path)
    (tmp_path / STEPS).unlink()
    write_manifest(tmp_path, name="small", home=tmp_path, settings=made.settings.model_dump(mode="json"), inputs=[],
                   outputs=[])
    with pytest.raises(StoreError, match=r"no steps.csv here"):
        read_material(tmp_path)
