"""The client of the Climate Data Store against a faithful fake: nothing lost, nothing twice, nothing wrong."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import fake_store as fake
import pytest
from fake_store import Fault

from talik.era5land.client import fetch
from talik.era5land.requests import plan
from talik.era5land.wire import Patience
from talik.errors import FileError, RemoteError, UsageError

SITES = [("Barrow", 71.32, -156.61), ("Tiksi", 71.59, 128.92), ("Kevo", 69.75, 27.02)]


class Naps:
    """A sleep that takes no time and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, seconds):
        if seconds:
            self.asked.append(seconds)
            time.sleep(min(seconds, 0.002))


@pytest.fixture
def store():
    server = fake.FakeStore()
    yield server
    server.stop()


@pytest.fixture
def naps():
    return Naps()


@pytest.fixture
def get(store, naps, tmp_path):
    def call(requests, **options):
        patience = options.pop("patience", None) or Patience(sleep=naps, tries=4, reply=5.0, stall=1.0)
        return fetch(requests, tmp_path / "kept", url=store.url, key=options.pop("key", fake.KEY), patience=patience,
                     **options)
    return call


def months(sites=SITES[:1], years=(2014, 2015), names=("snow_depth",), **options):
    return plan(sites, years, names, **options)


def right(store, requests, paths):
    """Whether the files are, byte for byte, what the service makes of the requests, and nothing more."""
    made = []
    for request in requests:
        data = fake.contents(request.dataset, dict(request.inputs), store.size)
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                made += [archive.read(name) for name in archive.namelist()]
        else:
            made.append(data)
    assert sorted(map(digest, made)) == sorted(digest(path.read_bytes()) for path in paths)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def tidy(folder, paths):
    """No leftovers beside the files."""
    assert sorted(p.name for p in folder.iterdir() if p.is_file()) == sorted(p.name for p in paths)


def test_every_request_is_one_job_and_its_file_is_kept_for_good(store, get, tmp_path):
    requests = months(SITES)
    paths = get(requests)
    right(store, requests, paths)
    tidy(tmp_path / "kept", paths)
    assert len(store.made) == len(requests) == 3
    before = len(store.log)
    assert get(requests) == paths
    assert len(store.log) == before                                   # no network, and so no key is needed
    store.stop()
    assert fetch(requests, tmp_path / "kept", url=store.url, key="") == paths
    store.start()


def test_point_archives_become_numbered_files_whatever_their_members_are_called(store, get, tmp_path):
    requests = plan(SITES[:1], (2014, 2015), ["t2m", "tp"])
    paths = get(requests)
    right(store, requests, paths)
    tidy(tmp_path / "kept", paths)
    assert [p.suffix for p in paths] == [".nc", ".nc"]
    assert all(p.parent == tmp_path / "kept" for p in paths)


@pytest.mark.parametrize("what", ["execution", "job", "results", "file"])
@pytest.mark.parametrize("fault", [
    Fault(429, {"title": "too busy"}, {"Retry-After": "17"}), Fault(500, {"title": "internal"}),
    Fault(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}), Fault(503, b""),
    Fault(200, b"<html>sign in to the network</html>", {"Content-Type": "text/html"}),
    Fault(cut=30), Fault(cut=0), Fault(after=True), Fault(502, b"lost", after=True),
], ids=["429", "500", "502", "503", "html-200", "cut", "empty", "silent", "lost-answer"])
def test_passing_faults_are_survived_without_a_second_job(store, get, naps, tmp_path, what, fault):
    store.script[what] = [fault, fault]
    requests = months()
    paths = get(requests)
    right(store, requests, paths)
    tidy(tmp_path / "kept", paths)
    assert len(store.made) == 1, "the same request became two jobs"
    if fault.status == 429:
        assert sum(17 <= nap <= 18 for nap in naps.asked) == 2, "Retry-After was not heeded"


def test_pauses_grow_and_are_not_all_alike(store, get, naps):
    store.script["job"] = [Fault(503)] * 3
    get(months())
    first, second, third = [nap for nap in naps.asked if nap not in (1.0, 1.5)][:3]
    assert 1 <= first <= 2 <= second * 1.0000001
    assert 2 <= second <= 4 <= third * 1.0000001
    assert third <= 8


def test_a_cut_transfer_goes_on_where_it_broke(store, get):
    store.script["file"] = [Fault(cut=10_000), Fault(cut=5_000)]
    requests = months()
    right(store, requests, get(requests))
    ranges = [headers.get("Range") for _, path, headers in store.log if path.startswith("/files")]
    assert ranges == [None, "bytes=10000-", "bytes=15000-"]


