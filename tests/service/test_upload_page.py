"""The page of `talik serve` that takes a logger file, in a real browser, on a port the system gives."""

import socket
import threading

import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def address(study):
    """Of the service over the small study, running in a thread until the module ends."""
    import uvicorn

    from talik.service.app import application

    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(application(study, hosts=[host]), ws="none", log_level="error"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        running.start()
        yield f"http://{host}"              # the socket listens already: a browser that comes early waits
        server.should_exit = True
        running.join(60)


@pytest.mark.browser
def test_a_dropped_file_is_explained(opened, address, logger_file, tmp_path):
    path = tmp_path / "<img src=x onerror=alert(1)>.csv"
    path.write_bytes(logger_file)
    with opened(f"{address}/check", width=390, height=844) as page:
        page.set_input_files("#file", path)
        expect(page.locator("#found")).to_contain_text("Offsets by year")
        expect(page.locator("img")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert path.exists()


@pytest.mark.browser
def test_the_atlas_is_served_with_a_way_to_that_page(opened, address):
    with opened(f"{address}/", ready="html[data-charts=yes]") as page:
        expect(page.locator("nav a[href='/check']")).to_have_count(1)
