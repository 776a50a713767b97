"""A logger file is sent, understood in a process with limits, answered, and gone."""

import asyncio
import tempfile

import pytest

from talik.service.worker import Refused, report, safe_name, understood


async def pieces(content, size=50_000):
    for start in range(0, len(content), size):
        yield content[start:start + size]


def test_what_is_understood_is_what_the_library_says(logger_file, tmp_path):
    """The process of its own answers what the same functions answer here."""
    (tmp_path / "site.csv").write_bytes(logger_file)
    here = report(tmp_path / "site.csv")
    there = asyncio.run(understood(pieces(logger_file), "site.csv"))
    assert len(there["records"]) == 1
    for key in ("said", "checked", "format", "sha256", "offsets", "understood"):
        assert there["records"][0][key] == here["records"][0][key]
    years = there["records"][0]["years"]
    assert [row["year"] for row in years] == [2018, 2019]
    assert all(abs(row["surface_offset"] - 4.0) < 0.02 for row in years)    # -6 less -10


def test_nothing_is_left_behind(client, logger_file, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer = client.post("/api/check", params={"name": "../../../up.csv"}, content=logger_file)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content, said", [(b"", "The file is empty"), (b"\x00\x01\x02" * 50, ""), (b"hello\n", "")])
def test_what_is_no_logger_file_is_refused_in_words(client, content, said):
    answer = client.post("/api/check?name=a.csv", content=content)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]
    assert len(answer.json()["detail"]) > 15
    assert "/tmp" not in answer.json()["detail"]


@pytest.mark.parametrize("limits", [{"seconds": 60, "memory": 60 * 2**20}, {"seconds": 0, "memory": 3 * 2**30}])
def test_a_file_that_needs_more_than_allowed_is_stopped(logger_file, limits):
    with pytest.raises(Refused):
        asyncio.run(understood(pieces(logger_file), "a.csv", **limits))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b.csv", "C:\\x\\y.csv", "...", "é" * 300 + ".csv", "/",
                                  "-rf"])
def test_names_never_become_paths(name, tmp_path):
    safe = safe_name(name)
    assert (tmp_path / safe).resolve().parent == tmp_path.resolve()
    assert len(safe.encode()) <= 120
    assert not safe.startswith((".", "-"))
    (tmp_path / safe).touch()
