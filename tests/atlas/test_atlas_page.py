"""The atlas as a file and in a real browser: small, silent, linked, usable by keyboard, deaf to hostile names."""

import csv
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from talik.atlas.page import write_atlas

HOSTILE = '<img src=x onerror="document.title=1">'

SELECT = """async name => {
  const t = performance.now();
  [...document.querySelectorAll('#sites tbody button')].find(b => b.textContent === name).click();
  await new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)));
  return performance.now() - t }"""


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
@pytest.mark.parametrize("width, scheme", [(390, "light"), (1300, "dark"), (3840, "light")])
def test_it_opens_quietly_and_fits(opened, page_file, width, scheme):
    with opened(page_file.as_uri(), width=width, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#sites tbody tr").count() == 117
        assert page.locator("canvas").count() >= 4
        assert page.evaluate("getComputedStyle(document.body).colorScheme") == scheme
        assert page.evaluate("performance.now()") < 30_000        # 2 to 5 s on a busy machine; not a benchmark


@pytest.mark.browser
def test_it_reads_at_two_hundred_per_cent(opened, page_file):
    with opened(page_file.as_uri(), width=650, height=450) as page:      # 1300 px at 200 %
        assert page.evaluate("document.documentElement.scrollWidth") <= 650


@pytest.mark.browser
def test_choosing_a_site_links_maps_table_and_panel(opened, page_file):
    with opened(page_file.as_uri()) as page:
        assert page.evaluate(SELECT, "Barrow") < 3000
        panel = page.locator("#panel").inner_text()
        assert "Barrow" in panel
        assert "SO 4.60 °C · TO 0.20 °C" in panel
        assert "Provenance" in panel
        assert page.locator("#sites tr[aria-selected=true]").inner_text().startswith("Barrow")
        chosen = """() => Bokeh.documents.flatMap(d => [...d._all_models.values()])
                    .filter(m => m.type === 'ColumnDataSource' && m.selected.indices.length)
                    .map(m => m.selected.indices.map(i => m.data.site[i]))"""
        named = {name for names in page.evaluate(chosen) for name in names}
        assert named == {"Barrow"}
        page.keyboard.press("ArrowRight")
        assert "Bonanza_Creek" in page.locator("#panel h2").inner_text()
        page.keyboard.press("Escape")
        assert "No site chosen" in page.locator("#panel").inner_text()


@pytest.mark.browser
def test_a_click_on_a_marker_chooses_its_site(opened, page_file):
    with opened(page_file.as_uri()) as page:
        where = page.evaluate("""() => {
          const all = Bokeh.documents.flatMap(d => [...d._all_models.values()]);
          const s = all.find(m => m.name === 'sites'), k = s.data.site.indexOf('Marion Island');
          const box = document.getElementById('draw-map-antarctic'); box.scrollIntoView({block: 'center'});
          const root = [...Bokeh.index].find(v => v.model.name === 'map-antarctic');
          const r = root.el.getBoundingClientRect(), f = root.frame;
          const x = f.x_scale.compute(s.data.x_antarctic[k]), y = f.y_scale.compute(s.data.y_antarctic[k]);
          return [r.left + x, r.top + y] }""")
        page.mouse.click(*where)
        page.locator("#panel h2", has_text="Marion Island").wait_for(timeout=20_000)


@pytest.mark.browser
def test_filters_and_download_agree(opened, page_file):
    with opened(page_file.as_uri()) as page:
        page.select_option("#class-region", "=Third Pole")
        assert page.locator("#count").inner_text() == "32 of 117 sites"
        page.select_option("#flag", "+")
        shown = int(page.locator("#count").inner_text().split()[0])
        assert 0 < shown < 32
        with page.expect_download() as caught:
            page.click("#download")
        text = Path(caught.value.path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == shown == page.locator("#sites tbody tr").count()
        assert {row["region"] for row in rows} == {"Third Pole"}
        assert all(row["flags"] for row in rows)
        page.click("#reset")
        page.fill("#search", "barrow")
        assert page.locator("#sites tbody tr").count() >= 1
        page.fill("#search", "no such place anywhere")
        assert page.locator("#count").inner_text() == "0 of 117 sites"


@pytest.mark.browser
def test_every_quantity_can_colour_and_size(opened, page_file):
    with opened(page_file.as_uri()) as page:
        for name in page.evaluate("[...document.getElementById('colour').options].map(o => o.value)"):
            page.select_option("#colour", name)
            assert page.locator("#legend").inner_text()
            if name != "region":
                page.select_option("#size", name)
        page.select_option("#colour", "surface_offset")
        assert page.locator("#legend .ends span").nth(1).inner_text() == "0"


@pytest.mark.browser
def test_the_table_sorts_with_missing_values_last(opened, page_file):
    with opened(page_file.as_uri()) as page:
        button = page.locator("th[data-column=alt] button")
        for sign in (1, -1):
            button.click()
            cells = [t.replace("−", "-") for t in page.locator("#sites tbody td:nth-child(11)").all_inner_texts()]
            known = [float(t) for t in cells if t != "–"]
            assert known == sorted(known, key=lambda v: sign * v)
            assert cells[len(known):] == ["–"] * (117 - len(known))


@pytest.mark.browser
def test_hostile_names_do_nothing(opened, hostile_file):
    with opened(hostile_file.as_uri()) as page:
        for button in page.locator("#sites tbody button").all():
            button.click()
            assert page.locator("#panel h2").inner_text() == button.inner_text()
            drawn = page.locator("#series-body").is_visible()
            named = page.locator("#sensors label").all_inner_texts() if drawn else []
            assert named in ([], [HOSTILE, "$$x$$ </script>", "=1+1"], ["__proto__", "constructor"])
        page.locator("#sites tbody button").first.click()
        page.click("#series-download")
        for quantity in ("region", "surface_offset"):
            page.select_option("#colour", quantity)
        with page.expect_download() as caught:
            page.click("#download")
        assert "'=1+1," in Path(caught.value.path()).read_text(encoding="utf-8")
        assert page.locator("img").count() == 0
        assert page.title() == "<script>alert(1)</script> · talik atlas"


@pytest.fixture(scope="session")
def station_file(station_study, tmp_path_factory):
    return write_atlas(station_study, tmp_path_factory.mktemp("atlas") / "stations.html")


HELD = """name => { const all = Bokeh.documents.flatMap(d => [...d._all_models.values()]);
          const data = all.find(m => m.name === name).data;
          const plain = (key, value) => Array.from(key === 'image' ? value[0] : value);
          return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, plain(key, value)])) }"""


@pytest.mark.browser
@pytest.mark.parametrize("width, scheme", [(390, "dark"), (1300, "light")])
def test_series_depths_and_trumpet_of_the_chosen_site(opened, station_file, width, scheme):
    with opened(station_file.as_uri(), width=width, scheme=scheme) as page:
        assert "2 of 3 have series" in page.locator("#series-none").inner_text()
        assert page.evaluate(SELECT, "Short") < 3000
        assert page.locator("#series-title").inner_text() == "Series of Short"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        lines = page.evaluate(HELD, "series-lines")
        assert lines["name"] == ["air", "top", "middle", "deep"]
        drawn = [v for v in lines["ys"][2] if v == v]
        assert max(drawn) == pytest.approx(-4 + 14 * 2.718281828 ** -0.5, abs=0.02)
        assert page.evaluate(HELD, "series-marks")["told"][0] == "sentinel, middle, 2019-05-16"
        assert min(page.evaluate(HELD, "series-marks")["y"]) > -30           # at the edge, not at -999
        assert "sentinel" in page.locator("#rejected").inner_text()
        field = page.evaluate(HELD, "depth-time-field")["image"]
        assert sum(v != v for v in field) == 62 * 96                         # a gap of 60 days, 2 rejected: no bridge
        assert page.locator("#trumpet-year").input_value() == "2020"
        assert page.evaluate(HELD, "trumpet-years")["depth"] == [0, 0.5, 2]
        assert "active layer 1.25 m, between 1.00 and 1.50 m" in page.locator("#trumpet-told").inner_text()
        page.select_option("#trumpet-year", "2018")
        assert page.evaluate(HELD, "trumpet-years")["depth"] == [0, 2]
        page.locator("#sensors input").first.uncheck()
        assert page.evaluate(HELD, "series-lines")["name"] == ["top", "middle", "deep"]
        with page.expect_download() as caught:
            page.click("#series-download")
        rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text(encoding="utf-8"))))
        assert sum(row["lowest"] == "-999" and row["rejected"] == "SENTINEL" for row in rows) == 4
        assert sum(row["column"] == "air" for row in rows) == 1096
        page.evaluate(SELECT, "Bare")
        assert "no series" in page.locator("#series-none").inner_text()
        assert not page.locator("#series-body").is_visible()


@pytest.mark.browser
def test_a_long_record_says_how_it_was_thinned(opened, station_file):
    with opened(station_file.as_uri() + "#site=Long") as page:
        told = page.locator("#series-told").inner_text()
        assert "lowest and highest daily mean of each 7 days" in told
        assert "series/s1.parquet" in told
        page.locator("#sensors label", has_text="lost").locator("input").check()
        assert "lost" in page.evaluate(HELD, "series-lines")["name"]
