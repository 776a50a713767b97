"""The atlas as a file and in a real browser: small, silent, linked, usable by keyboard, deaf to hostile names."""

import csv
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from talik.atlas.page import write_atlas

HOSTILE = '<img src=x onerror="document.title=1">'

MARKER = """async ({ chart, site }) => {
  const box = document.getElementById('draw-map-' + chart), frame = () => new Promise(requestAnimationFrame);
  box.scrollIntoView({ block: 'center', behavior: 'instant' });
  for (let before = null, still = 0; still < 3; ) {
    await frame();
    const r = box.getBoundingClientRect(), now = [r.left, r.top, r.width, r.height].join();
    still = now === before ? still + 1 : 0;
    before = now;
  }
  const all = Bokeh.documents.flatMap(d => [...d._all_models.values()]);
  const s = all.find(m => m.name === 'sites').data, k = s.site.indexOf(site);
  const view = [...Bokeh.index].find(v => v.model.name === 'map-' + chart), { x_scale, y_scale } = view.frame;
  const r = view.el.getBoundingClientRect();
  return [r.left + x_scale.compute(s['x_' + chart][k]), r.top + y_scale.compute(s['y_' + chart][k])] }"""
"""Where a site's marker is in the window, once the map has stood still for three frames [px]."""


def choose(page, site):
    """Choose a site in the table, and wait until the panel and its series show it."""
    page.evaluate("name => [...document.querySelectorAll('#sites tbody button')]"
                  ".find(b => b.textContent === name).click()", site)
    expect(page.locator("#panel h2")).to_have_text(site)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def sites_shown(page):
    return int(page.locator("#count").inner_text().split()[0])


@pytest.fixture(scope="session")
def page_file(finished, tmp_path_factory):
    return write_atlas(finished, tmp_path_factory.mktemp("atlas") / "atlas.html")


@pytest.fixture(scope="session")
def hostile_file(hostile_study):
    return write_atlas(hostile_study)


