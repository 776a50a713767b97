"""What the service says before anything is sent: what its points have, what requests cost; and when nobody is asked."""

import fake_store as fake
import polars as pl
import pytest
from fake_store import Fault

from talik.era5land.doors import Service, request_plan
from talik.era5land.offers import KEPT, offered, priced, probe
from talik.era5land.requests import AT_POINTS, DAYS, MONTHS, POINTS, plan
from talik.era5land.wire import Patience, account
from talik.errors import RemoteError

SITES = [("Barrow", 71.32, -156.61), ("Tiksi", 71.59, 128.92)]
QUICK = Patience(sleep=lambda seconds: None, tries=3, reply=5.0)


@pytest.fixture
def store():
    server = fake.FakeStore()
    yield server
    server.stop()


@pytest.fixture
def who(store):
    return account(store.url, fake.KEY)


def test_probe_tells_what_the_points_have(store, who):
    assert probe(url=store.url, key=fake.KEY, patience=QUICK) == {"t2m", "tp"}
    store.has = ()
    with pytest.raises(RemoteError, match="Plan without probing"):
        probe(url=store.url, key=fake.KEY, patience=QUICK)


def test_what_the_points_have_is_asked_once_a_folder(store, who, tmp_path):
    assert offered(who, tmp_path, patience=QUICK) == {"t2m", "tp"}
    store.has = ("snow_depth",)
    assert offered(who, tmp_path, patience=QUICK) == {"t2m", "tp"}
    assert offered(None, tmp_path) == {"t2m", "tp"}
    (tmp_path / KEPT).write_text("{cut")
    assert offered(who, tmp_path, patience=QUICK) == {"sde"}
    assert fake.KEY not in (tmp_path / KEPT).read_text()


def test_without_a_key_or_a_word_of_the_service_the_known_fields_are_planned(store, who, tmp_path):
    assert offered(None, None) == AT_POINTS
    said = []
    store.script["constraints"] = [Fault(500, b"")] * 3
    assert offered(who, tmp_path, patience=QUICK, watch=lambda request, words: said.append(words)) == AT_POINTS
    assert "Planned with" in said[0]
    assert not (tmp_path / KEPT).exists()
    store.script["constraints"] = [Fault(401, fake.WRONG_KEY)]
    with pytest.raises(RemoteError, match="does not know the key"):
        offered(who, tmp_path, patience=QUICK)


def test_requests_are_priced_by_the_service_once_a_kind(store, who):
    store.limit = 200
    planned = priced(plan(SITES, (2014, 2015), ["snow_depth", "snow_season"]), who, patience=QUICK)
    frame = planned.to_frame()
    assert len(planned) == 6
    assert frame["cost"].to_list() == frame["fields"].to_list()
    assert sum(path.endswith("costing?request_origin=api") for _, path, _ in store.log) == 2
    assert "4 over its limit and to be halved" in str(planned)
    assert store.made == {}


@pytest.mark.parametrize("body", [{"cost": None, "limit": 1}, {"cost": 3}, {}])
def test_a_service_that_names_no_cost_is_an_error(store, who, body):
    store.script["costing"] = [Fault(200, body)]
    with pytest.raises(RemoteError, match="did not say what it costs"):
        priced(plan(SITES, (2014, 2014), ["snow_depth"]), who, patience=QUICK)


def test_a_plan_is_priced_only_with_a_key(store):
    sites = pl.DataFrame(SITES, schema=["site", "latitude", "longitude"], orient="row")
    without = request_plan(sites, (2014, 2015), ["snow_depth"], price=True)
    assert without.to_frame()["cost"].null_count() == 2
    assert "talik's own estimate)" in str(without)
    asked = request_plan(sites, (2014, 2015), ["snow_depth"], price=True,
                         service=Service(url=store.url, key=fake.KEY, patience=QUICK))
    assert asked.to_frame()["cost"].to_list() == [24.0, 24.0]


def test_the_snow_season_costs_daily_maps_and_snow_cover_alone_monthly_ones():
    season, cover = (plan(SITES[:1], (2014, 2023), [name]) for name in ("snow_season", "snow_cover"))
    assert {r.dataset for r in season} == {DAYS}
    assert {r.dataset for r in cover} == {MONTHS}
    assert sum(r.fields for r in season) == 31 * sum(r.fields for r in cover)
    assert {r.dataset for r in plan(SITES, (2014, 2014), ["tdd_air", "annual_amplitude"])} == {POINTS}
