"""The picture of the atlas on the front page: `python docs/atlas_picture.py RESULTS` after `talik run three-poles`."""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from talik.atlas.page import write_atlas

IMAGE = Path(__file__).parent / "images" / "atlas.png"


def main(results: Path, site: str = "Barrow") -> None:
    """Write the atlas of a results folder and take its picture with Chromium, one site chosen."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    page_file = write_atlas(results).resolve()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1180})
        page.set_default_timeout(180_000)
        page.goto(f"{page_file.as_uri()}#site={site}")
        page.wait_for_selector("html[data-charts=yes]")
        taken = page.screenshot()
        browser.close()
    whole = Image.open(io.BytesIO(taken)).convert("RGB")
    few = whole.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    few.save(IMAGE, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