def test_the_file_is_small_and_names_no_other_file(page_file):
    text = page_file.read_text(encoding="utf-8")
    assert page_file.stat().st_size < 6_000_000
    assert not re.search(r"<(link|iframe|object|embed|base)\b|<[a-z][^>]*\s(src|href)=[\"']?(https?:)?//", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_the_command_writes_it_beside_the_tables(results):
    from talik.cli.atlas import atlas

    run = CliRunner().invoke(atlas, [str(results)])
    assert run.exit_code == 0, run.output
    assert (results / "atlas.html").is_file()
    assert str(results / "atlas.html") in run.output


def test_names_from_data_are_never_markup(hostile_file):
    text = hostile_file.read_text(encoding="utf-8")
    assert "<img" not in text.split("<script")[0]
    assert "<script>document" not in text
    assert "<script>alert" not in text


@pytest.mark.browser
@pytest.mark.parametrize("width, scheme", [(390, "light"), (650, "light"), (1300, "dark"), (3840, "light")])
def test_it_opens_quietly_and_fits(atlas_of, page_file, width, scheme):
    """From a phone, over a laptop at 200 per cent, to a wall screen."""
    with atlas_of(page_file, width=width, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator("#sites tbody tr")).to_have_count(117)
        assert page.locator("canvas").count() >= 4
        assert page.evaluate("getComputedStyle(document.body).colorScheme") == scheme


@pytest.mark.browser
def test_choosing_a_site_links_maps_table_and_panel(atlas_of, page_file):
    with atlas_of(page_file) as page:
        choose(page, "Barrow")
        panel = page.locator("#panel")
        expect(panel).to_contain_text("SO 4.60 °C · TO 0.20 °C")
        expect(panel).to_contain_text("Provenance")
        expect(page.locator("#sites tr[aria-selected=true] td").first).to_have_text("Barrow")
        chosen = """() => Bokeh.documents.flatMap(d => [...d._all_models.values()])
                    .filter(m => m.type === 'ColumnDataSource' && m.selected.indices.length)
                    .map(m => m.selected.indices.map(i => m.data.site[i]))"""
        named = {name for names in page.evaluate(chosen) for name in names}
        assert named == {"Barrow"}
        page.keyboard.press("ArrowRight")
        expect(panel.locator("h2")).to_have_text("Bonanza_Creek")
        page.keyboard.press("Escape")
        expect(panel).to_contain_text("No site chosen")


@pytest.mark.browser
@pytest.mark.parametrize("held", [0, 700])
def test_a_click_on_a_marker_chooses_its_site(atlas_of, page_file, held):
    """A slow click [ms held] as well as a quick one; where the map moved under the pointer, the click is made again."""
    with atlas_of(page_file) as page:
        heading = page.locator("#panel h2")
        for _ in range(3):
            page.mouse.click(*page.evaluate(MARKER, {"chart": "antarctic", "site": "Marion Island"}), delay=held)
            try:
                expect(heading).to_have_text("Marion Island", timeout=30_000)
                break
            except AssertionError:
                continue
        expect(heading).to_have_text("Marion Island")


@pytest.mark.browser
def test_filters_and_download_agree(atlas_of, page_file):
    with atlas_of(page_file) as page:
        page.select_option("#class-region", "=Third Pole")
        expect(page.locator("#count")).to_have_text("32 of 117 sites")
        page.select_option("#flag", "+")
        expect(page.locator("#count")).not_to_have_text("32 of 117 sites")
        shown = sites_shown(page)
        assert 0 < shown < 32
        with page.expect_download() as caught:
            page.click("#download")
        text = Path(caught.value.path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == shown == page.locator("#sites tbody tr").count()
        assert {row["region"] for row in rows} == {"Third Pole"}
        assert all(row["flags"] for row in rows)
        page.click("#reset")
        expect(page.locator("#count")).to_have_text("117 of 117 sites")
        page.fill("#search", "barrow")
        expect(page.locator("#count")).not_to_have_text("117 of 117 sites")
        assert 1 <= sites_shown(page) == page.locator("#sites tbody tr").count()
        page.fill("#search", "no such place anywhere")
        expect(page.locator("#count")).to_have_text("0 of 117 sites")


@pytest.mark.browser
def test_every_quantity_can_colour_and_size(atlas_of, page_file):
    with atlas_of(page_file) as page:
        for option in page.locator("#colour option").all():
            name, label = option.get_attribute("value"), re.sub(r" \([A-Z]+\)$", "", option.inner_text())
            page.select_option("#colour", name)
            if name != "region":
                expect(page.locator("#legend > span").first).to_contain_text(label)
                page.select_option("#size", name)
                expect(page.locator("#legend .soft")).to_contain_text(label.lower())
        page.select_option("#colour", "surface_offset")
        expect(page.locator("#legend .ends span").nth(1)).to_have_text("0")


@pytest.mark.browser
def test_the_table_sorts_with_missing_values_last(atlas_of, page_file):
    with atlas_of(page_file) as page:
        head = page.locator("th[data-column=alt]")
        for sign, order in ((1, "ascending"), (-1, "descending")):
            head.locator("button").click()
            expect(head).to_have_attribute("aria-sort", order)
            cells = [t.replace("−", "-") for t in page.locator("#sites tbody td:nth-child(11)").all_inner_texts()]
            known = [float(t) for t in cells if t != "–"]
            assert known == sorted(known, key=lambda v: sign * v)
            assert cells[len(known):] == ["–"] * (117 - len(known))


@pytest.mark.browser
def test_hostile_names_do_nothing(atlas_of, hostile_file):
    sensors = {HOSTILE: [HOSTILE, "$$x$$ </script>", "=1+1"],
               "$$\\href{https://example.org}{x}$$": ["__proto__", "constructor"]}
    with atlas_of(hostile_file) as page:
        for button in page.locator("#sites tbody button").all():
            name = button.inner_text()
            choose(page, name)
            expect(page.locator("#series-body")).to_be_visible(visible=name in sensors)
            if name in sensors:
                expect(page.locator("#sensors label")).to_have_text(sensors[name])
        choose(page, HOSTILE)
        with page.expect_download() as caught:
            page.click("#series-download")
        assert "'=1+1," in Path(caught.value.path()).read_text(encoding="utf-8")
        for quantity in ("region", "surface_offset"):
            page.select_option("#colour", quantity)
        with page.expect_download() as caught:
            page.click("#download")
        assert "'=1+1," in Path(caught.value.path()).read_text(encoding="utf-8")
        expect(page.locator("img")).to_have_count(0)
        assert page.title() == "<script>alert(1)</script> · talik atlas"


@pytest.fixture(scope="session")
def station_file(station_study, tmp_path_factory):
    return write_atlas(station_study, tmp_path_factory.mktemp("atlas") / "stations.html")


HELD = """name => { const all = Bokeh.documents.flatMap(d => [...d._all_models.values()]);
          const data = all.find(m => m.name === name).data;
          const plain = (key, value) => Array.from(key === 'image' ? value[0] : value);
          return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, plain(key, value)])) }"""


def wait_until_held(page, source, column, values):
    """Playwright's own wait_for_function would need `eval`, which the page forbids."""
    for _ in range(600):
        if page.evaluate(HELD, source)[column] == values:
            return
        page.wait_for_timeout(100)
    assert page.evaluate(HELD, source)[column] == values


@pytest.mark.browser
@pytest.mark.parametrize("width, scheme", [(390, "dark"), (1300, "light")])
def test_series_depths_and_trumpet_of_the_chosen_site(atlas_of, station_file, width, scheme):
    with atlas_of(station_file, width=width, scheme=scheme) as page:
        expect(page.locator("#series-none")).to_contain_text("2 of 3 have series")
        choose(page, "Short")
        expect(page.locator("#series-title")).to_have_text("Series of Short")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        lines = page.evaluate(HELD, "series-lines")
        assert lines["name"] == ["air", "top", "middle", "deep"]
        drawn = [v for v in lines["ys"][2] if v == v]
        assert max(drawn) == pytest.approx(-4 + 14 * 2.718281828 ** -0.5, abs=0.02)
        assert page.evaluate(HELD, "series-marks")["told"][0] == "sentinel, middle, 2019-05-16"
        assert min(page.evaluate(HELD, "series-marks")["y"]) > -30           # at the edge, not at -999
        expect(page.locator("#rejected")).to_contain_text("sentinel")
        field = page.evaluate(HELD, "depth-time-field")["image"]
        assert sum(v != v for v in field) == 62 * 96                         # a gap of 60 days, 2 rejected: no bridge
        expect(page.locator("#trumpet-year")).to_have_value("2020")
        assert page.evaluate(HELD, "trumpet-years")["depth"] == [0, 0.5, 2]
        expect(page.locator("#trumpet-told")).to_contain_text("active layer 1.25 m, between 1.00 and 1.50 m")
        page.select_option("#trumpet-year", "2018")
        expect(page.locator("#trumpet-told")).to_contain_text("not known")
        wait_until_held(page, "trumpet-years", "depth", [0, 2])
        page.locator("#sensors input").first.uncheck()
        wait_until_held(page, "series-lines", "name", ["top", "middle", "deep"])
        with page.expect_download() as caught:
            page.click("#series-download")
        rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text(encoding="utf-8"))))
        assert sum(row["lowest"] == "-999" and row["rejected"] == "SENTINEL" for row in rows) == 4
        assert sum(row["column"] == "air" for row in rows) == 1096
        choose(page, "Bare")
        expect(page.locator("#series-none")).to_contain_text("no series")
        expect(page.locator("#series-body")).to_be_hidden()


@pytest.mark.browser
def test_a_long_record_says_how_it_was_thinned(atlas_of, station_file):
    with atlas_of(station_file, at="#site=Long") as page:
        told = page.locator("#series-told")
        expect(told).to_contain_text("lowest and highest daily mean of each 7 days")
        expect(told).to_contain_text("series/s1.parquet")
        page.locator("#sensors label", has_text="lost").locator("input").check()
        wait_until_held(page, "series-lines", "name", ["air", "top", "middle", "deep", "lost"])
