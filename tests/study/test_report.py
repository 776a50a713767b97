"""The report is one page: whole, safe, small, and usable in a real browser without a network."""

import re

import polars as pl
import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from talik.cli import group
from talik.errors import StoreError
from talik.runs import run_study
from talik.settings import checked


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A study whose names try to run script, and its report."""
    folder = tmp_path_factory.mktemp("hostile")
    pl.DataFrame({
        "site": [f'<img src=x onerror="document.title=1">{k}' for k in range(4)],
        "region": ["<script>1</script>"] * 4, "vegetation": ["=1+1"] * 4,
        "latitude": [60.0, 61.0, 62.0, 63.0], "longitude": [0.0, 10.0, 20.0, 30.0],
        "maat": [-5.0, -5.1, -5.2, -5.3], "magst": [-2.0, -2.1, -2.2, -2.3], "ttop": [-3.0, -3.1, -3.2, -3.3],
    }).write_csv(folder / "sites.csv")
    settings = checked({"study": {"name": "x", "title": "<script>alert(1)</script>", "replicates": 100},
                        "sites": {"table": "sites.csv"}}, home=folder)
    run_study(settings, folder / "out")
    return folder / "out" / "report.html"


def test_the_page_is_small_and_asks_for_nothing(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 5_000_000
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "default-src 'none'" in page


def test_every_picture_has_words(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    alts = re.findall(r'<img alt="([^"]*)"', page)
    assert len(alts) == 9        # five plates of every study, and two of drivers for each offset
    assert all(len(alt) > 40 for alt in alts)


def test_what_was_not_run_is_named(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "What was not run" in page


def test_names_from_data_are_text(hostile):
    page = hostile.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_markdown_links_every_figure_from_where_it_stands(finished, tmp_path):
    out = tmp_path / "a paper" / "text.md"
    done = CliRunner().invoke(group, ["report", str(finished), "--format", "md", "--out", str(out)])
    assert done.exit_code == 0, done.output
    beside, text = (finished / "report.md").read_text(encoding="utf-8"), out.read_text(encoding="utf-8")
    for folder, content in ((finished, beside), (out.parent, text)):
        links = re.findall(r"^!\[.+\]\(<?([^)>]+)>?\)$", content, flags=re.MULTILINE)
        assert len(links) == 9
        assert all((folder / link).is_file() for link in links)
    assert re.sub(r"\(<?[^()]*figures/", "(figures/", text).replace(".png>)", ".png)") == beside


def test_the_report_again_is_the_same_and_not_made_of_changed_tables(results):
    before = (results / "report.html").read_bytes()
    assert CliRunner().invoke(group, ["report", str(results)]).exit_code == 0
    assert (results / "report.html").read_bytes() == before
    (results / "summary.csv").unlink()
    refused = CliRunner().invoke(group, ["report", str(results)])
    assert isinstance(refused.exception, StoreError)
    assert "summary.csv: missing" in str(refused.exception)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_opens_quietly_and_fits(opened, finished, width):
    with opened((finished / "report.html").as_uri(), width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("async () => { await Promise.all([...document.images].map(image => image.decode())) }")


@pytest.mark.browser
def test_no_table_leaves_its_box_on_a_laptop(opened, finished):
    wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    with opened((finished / "report.html").as_uri(), width=1100) as page:
        assert page.locator(".scroll").count() > 10
        assert page.evaluate(wide) == 0


@pytest.mark.browser
def test_the_scorecard_can_be_filtered(opened, finished):
    with opened((finished / "report.html").as_uri()) as page:
        box = page.locator('[data-filters="scorecard-table"]')
        expect(box.locator("output")).to_have_text("103 of 103 rows")
        box.locator("select").first.select_option("agrees")
        expect(box.locator("output")).to_have_text("86 of 103 rows")
        box.locator("input").fill("Barrow no such")
        expect(box.locator("output")).to_have_text("0 of 103 rows")


@pytest.mark.browser
def test_hostile_names_do_nothing(opened, hostile):
    with opened(hostile.as_uri()) as page:
        assert page.title() == "<script>alert(1)</script> · talik report"