@pytest.mark.parametrize("wrong", [{"file:size": 39_999}, {"file:size": 90_000}, {"file:checksum": "0" * 32}],
                         ids=["short", "long", "checksum"])
def test_a_file_that_is_not_the_promised_one_is_never_kept(store, get, tmp_path, wrong):
    store.script["results"] = [Fault(lie=wrong)]
    with pytest.raises(RemoteError, match="could not be fetched whole"):
        get(months())
    assert not list((tmp_path / "kept").glob("*.nc"))


def test_a_wrong_length_once_is_not_taken_and_the_next_try_is(store, get):
    store.script["file"] = [Fault(200, b"CDF\x01 much too short")]
    requests = months()
    right(store, requests, get(requests))


def test_a_corrupt_archive_is_fetched_again_and_then_refused(store, get, tmp_path):
    store.digest = False
    store.script["file"] = [Fault(spoil=True)]
    requests = plan(SITES[:1], (2014, 2014), ["t2m", "tp"])
    paths = get(requests)
    right(store, requests, paths)
    store.script["file"] = [Fault(spoil=True)] * 3
    other = plan(SITES[1:2], (2014, 2014), ["t2m", "tp"])
    with pytest.raises(RemoteError, match="damaged, three times"):
        get(other)
    tidy(tmp_path / "kept", paths)


def test_a_bomb_is_refused_while_it_unpacks(store, get, tmp_path, monkeypatch):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.nc", b"CDF\x01" + bytes(90 << 20))
    monkeypatch.setattr(fake, "contents", lambda *_: memory.getvalue())
    with pytest.raises(RemoteError, match="zip bomb"):
        get(plan(SITES[:1], (2014, 2014), ["t2m", "tp"]))
    assert not list((tmp_path / "kept").glob("*.nc"))


def test_a_slow_drip_is_broken_off_and_resumed(store, get, naps):
    store.script["file"] = [Fault(drip=0.05), Fault(drip=0.05)]
    requests = months()
    started = time.monotonic()
    right(store, requests, get(requests, patience=Patience(sleep=naps, tries=4, reply=5.0, stall=0.2, slowest=20_000)))
    assert time.monotonic() - started < 5
    assert sum(path.startswith("/files") for _, path, _ in store.log) == 3


def test_a_reply_that_drips_is_cut_in_time(store, get, naps):
    store.script["execution"] = [Fault(200, b" " * 100_000, drip=0.05)]
    requests = months()
    started = time.monotonic()
    right(store, requests, get(requests, patience=Patience(sleep=naps, tries=4, reply=0.4, stall=1.0)))
    assert time.monotonic() - started < 4
    assert len(store.made) == 1


@pytest.mark.parametrize("status, body, words", [
    (403, fake.LICENCE, "its licence is not accepted.*tab=download#manage-licences"),
    (401, fake.WRONG_KEY, "does not know the key.*cdsapirc"),
    (403, {"title": "forbidden"}, "refuses reanalysis-era5-land-monthly-means to this key"),
    (400, {"title": "invalid request", "detail": "variable: unknown"}, "does not accept.*variable: unknown"),
    (422, b"", "HTTP 422"),
])
def test_refusals_end_in_one_plain_message_and_are_not_repeated(store, get, status, body, words):
    store.script["execution"] = [Fault(status, body)] * 9
    with pytest.raises(RemoteError, match=f"(?s){words}") as caught:
        get(months())
    assert fake.KEY not in str(caught.value)
    assert sum("execution" in path for _, path, _ in store.log) == 1
    store.script.clear()
    requests = months()
    right(store, requests, get(requests))                               # after the user has mended it


def test_a_wrong_key_ends_at_once_and_is_shown_nowhere(store, get, tmp_path, caplog):
    key = "wrong-key-1234567890"
    words = []
    with pytest.raises(RemoteError, match="does not know the key") as caught:
        get(months(SITES), key=key, watch=lambda request, text: words.append(text))
    seen = str(caught.value) + repr(caught.value.__cause__) + "".join(words) + caplog.text
    seen += "".join(p.read_text(errors="replace") + p.name for p in (tmp_path / "kept").rglob("*") if p.is_file())
    assert key not in seen
    assert sum("execution" in path for _, path, _ in store.log) <= 2


