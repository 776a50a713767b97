"""Who is let in: hosts, origins, tokens, and how much may be sent."""

import asyncio

import pytest

from talik.errors import FileError, UsageError
from talik.service.app import application
from talik.service.listen import is_loopback, serve, served_hosts

HOST = "127.0.0.1:8765"
TOKEN = "a" * 32


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8765.evil.example", ""])
def test_another_name_gets_nothing(client, host):
    answer = client.get("/api/study", headers={"Host": host})
    assert answer.status_code == 421
    assert "Use the address that `talik serve` printed" in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"},
                                     {"Origin": "http://127.0.0.1:8766"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_may_not_send_files(client, headers):
    assert client.post("/api/check?name=a.csv", content=b"x", headers=headers).status_code == 403


def test_every_answer_carries_the_headers_of_safety(client):
    for path in ("/", "/check", "/api/study", "/no/such/page"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_large_body_is_refused_before_it_is_read(client):
    answer = client.post("/api/check?name=a.csv", content=b"1" * 200_001)
    assert answer.status_code == 413
    assert "Split the file" in answer.json()["detail"]


def test_a_body_of_unknown_length_is_counted_as_it_comes(service):
    """Two gigabytes are offered in pieces; the service stops asking once the limit is passed."""
    offered, answers = 0, []

    async def receive():
        nonlocal offered
        offered += 65_536
        return {"type": "http.request", "body": b"\0" * 65_536, "more_body": offered < 2 * 2**30}

    async def send(message):
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/check", "raw_path": b"/api/check",
             "query_string": b"name=a", "headers": [(b"host", HOST.encode()), (b"transfer-encoding", b"chunked")],
             "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8765), "client": ("127.0.0.1", 5),
             "root_path": ""}
    asyncio.run(service(scope, receive, send))
    assert answers[0]["status"] == 413
    assert offered < 400_000


def test_a_length_that_is_no_number_is_refused(client):
    assert client.get("/api/study", headers={"Content-Length": "-1"}).status_code == 400


def test_without_the_token_nobody_enters(guarded):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}é".encode()},
                    {"Cookie": "talik_token=wrong"}, {"Cookie": "a=\"\\;;=="}):
        assert guarded.get("/api/study", headers=headers).status_code == 401
    assert guarded.get("/", params={"token": "wrong"}).status_code == 401


def test_the_token_enters_by_header_or_once_by_address(guarded):
    assert guarded.get("/api/study", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    answer = guarded.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert guarded.get("/api/study").status_code == 200            # the client kept the cookie


def test_only_loopback_is_without_token():
    assert is_loopback("127.8.8.8")
    assert not is_loopback("10.0.0.1")
    assert served_hosts("10.0.0.1", 80, ["data.example"]) == ["10.0.0.1:80", "data.example:80", "data.example"]
    assert "0.0.0.0:80" not in served_hosts("0.0.0.0", 80)


def test_a_short_token_is_refused(study):
    with pytest.raises(UsageError, match="got 5 characters, expected at least 16"):
        serve(study, token="short")


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(FileError, match="Expected a folder written by `talik run`"):
        application(tmp_path, hosts=[HOST])


def test_another_address_makes_a_token(study, monkeypatch):
    import uvicorn

    said, ran = [], []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: ran.append((app, options)))
    serve(study, address="0.0.0.0", say=said.append)
    serve(study, say=said.append)
    assert len(ran[0][0].token) == 32
    assert ran[0][0].token in said[0]
    assert ran[1][0].token is None
    assert said[1] == "http://127.0.0.1:8765/"
