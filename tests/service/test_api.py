"""The API says what the tables say, in pages, with ETags, and never answers 500."""

import polars as pl
import pytest


def test_the_study(client):
    assert client.get("/api/study").json() == {
        "study": "small", "title": "A small study", "made": client.get("/api/study").json()["made"],
        "talik": client.get("/api/study").json()["talik"], "profile": None, "sites": 3,
        "tables": ["series_stations", "summary"], "series": [1]}


def test_pages_put_together_are_the_whole(client):
    whole = client.get("/api/sites", params={"size": 500}).json()
    parts = [client.get("/api/sites", params={"size": 1, "page": page}).json()["items"] for page in (1, 2, 3, 4)]
    assert [row for part in parts for row in part] == whole["items"]
    assert parts[3] == []
    assert whole["total"] == 3
    assert whole["items"][1]["surface_offset"] is None             # NaN cannot be said in JSON


@pytest.mark.parametrize("asked, numbers", [
    ({"region": "Arctic"}, [1, 2]), ({"flag": "SHARED_BASIN"}, [2]), ({"flag": "SHARED"}, []),
    ({"search": "wuDAO"}, [3]), ({"search": "("}, []),
    ({"region": "arctic", "search": "bar"}, [1])])
def test_filters(client, asked, numbers):
    answer = client.get("/api/sites", params=asked).json()
    assert [row["number"] for row in answer["items"]] == numbers
    assert answer["total"] == len(numbers)


def test_one_site_and_its_years(client):
    assert client.get("/api/sites/1").json()["site"] == "Barrow"
    assert [row["surface_offset"] for row in client.get("/api/sites/1/offsets").json()["items"]] == [4.5, None, 4.7]
    assert client.get("/api/sites/3/offsets").json()["total"] == 0
    assert client.get("/api/sites/barrow").json()["number"] == 1
    for absent in ("4", "0", "9" * 30, "Barro"):
        answer = client.get(f"/api/sites/{absent}")
        assert answer.status_code == 404
        assert "from 1 to 3" in answer.json()["detail"]
    answer = client.get("/api/sites", params={"region": "' OR 1=1"})
    assert answer.status_code == 404
    assert "Arctic" in answer.json()["detail"]


def test_the_days_of_a_site_are_those_of_its_file(client, study):
    whole = client.get("/api/sites/1/series").json()
    rows = pl.read_parquet(study / "series/barrow.parquet").with_columns(pl.col("time").cast(pl.String)).to_dicts()
    assert whole["items"] == rows
    asked = {"column": "air", "first": "2020-01-02", "last": "2020-01-02"}
    assert client.get("/api/sites/1/series", params=asked).json()["items"] == rows[1:2]
    for absent in ({"column": "'"}, {"first": "2021-01-01"}, {"last": "0001-01-01"}):
        assert client.get("/api/sites/1/series", params=absent).json()["total"] == 0
    assert client.get("/api/sites/1/series", params={"first": "yesterday"}).status_code == 422


def test_what_the_study_does_not_hold_is_said(client):
    answer = client.get("/api/sites/2/series")
    assert answer.status_code == 404
    assert "has no daily series" in answer.json()["detail"]


def test_result_tables_by_name_only(client):
    assert client.get("/api/results/summary").json()["items"][0]["mean"] == 4.6
    for name in ("manifest", "..%2Fsites", "sites.parquet", "%00", "summary.csv"):
        assert client.get(f"/api/results/{name}").status_code == 404


def test_an_unchanged_answer_is_not_sent_twice(client):
    first = client.get("/api/sites")
    again = client.get("/api/sites", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert client.get("/api/sites", params={"page": 2}).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("asked", [{"page": 0}, {"page": "x"}, {"size": 501}, {"page": 10**12}])
def test_pages_that_do_not_exist_are_refused(client, asked):
    assert client.get("/api/sites", params=asked).status_code == 422


def test_the_description_names_every_route(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/api/study", "/api/sites", "/api/sites/{site}", "/api/sites/{site}/offsets",
                          "/api/sites/{site}/series", "/api/results/{table}", "/api/check"}
    assert all("summary" in operation for path in paths.values() for operation in path.values())


def test_no_generated_request_is_answered_500(service):
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app)
    asked = set()

    @given(case=schema.exclude(path="/api/check").as_strategy())
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case):
        asked.add(case.path)
        answer = case.call()
        case.validate_response(answer, checks=[not_a_server_error, status_code_conformance,
                                               response_schema_conformance])

    ask()
    assert len(asked) == 6