def test_the_key_is_in_no_file_and_goes_to_no_file_server(store, get, tmp_path):
    store.script["execution"] = [Fault(500, {"title": f"failed for {fake.KEY}"})]
    words = []
    get(months(SITES), watch=lambda request, text: words.append(text))
    kept = [p for p in (tmp_path / "kept").rglob("*") if p.is_file()]
    assert len(kept) >= 6
    assert not any(fake.KEY.encode() in p.read_bytes() or fake.KEY in p.name for p in kept)
    assert fake.KEY not in "".join(words)


def test_what_is_too_large_is_halved_until_it_is_taken_and_remembered(store, get, tmp_path):
    store.limit = 30
    requests = months(years=(2014, 2019))
    paths = get(requests)
    parts = [part for half in requests.requests[0].split() for part in half.split()]
    right(store, [p for part in parts for p in (part.split() if part.fields > 30 else [part])], paths)
    asked = len(store.log)
    assert get(requests) == paths
    assert len(store.log) == asked
    store.limit = 0
    with pytest.raises(RemoteError, match="too large .* even as one map.*fewer sites"):
        get(months(SITES[1:2], (2014, 2014)))


def test_variables_the_point_data_set_lacks_come_from_boxes(store, get):
    requests = plan(SITES[:1], (2014, 2015), ["t2m", "swvl1"], at_points=("t2m", "swvl1"))
    (point,) = requests
    paths = get(requests)
    alone = {request.inputs["variable"][0]: request for request in point.instead}
    assert set(alone) == {"2m_temperature", "volumetric_soil_water_layer_1"}
    right(store, [alone["2m_temperature"], *alone["volumetric_soil_water_layer_1"].instead], paths)


def test_a_point_at_sea_is_served_by_the_land_cells_around_it(store, get):
    """In the fake, everything north of 80 °N is sea but for longitudes from 40 °E to 85 °N."""
    requests = plan([("coast", 81.0, 39.9)], (2014, 2014), ["t2m", "tp"])
    paths = get(requests)
    land = [r for r in requests.requests[0].neighbours if r.inputs["location"]["longitude"] >= 40]
    assert sorted(r.inputs["location"]["latitude"] for r in land) == [80.9, 81.0, 81.1]
    right(store, land, paths)
    asked = len(store.log)
    assert get(requests) == paths
    assert len(store.log) == asked
    ocean = plan([("ice", 88.0, 39.9)], (2014, 2014), ["t2m", "tp"])
    right(store, ocean.requests[0].boxes, get(ocean))


@pytest.mark.parametrize("fault", [
    Fault(404, {"title": "process not found"}),
    Fault(400, {"title": "invalid request", "detail": "Request has not produced a valid combination of values"})])
def test_a_point_data_set_that_was_withdrawn_is_replaced_by_boxes(store, get, fault):
    store.script["execution"] = [fault, fault, Fault(), fault]            # all but the box of the first variable
    requests = plan(SITES[:1], (2014, 2014), ["t2m", "tp"])
    right(store, requests.requests[0].boxes, get(requests))


def test_a_failed_job_says_why_and_a_rerun_sends_it_anew(store, get):
    store.script["fail"] = {"title": "The job has failed", "traceback": "RuntimeError: disk of the archive is away"}
    requests = months()
    with pytest.raises(RemoteError, match="disk of the archive is away.*again"):
        get(requests)
    del store.script["fail"]
    right(store, requests, get(requests))
    assert len(store.made) == 2


def test_a_job_rejected_because_too_many_wait_is_sent_again_after_a_pause(store, get, naps):
    """The service accepts a job and then rejects it; the words are its own."""
    store.script["job"] = [Fault(200, {"status": "rejected"})] * 6
    store.script["results"] = [Fault(400, {
        "title": "The job has been rejected",
        "traceback": "Number queued requests for this dataset is temporarily limited."})] * 6
    told = []
    requests = months()
    right(store, requests, get(requests, watch=lambda request, words: told.append(words)))
    assert len(store.made) == 7
    assert len([nap for nap in naps.asked if nap >= 1.0]) >= 6
    assert sum("takes no more jobs" in words for words in told) == 6


def test_one_failure_does_not_lose_the_others(store, get, tmp_path):
    requests = months(SITES)
    store.script["execution"] = [Fault(400, {"title": "odd"})]
    with pytest.raises(RemoteError, match="odd"):
        get(requests)
    assert len(list((tmp_path / "kept").glob("*.nc"))) == 2
    right(store, requests, get(requests))
    assert len(store.made) == 3


