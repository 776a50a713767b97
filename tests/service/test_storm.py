"""Whatever is sent to the service, by anybody, is answered in words and never with a 500."""

import gzip
import io
import random
import zipfile

import pytest

pytestmark = pytest.mark.slow
ENDINGS = ("csv", "zip", "xlsx", "nc", "gz", "")


def bomb(inside, size=100 * 2**20):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(inside, "w") as stream:
        for _ in range(size // 2**20):
            stream.write(bytes(2**20))
    return held.getvalue()


def uploads(whole):
    """Named bodies: noise, cuts, flips, bombs, long lines, encodings; the same on every run."""
    rng = random.Random(7)
    for k, ending in enumerate(ENDINGS):
        yield f"noise-{k}.{ending}", rng.randbytes(rng.choice((1, 17, 4000)))
    for share in (0.1, 0.5, 0.999):
        yield f"cut-{share}.csv", whole[:int(share * len(whole))]
    for k in range(5):
        flipped = bytearray(whole)
        for _ in range(1 + 10 * k):
            flipped[rng.randrange(len(flipped))] = rng.randrange(256)
        yield f"flipped-{k}.csv", bytes(flipped)
    yield "bomb.zip", bomb("1.txt")
    yield "bomb.xlsx", bomb("xl/worksheets/sheet1.xml")
    yield "nested.zip", bomb("../../etc/passwd", 2**20)
    yield "bomb.csv.gz", gzip.compress(bytes(50 * 2**20))
    yield "CDF.nc", b"CDF\x01" + bytes(40) + b"\xff" * 40
    yield "HDF.nc", b"\x89HDF\r\n\x1a\n" + rng.randbytes(300)
    yield "one-line.csv", b"time,1.0 m\n2020-01-01," + b"9" * 150_000
    yield "wide.csv", b"time" + b",1" * 300 + b"\n2020-01-01" + b",1" * 300
    yield "utf16.csv", whole.decode().encode("utf-16")
    yield "dates.csv", b"time,1.0 m\n0000-00-00,1\n9999-12-31,2\n-271821-04-20,3\n"
    yield "numbers.csv", b"time,1.0 m\n2020-01-01,1e999\n2020-01-02,nan\n2020-01-03,-inf\n"


NAMES = ("../../a\x00b.csv", "C:\\con.csv", "\u202ecsv.exe", "\ud800.csv", " ", "é" * 100)


def test_no_upload_is_answered_500_and_every_refusal_is_in_words(client, logger_file):
    said = {}
    for name, content in uploads(logger_file):
        answer = client.post("/api/check", params={"name": name}, content=content)
        said[name] = (answer.status_code, answer.json().get("detail", ""))
        assert answer.status_code in (200, 400, 413), said[name]
    refusals = {name: detail for name, (status, detail) in said.items() if status != 200}
    assert all(len(detail) > 15 and "/tmp" not in detail for detail in refusals.values()), refusals
    assert [name for name, detail in refusals.items() if "unforeseen" in detail] == []
    assert [name for name, detail in refusals.items() if "was stopped" in detail] == []
    assert {"bomb.zip", "bomb.xlsx", "HDF.nc", "noise-0.csv"} <= set(refusals)
    assert "refused as a zip bomb" in refusals["bomb.xlsx"]


def test_no_name_of_a_file_is_answered_500(client):
    for name in NAMES:
        query = name.encode("utf-8", "surrogatepass")
        answer = client.post("/api/check", params={"name": query}, content=b"no logger file\n")
        assert answer.status_code in (400, 422), name


def test_generated_uploads_are_answered_as_described(service):
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app)
    sent = []

    @given(case=schema.include(path="/api/check").as_strategy())
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    def ask(case):
        answer = case.call(timeout=120)
        sent.append(answer.status_code)
        case.validate_response(answer, checks=[not_a_server_error, status_code_conformance,
                                               response_schema_conformance])

    ask()
    assert len(sent) >= 12
