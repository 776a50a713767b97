"""One file on a bad line: resumed, compared, never more than promised; and what may be asked of whom."""

import hashlib
import random
import socket
import threading
import time
from email.utils import formatdate

import fake_store as fake
import numpy as np
import pytest
from fake_store import Fault
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.era5land.arrivals import Spoiled, opens
from talik.era5land.transfer import Gone, receive
from talik.era5land.wire import Account, Patience, account, ask, permitted, retry_after
from talik.errors import RemoteError, UsageError

INPUTS = {"variable": ["snow_depth"], "area": [71.0, 10.0, 70.0, 11.0]}
QUICK = Patience(sleep=lambda seconds: None, tries=4, reply=5.0, stall=1.0)


@pytest.fixture(scope="module")
def server():
    store = fake.FakeStore(size=200_000)
    store.made["j"], store.state["j"] = ("reanalysis-era5-land-monthly-means", INPUTS), 9
    yield store
    store.stop()


@pytest.fixture(scope="module")
def truth(server):
    return fake.contents(*server.made["j"], server.size)


@pytest.fixture(autouse=True)
def _fresh(server):
    server.script.clear()
    server.log.clear()
    server.ranges = True


def bring(server, part, **options):
    who = Account(server.url, fake.KEY)
    receive(who, f"http://127.0.0.1:{server.port}/files/j/data.nc", part, options.pop("patience", QUICK), **options)


@given(st.lists(st.integers(0, 200_000), max_size=4), st.booleans(), st.integers(0, 200_000))
@settings(max_examples=25, deadline=None)
def test_whatever_the_cuts_the_file_is_the_file(server, truth, tmp_path_factory, cuts, ranges, there):
    """Also when a part is already there, and when the server cannot go on but begins anew."""
    part = tmp_path_factory.mktemp("cuts") / "x.part"
    part.write_bytes(truth[:there])
    server.script["file"], server.ranges = [Fault(cut=cut) for cut in cuts], ranges
    bring(server, part, size=len(truth), checksum=hashlib.md5(truth).hexdigest(),
          patience=Patience(sleep=lambda seconds: None, tries=6))
    assert part.read_bytes() == truth


@pytest.mark.parametrize("told", [
    "md5:{md5}", "{md5}", "{sha1}", "{sha256}", "1220{sha256}", "1114{sha1}", "d50110{md5}", "{MD5}"])
def test_checksums_are_understood_in_all_their_forms(server, truth, tmp_path, told):
    sums = {kind: hashlib.new(kind, truth).hexdigest() for kind in ("md5", "sha1", "sha256")}
    bring(server, tmp_path / "a.part", checksum=told.format(**sums, MD5=sums["md5"].upper()))
    bad = {kind: value[:-1] + ("0" if value[-1] != "0" else "1") for kind, value in sums.items()}
    with pytest.raises(RemoteError, match="checksum is not the one promised"):
        bring(server, tmp_path / "b.part", checksum=told.format(**bad, MD5=bad["md5"].upper()))
    assert not (tmp_path / "b.part").exists()


def test_a_part_of_something_else_is_found_out_by_the_checksum(server, truth, tmp_path):
    part = tmp_path / "x.part"
    part.write_bytes(random.Random(1).randbytes(50_000))
    bring(server, part, size=len(truth), checksum=hashlib.md5(truth).hexdigest())
    assert part.read_bytes() == truth


def test_a_finished_part_needs_no_network(server, truth, tmp_path):
    part = tmp_path / "x.part"
    part.write_bytes(truth)
    bring(server, part, size=len(truth), checksum=hashlib.md5(truth).hexdigest())
    assert server.log == []


@pytest.mark.parametrize("length", [199_000, 201_000])
def test_more_or_less_than_promised_is_refused(server, truth, tmp_path, length):
    with pytest.raises(RemoteError, match="were promised"):
        bring(server, tmp_path / "x.part", size=length)
    server.script["file"] = [Fault(206, truth, {"Content-Range": f"bytes 5-{len(truth) + 4}/{len(truth)}"})] * 9
    with pytest.raises(RemoteError, match="does not go on where"):
        bring(server, tmp_path / "x.part", size=len(truth))