def test_a_job_that_vanished_is_sent_anew(store, get):
    store.script["job"] = [Fault(404, {"title": "job not found"})]
    requests = months()
    right(store, requests, get(requests))
    assert len(store.made) == 2
    store.script["file"] = [Fault(404, b"expired")]
    other = months(SITES[1:2])
    right(store, other, get(other))
    store.script["job"] = [Fault(404, {"title": "job not found"})] * 9
    with pytest.raises(RemoteError, match="lost its job three times"):
        get(months(SITES[2:]))


def test_a_service_that_restarts_is_waited_for(store, get, tmp_path):
    requests = months(SITES)

    def restart():
        time.sleep(0.05)
        store.stop()
        time.sleep(0.3)
        store.start()

    other = threading.Thread(target=restart)
    other.start()
    store.polls = 20
    paths = get(requests, patience=Patience(first=0.05, longest=0.2, tries=20, poll=0.02,
                                            sleep=lambda s: time.sleep(min(s, 0.05))))
    other.join()
    right(store, requests, paths)
    assert len(store.made) == 3


def test_a_damaged_file_of_an_earlier_run_is_noticed_and_fetched_again(store, get):
    requests = months()
    (path,) = get(requests)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    right(store, requests, get(requests))
    assert len(store.made) == 1                                          # the job is still there


def test_a_damaged_record_is_mended_without_a_second_job(store, get, tmp_path):
    requests = months()
    get(requests)
    (record,) = (tmp_path / "kept" / "jobs").iterdir()
    record.write_text('{"dataset": "reana')
    right(store, requests, get(requests))
    assert len(store.made) == 1


@pytest.mark.parametrize("href", ["http://192.0.2.7/data.nc", "https://example.org/data.nc", "file:///etc/passwd",
                                  "https://user:secret@cds.climate.copernicus.eu/x", "ftp://127.0.0.1/x"])
def test_files_are_fetched_from_the_service_only(store, get, tmp_path, href):
    store.script["results"] = [Fault(lie={"href": href})]
    with pytest.raises(RemoteError, match="not one of its hosts"):
        get(months())
    store.script["file"] = [Fault(302, b"", {"Location": href})]
    with pytest.raises(RemoteError, match="not one of its hosts"):
        get(months(SITES[1:2]))
    assert not list((tmp_path / "kept").glob("*.nc"))


def test_a_redirect_within_the_service_is_followed(store, get):
    requests = months()
    store.script["results"] = [Fault(lie={"href": store.url.replace("/api", "/files/elsewhere/x")})]

    def point_back():
        while not store.made:
            time.sleep(0.001)
        (number,) = store.made
        store.script["file"] = [Fault(302, b"", {"Location": f"/files/{number}/data.nc"})]

    helper = threading.Thread(target=point_back)
    helper.start()
    store.polls = 5
    right(store, requests, get(requests))
    helper.join()


def test_a_full_disk_is_one_plain_message_and_the_rest_is_resumed(store, get, tmp_path, monkeypatch):
    import builtins
    import errno

    genuine = builtins.open

    class Full:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def write(self, piece):
            self.stream.write(piece[:5000])
            raise OSError(errno.ENOSPC, "No space left on device")

    def opening(path, mode="r", *more, **named):
        stream = genuine(path, mode, *more, **named)
        return Full(stream) if str(path).endswith(".part") and mode in ("wb", "r+b") else stream

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", opening)
        with pytest.raises(FileError, match=r"No space left.*free space and run the same command again"):
            get(months(SITES))
    assert not list((tmp_path / "kept").glob("*.nc"))
    requests = months(SITES)
    right(store, requests, get(requests))
    assert len(store.made) == 3
    assert any("Range" in headers for _, path, headers in store.log)


def test_never_more_than_two_jobs_and_none_twice_in_three_processes(store, tmp_path):
    """Two processes ask the same, a third something else, all for the same folder."""
    here = [(f"s{i}", -60.0 + 12 * i, 20.0 * i) for i in range(6)]
    there = [(f"t{i}", -60.0 + 12 * i, -20.0 * i - 9) for i in range(6)]
    store.polls = 6
    children = [_child(store, tmp_path, sites) for sites in (here, here, there)]
    for child in children:
        output, _ = child.communicate(timeout=90)
        assert child.returncode == 0, output
        assert len(output.splitlines()) == 6
    assert store.most == 2
    requests = [*months(here), *months(there)]
    assert len(store.made) == len(requests) == 12, "two processes sent the same request"
    right(store, requests, [tmp_path / "kept" / f"{request.name}.nc" for request in requests])


