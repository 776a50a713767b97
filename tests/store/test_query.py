"""SQL reads the store and nothing else, changes nothing, and gives what the records give."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.cli import group
from talik.errors import StoreError, UsageError
from talik.records import REJECTED, Flag
from talik.store.catalogue import reading
from talik.store.ingest import ingest
from talik.store.memory import bounded
from talik.store.query import query
from talik.store.verify import verify_store


def test_means_in_sql_are_those_of_the_records(asked):
    answer = query(asked, "SELECT site, position, avg(accepted) AS mean, count(accepted) AS n FROM observations "
                          "JOIN series USING (series_id) GROUP BY ALL")
    means = {(site, position): (mean, n) for site, position, mean, n in answer.iter_rows()}
    with reading(asked) as catalogue:
        for record in catalogue.records():
            values = record.accepted().values
            for k in range(record.depths.size):
                mean, n = means.pop((record.site, k + 1))
                assert n == (~np.isnan(values[:, k])).sum()
                assert mean == pytest.approx(np.nanmean(values[:, k]), abs=1e-12)
    assert means == {}


def test_rejected_values_are_kept_and_not_accepted(archive, tmp_path):
    text = (archive / "site0.csv").read_text().splitlines()
    text[5] = text[5].split(",")[0] + ",850,-1,-1"
    (archive / "site0.csv").write_text("\n".join(text) + "\n")
    ingest([archive], tmp_path / "store")
    sql = "SELECT count(*) AS n FROM observations WHERE temperature IS NOT NULL AND accepted IS NULL AND flags & ? = 0"
    assert query(tmp_path / "store", sql, [int(REJECTED)])["n"][0] == 0
    missing = query(tmp_path / "store", "SELECT count(*) AS n FROM observations WHERE temperature IS NULL")["n"][0]
    sql = "SELECT count(*) AS n FROM observations WHERE flags & ? <> 0"
    marked = query(tmp_path / "store", sql, [int(Flag.MISSING)])
    assert marked["n"][0] == missing > 0


def test_depths_and_wide_readings(asked):
    depths = query(asked, "SELECT depth FROM columns JOIN series USING (series_id) WHERE site = 'deep' "
                          "ORDER BY position")
    assert depths["depth"].to_list() == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert query(asked, "SELECT count(value_5) AS n FROM readings")["n"][0] > 0
    assert query(asked, "FROM files").height == 4
    assert query(asked, "WITH a AS (SELECT 1 AS x) SELECT x + $y AS z FROM a", {"y": 2})["z"][0] == 3


@pytest.mark.parametrize("sql", [
    "DELETE FROM kept.files", "DROP TABLE kept.series", "INSERT INTO kept.store VALUES (2, '')",
    "UPDATE kept.files SET bytes = 0", "CREATE TABLE x (y INTEGER)", "COPY (SELECT 1) TO 'x.csv'",
    "ATTACH 'other.duckdb'", "SET enable_external_access = true", "SET threads = 1", "PRAGMA enable_profiling",
    "INSTALL httpfs", "LOAD httpfs", "CALL pragma_version()", "EXPORT DATABASE 'x'", "SELECT 1; DROP TABLE kept.files",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{store}/series/x.parquet'", "EXPLAIN SELECT 1",
    "BEGIN TRANSACTION", "CHECKPOINT", "DETACH kept", "", "   ;"])
def test_only_one_reading_statement(asked, sql):
    with pytest.raises(UsageError, match="query: got \\d+ statement"):
        query(asked, sql.replace("{store}", str(asked)))
    assert not (asked / "series" / "x.parquet").exists()
    assert verify_store(asked) == []


@pytest.mark.parametrize("sql", [
    "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')", "FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')", "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT * FROM read_blob('{archive}/site0.csv')", "FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/tmp/x.parquet')", "SELECT * FROM nothing", "SELECT FROM WHERE"])
def test_nothing_outside_is_reached(asked, sql):
    with pytest.raises(UsageError, match="query: "):
        query(asked, sql.replace("{archive}", str(asked.parent / "archive")))


@pytest.mark.parametrize("sql", [
    "SELECT * FROM range(100000000000)", "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(repeat('x', 1000000)) FROM range(100000)",
    "SELECT repeat('x', 2000000000)", "SELECT sum(length(repeat('x', 2000000000 + range::INT))) FROM range(9)",
    "SELECT list_resize([1], 500000000)"])
def test_questions_that_take_too_much_are_stopped(asked, sql):
    with pytest.raises(UsageError, match=r"takes more than 0.1 GB; ask for less, or allow more: memory=..."):
        query(asked, sql, memory=0.1, threads=1)


def test_questions_within_their_limits_are_answered_and_leave_no_limit_behind(asked):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert query(asked, "SELECT * FROM range(11000000)", memory=0.1, threads=1).height == 11_000_000
    with pytest.raises(UsageError, match="takes more"):
        query(asked, "SELECT repeat('x', 2000000000)", memory=0.1)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_questions_side_by_side_share_what_they_may_take():
    resource = pytest.importorskip("resource")
    limit = lambda: resource.getrlimit(resource.RLIMIT_DATA)  # noqa: E731
    before = limit()
    one, other = bounded(10**8), bounded(2 * 10**8)
    with one:
        alone = limit()[0]
        other.__enter__()
        assert limit()[0] - alone == 2 * 10**8
    assert limit()[0] - alone == 10**8
    other.__exit__(None, None, None)
    assert limit() == before


@pytest.mark.parametrize("sql", [
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM range(1000000000000)"])
def test_questions_without_end_are_stopped(asked, sql):
    with pytest.raises(UsageError, match=r"stopped after 0.2 s; ask for less, or allow more: seconds=..."):
        query(asked, sql, seconds=0.2, threads=1)


@pytest.mark.parametrize("sql", ["SELECT 1 AS a, 2 AS a", "SELECT * FROM test_all_types()"])
def test_an_answer_that_fits_no_table_is_told(asked, sql):
    with pytest.raises(UsageError, match="the answer fits no table"):
        query(asked, sql)


def test_frames_of_the_caller_are_out_of_reach(asked):
    secret = pl.DataFrame({"password": ["x"]})
    with pytest.raises(UsageError, match="secret"):
        query(asked, "SELECT * FROM secret")
    assert secret.height == 1


@settings(max_examples=8, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_values_are_bound_never_sql(asked, text):
    hostile = text + "'; DROP TABLE kept.files; --"
    assert query(asked, "SELECT ? AS said", [hostile])["said"][0] == hostile
    assert query(asked, "SELECT * FROM series WHERE site = ?", [hostile]).height == 0


def test_a_hostile_name_is_only_a_name(archive, tmp_path):
    name = "a'); DROP TABLE files; --"
    (archive / f"{name}.csv").write_bytes((archive / "site0.csv").read_bytes())
    store = tmp_path / "it's a store"
    ingest([archive], store)
    assert query(store, "SELECT site FROM series WHERE site = ?", [name]).height == 1
    assert query(store, "SELECT count(accepted) AS n FROM observations")["n"][0] > 0


def test_a_damaged_series_stops_the_question(store):
    victim = sorted((store / "series").rglob("*.parquet"))[0]
    content = bytearray(victim.read_bytes())
    content[200] ^= 4
    victim.write_bytes(content)
    with pytest.raises(StoreError, match="the stored series is damaged"):
        query(store, "SELECT avg(accepted) FROM observations")
    assert query(store, "SELECT count(*) AS n FROM series")["n"][0] == 4


def test_a_flipped_byte_of_the_catalogue_is_damage_not_another_writer(store):
    content = (store / "catalogue.duckdb").read_bytes()
    for place in (4100, 8200):                  # "... in block at location 4096", which speaks of no lock
        spoiled = bytearray(content)
        spoiled[place] ^= 4
        (store / "catalogue.duckdb").write_bytes(spoiled)
        [(path, fault), *_] = verify_store(store)
        assert (path, "damaged" in fault or "changed" in fault) == ("catalogue.duckdb", True)
        assert "--rebuild" in fault
        result = CliRunner().invoke(group, ["verify", str(store)])
        assert result.exit_code == 1
    (store / "catalogue.duckdb").write_bytes(content[:4096] + b"\1" * 8192 + content[12288:])
    with pytest.raises(StoreError, match="the catalogue is damaged.*--rebuild"):
        query(store, "SELECT site FROM series")


def test_an_empty_store_can_be_asked(tmp_path):
    (tmp_path / "none").mkdir()
    ingest([tmp_path / "none"], tmp_path / "store")
    assert query(tmp_path / "store", "FROM observations").height == 0
    assert verify_store(tmp_path / "store") == []


def test_commands(archive, tmp_path):
    run = CliRunner().invoke
    store, out = str(tmp_path / "store"), tmp_path / "out"
    taken = run(group, ["ingest", str(archive), "--store", store])
    assert taken.exit_code == 1
    assert "4 files taken in, 0 unchanged, 2 refused" in taken.stdout
    assert "refused: " in taken.stderr
    assert "SELECT path, reason FROM refusals" in taken.stderr
    again = run(group, ["ingest", str(archive), "--store", store])
    assert (again.exit_code, "6 unchanged (2 of them refused before)" in again.stdout) == (1, True)
    sql = "SELECT site FROM series WHERE site LIKE ? ORDER BY 1"
    asked = run(group, ["query", store, sql, "site%", "--format", "json"])
    assert json.loads(asked.stdout) == [{"site": "site0"}, {"site": "site1"}, {"site": "site2"}]
    wide = run(group, ["query", store, "FROM series ORDER BY site", "--format", "table"])
    assert wide.stdout.startswith("-- row 1\n     series_id  ")
    kept = run(group, ["query", store, sql, "site%", "--out", str(tmp_path / "a.parquet")])
    assert (kept.exit_code, pl.read_parquet(tmp_path / "a.parquet").height) == (0, 3)
    assert "expected .csv or .parquet" in str(run(group, ["query", store, sql, "--out", "a.xls"]).exception)
    fine = run(group, ["verify", store])
    assert (fine.exit_code, fine.stdout) == (0, f"{store}: every series is as it was written.\n")
    written = run(group, ["export", store, "--to", "frictionless", "--out", str(out), "--site", "site*"])
    assert (written.exit_code, sorted(p.name for p in out.iterdir())) == (
        0, ["datapackage.json", "site0.csv", "site1.csv", "site2.csv"])
    nowhere = run(group, ["export", store, "--to", "csv", "--out", str(out), "--site", "sit0*"])
    assert nowhere.exception.exit_code == 2
    assert "unknown site 'sit0*'" in str(nowhere.exception)
    assert "site0" in str(nowhere.exception)
    told = run(group, ["ingest", str(archive / "site0.csv"), "--store", store, "--depths", "-2,0,1"])
    assert (told.exit_code, "as their source gave them" in told.stderr) == (0, True)
    refused = run(group, ["export", store, "--to", "netcdf", "--out", str(out)])
    assert (refused.exit_code, refused.stderr.count("latitude and longitude are unknown")) == (1, 4)
    assert "(talik ingest site0.csv --store ... --latitude ... --longitude ...)" in refused.stderr
    next((tmp_path / "store" / "series").rglob("*.parquet")).unlink()
    damaged = run(group, ["verify", store])
    assert (damaged.exit_code, "missing (" in damaged.stdout) == (1, True)


def test_how_a_file_was_understood_names_no_option_but_in_advice(asked):
    answer = CliRunner().invoke(group, ["query", str(asked), "SELECT understood FROM series", "--format", "json"])
    assert '"encoding: ASCII' in answer.stdout
    assert "--encoding" not in answer.stdout
    assert "--timezone" in answer.stdout


def test_advice_in_refusals_is_spelled_as_options(tmp_path):
    rows = [f"2020-01-{day:02d},{40 + day}" for day in range(1, 29)]
    (tmp_path / "warm.csv").write_text("\n".join(["date,ground_0.3m", *rows]) + "\n")
    run, store = CliRunner().invoke, str(tmp_path / "store")
    shown = run(group, ["ingest", str(tmp_path / "warm.csv"), "--store", store])
    assert shown.stderr.count("warm.csv") == 1
    answer = run(group, ["query", store, "SELECT reason, path FROM refusals", "--format", "csv"]).stdout
    assert "Name it: --column unit=" in answer
    assert "columns={" in query(store, "SELECT reason FROM refusals")["reason"][0]         # Python is told in Python


def test_check_and_offsets_take_a_store(asked):
    run = CliRunner().invoke
    checked = run(group, ["check", str(asked), "--format", "csv"])
    assert checked.exit_code == 0
    assert all(f"site{k}" in checked.stderr for k in range(3))
    chosen = run(group, ["check", str(asked), "--site", "deep", "--format", "csv"])
    assert "site0" not in chosen.stderr + chosen.stdout
    refused = run(group, ["offsets", str(asked), "--site", "nowhere"])
    assert "There are: deep; site0; site1; site2" in str(refused.exception)