@pytest.mark.parametrize("status, error, words", [
    (404, Gone, "expired"), (410, Gone, "expired"), (403, Gone, "expired"), (418, RemoteError, "HTTP 418"),
    (503, RemoteError, "HTTP 503")])
def test_answers_that_are_no_file(server, tmp_path, status, error, words):
    server.script["file"] = [Fault(status, b"")] * 9
    with pytest.raises(error, match=words):
        bring(server, tmp_path / "x.part")


def test_a_web_page_is_no_file(server, tmp_path):
    server.script["file"] = [Fault(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"})] * 9
    with pytest.raises(RemoteError, match="a web page came"):
        bring(server, tmp_path / "x.part")
    assert not (tmp_path / "x.part").exists()


def test_an_endless_drip_ends(server, tmp_path):
    """A line that always brings a little ends when twice the time of the slowest line allowed has passed."""
    ticks = [0.0]

    def clock():
        ticks[0] += 200.0
        return ticks[0]

    server.script["file"] = [Fault(cut=50 + 50 * n) for n in range(300)]
    with pytest.raises(RemoteError, match="could not be fetched whole"):
        bring(server, tmp_path / "x.part",
              patience=Patience(sleep=lambda seconds: None, tries=1000, clock=clock, slowest=0.001))
    assert 5 < len(server.log) < 40


def test_the_key_is_sent_to_the_service_and_nowhere_else(server, tmp_path):
    bring(server, tmp_path / "a.part")
    assert server.log[-1][2]["PRIVATE-TOKEN"] == fake.KEY                        # the same host and port: the service
    who = Account(f"http://localhost:{server.port}/api", fake.KEY)
    receive(who, f"http://127.0.0.1:{server.port}/files/j/data.nc", tmp_path / "b.part", QUICK)
    assert "PRIVATE-TOKEN" not in server.log[-1][2]
    server.script["file"] = [Fault(302, b"", {"Location": f"http://localhost:{server.port}/files/j/data.nc"})]
    bring(server, tmp_path / "c.part")
    assert "PRIVATE-TOKEN" not in server.log[-1][2]


def test_a_header_that_drips_is_cut_in_time(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        line, _ = listener.accept()
        with line:
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(400):
                time.sleep(0.02)
                try:
                    line.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(RemoteError, match="could not be fetched whole"):
        receive(Account(url, fake.KEY), f"{url}/x", tmp_path / "x.part",
                Patience(sleep=lambda seconds: None, tries=1, reply=0.3))
    assert time.monotonic() - started < 3
    thread.join()
    listener.close()


def test_redirects_in_a_circle_end(server, tmp_path):
    server.script["file"] = [Fault(302, b"", {"Location": "/files/j/data.nc"})] * 20
    with pytest.raises(RemoteError, match="in a circle"):
        bring(server, tmp_path / "x.part")


@pytest.mark.parametrize("url, good", [
    ("https://object-store.os-api.cci2.ecmwf.int/cache/x.nc", True), ("https://cds.climate.copernicus.eu/x", True),
    ("http://cds.climate.copernicus.eu/x", False), ("https://ecmwf.int.example.org/x", False),
    ("https://evilecmwf.int/x", False), ("http://127.0.0.1/x", False), ("https://127.0.0.1/x", False),
    ("https://169.254.169.254/latest", False), ("https://cds.ecmwf.int:x/", False), ("https://[cds.ecmwf.int/", False),
    ("https://cds.ecmwf.int\\@example.org/", False), ("https://example.org#.ecmwf.int", False), ("", False),
    ("file:///etc/passwd", False), ("https://a:b@cds.ecmwf.int/x", False)])
def test_which_addresses_are_the_services_own(url, good):
    who = Account("https://cds.climate.copernicus.eu/api", fake.KEY)
    if good:
        assert permitted(who, url) == url
    else:
        with pytest.raises(RemoteError, match="not one of its hosts"):
            permitted(who, url)


def test_retry_after_as_a_date():
    assert 25 < retry_after(formatdate(time.time() + 30, usegmt=True)) <= 30
    assert retry_after("-5") is None
    assert retry_after(None) is None


def test_long_waits_that_are_told_are_kept_within_an_hour():
    waits = []
    Patience(sleep=waits.append).pause(0, 86_400.0)
    assert 3600 <= waits[0] <= 3602


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("CDSAPI_URL", "CDSAPI_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "cdsapirc"))
    return tmp_path / "cdsapirc"


def test_the_key_is_found_where_people_keep_it(home, monkeypatch):
    home.write_text(f"# mine\nurl: https://cds.climate.copernicus.eu/api/\nkey: {fake.KEY}\n")
    assert account() == Account("https://cds.climate.copernicus.eu/api", fake.KEY)
    monkeypatch.setenv("CDSAPI_KEY", "another-key-123")
    assert account().key == "another-key-123"
    assert account(key="a-third-key-9").key == "a-third-key-9"
    assert fake.KEY not in repr(Account("https://cds.climate.copernicus.eu/api", fake.KEY))


@pytest.mark.parametrize("text, words", [
    ("", "no key for the Climate Data Store.*cdsapirc"), ("key: 12345:0f3c9a52-7d41", "old form"),
    ("key: two words here", "blanks"), ("key: short", "cut"),
    ("url: http://cds.climate.copernicus.eu/api\nkey: 0f3c9a52-7d41", "begin with https"),
    ("url: https://[x/api\nkey: 0f3c9a52-7d41", "begin with https"),
    ("url: ftp://x\nkey: 0f3c9a52-7d41", "begin with https"),
    ("url: https://me:word@cds.climate.copernicus.eu/api\nkey: 0f3c9a52-7d41", "hold no password")])
def test_unusable_accounts_are_told_without_the_key(home, text, words):
    home.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        account()
    assert "0f3c9a52" not in str(caught.value)
    assert "two words" not in str(caught.value)


def test_an_unreadable_settings_file_is_told(home):
    home.write_bytes(b"\xff\xfe\x00key")
    with pytest.raises(UsageError, match="cannot be read"):
        account()


def test_a_service_that_never_answers_ends_in_one_message(home):
    who = Account("http://127.0.0.1:9/api", fake.KEY)
    with pytest.raises(RemoteError, match="no usable reply in 4 tries.*run the same command again"):
        ask(who, "GET", "/retrieve/v1/jobs", QUICK)


def test_words_of_the_service_are_made_safe_to_show():
    who = Account("https://cds.climate.copernicus.eu/api", fake.KEY)
    shown = who.hidden(f"bad\x1b[31m\nkey {fake.KEY} " + "x" * 999)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert fake.KEY not in shown
    assert len(shown) < 310


def test_files_are_opened(tmp_path):
    h5py = pytest.importorskip("h5py")
    whole = tmp_path / "a.nc"
    with h5py.File(whole, "w") as file:
        file["t2m"] = np.arange(50_000.0)
    opens(whole)
    data = whole.read_bytes()
    for content, words in [(data[: len(data) // 2], "cut or damaged"), (b"<html>", "neither NetCDF"), (b"", "neither"),
                           (b"GRIB....", "cut"), (b"PK\x03\x04xxxx", "archive within")]:
        (tmp_path / "b.nc").write_bytes(content)
        with pytest.raises(Spoiled, match=words):
            opens(tmp_path / "b.nc")
    with h5py.File(tmp_path / "c.nc", "w"):
        pass
    with pytest.raises(Spoiled, match="holds no data"):
        opens(tmp_path / "c.nc")


def test_classic_files_are_read_to_their_end(tmp_path, truth):
    (tmp_path / "a.nc").write_bytes(truth)
    opens(tmp_path / "a.nc")
    for cut in (10, 100, len(truth) // 2, len(truth) - 1):
        (tmp_path / "a.nc").write_bytes(truth[:cut])
        with pytest.raises(Spoiled, match="cut or damaged"):
            opens(tmp_path / "a.nc")