@pytest.mark.parametrize("what, body", [
    ("results", {"asset": "x"}), ("results", {"asset": {"value": [1]}}), ("results", {}),
    ("results", {"asset": {"value": {"href": 7}}}), ("job", {"status": "dismissed"}), ("job", {"status": None}),
    ("job", {})])
def test_answers_of_an_unknown_shape_end_in_one_message(store, get, what, body):
    store.script[what] = [Fault(200, body)] * 9
    with pytest.raises(RemoteError, match="era5-land-monthly-means-"):
        get(months())


@pytest.mark.parametrize("listed", [{"jobs": None}, {"jobs": [None, 7, {"jobID": None}]}, {"jobs": {}}, {}])
def test_a_list_of_jobs_of_an_unknown_shape_is_taken_as_empty(store, get, listed):
    store.script["execution"] = [Fault(502, b"")]
    store.script["jobs"] = [Fault(200, listed)]
    requests = months()
    right(store, requests, get(requests))


def test_a_job_id_never_becomes_a_path(store, get):
    store.script["execution"] = [Fault(201, {"jobID": "../../../etc/passwd"})] * 9
    with pytest.raises(RemoteError, match="did not take the request"):
        get(months())
    assert not any("passwd" in path for _, path, _ in store.log)


def test_an_interruption_from_the_keyboard_ends_soon_and_keeps_the_jobs(store, tmp_path):
    store.polls = 10_000
    child = _child(store, tmp_path, SITES)
    deadline = time.monotonic() + 20
    while len(store.made) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=10)
    assert "KeyboardInterrupt" in output
    assert len(store.made) == 2
    store.polls = 1
    child = _child(store, tmp_path, SITES)
    output, _ = child.communicate(timeout=30)
    assert child.returncode == 0, output
    assert len(store.made) == 3


def test_a_users_own_check_can_refuse_a_file(store, get, tmp_path):
    def strict(path):
        raise FileError("holds no summer")

    with pytest.raises(RemoteError, match="holds no summer"):
        get(months(), check=strict)
    assert not list((tmp_path / "kept").glob("*.nc"))


def test_wrong_arguments_are_told(get, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="expected 1 or 2"):
        get(months(), at_most=3)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
    monkeypatch.delenv("CDSAPI_KEY", raising=False)
    with pytest.raises(UsageError, match="no key for the Climate Data Store.*profile"):
        fetch(months(), tmp_path / "x")


_CHILD = """
import sys, json, time
from talik.era5land.client import fetch
from talik.era5land.requests import plan
from talik.era5land.wire import Patience
url, key, folder, sites = sys.argv[1:]
patience = Patience(first=0.02, longest=0.1, poll=0.05, tries=30, sleep=lambda s: time.sleep(min(s, 0.03)))
paths = fetch(plan(json.loads(sites), (2014, 2015), ["snow_depth"]), folder, url=url, key=key, patience=patience)
print("\\n".join(map(str, paths)))
"""


def _child(store, folder, sites):
    told = [store.url, fake.KEY, str(folder / "kept"), json.dumps(sites)]
    return subprocess.Popen([sys.executable, "-c", _CHILD, *told], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)


@pytest.mark.slow
def test_kills_at_random_moments_lose_and_double_nothing(store, tmp_path):
    """20 kills; then one run to the end: every file right, every request one job, no leftovers."""
    chance = random.Random(20260101)
    sites = [(f"s{i}", -60.0 + 8 * i, 15.0 * i) for i in range(14)]
    requests = months(sites)
    store.polls, store.size = 3, 400_000
    store.script["file"] = [Fault(cut=chance.randrange(10, 300_000)) for _ in range(20)]
    store.script["execution"] = [Fault(after=True) if chance.random() < 0.4 else Fault() for _ in range(10)]
    for _ in range(20):
        child = _child(store, tmp_path, sites)
        time.sleep(chance.uniform(0.25, 0.75))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        for path in (tmp_path / "kept").glob("*.nc"):                    # what has its name is whole, at every moment
            (request,) = (r for r in requests if path.name == f"{r.name}.nc")
            right(store, [request], [path])
    child = _child(store, tmp_path, sites)
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 0, output
    paths = [Path(line) for line in output.split()]
    right(store, requests, paths)
    tidy(tmp_path / "kept", paths)
    assert len(list((tmp_path / "kept" / "jobs").iterdir())) == len(requests)
    assert len(store.made) == len(requests) == 15                        # one site lies at the date line
