"""Free descriptions become classes by rules; what the rules do not settle is unknown, with the reason."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.errors import FileError, UnknownName
from talik.synthesis.harmonise import Category, harmonise
from talik.variables import SOIL, VEGETATION

MEANT = [
    ("vegetation", "Polar desert", "No vegetation"),
    ("vegetation", "alpine desert", "No vegetation"),
    ("vegetation", "barren land", "No vegetation"),
    ("vegetation", "Forest tundra", "Forest"),
    ("vegetation", "moist non-acidic tundra", "Tundra"),
    ("vegetation", "sparse alpine steppe", "Grassland"),
    ("vegetation", "Alpine swamp-meadow", "Wetland/Swamp meadow"),
    ("vegetation", "IGBP 16", "No vegetation"),
    ("vegetation", "CAVM G4", "Tundra"),
    ("vegetation", "лиственничная тайга", "Forest"),
    ("vegetation", "高寒沼泽草甸", "Wetland/Swamp meadow"),
    ("soil", "Sandy Loam", "loam"),
    ("soil", "silt loam", "loam"),
    ("soil", "loamy sand", "sand"),
    ("soil", "clay sand", "sand"),
    ("soil", "sandy gravel", "gravel"),
    ("soil", "Gneiss", "gravel"),
    ("soil", "silty clay", "clay"),
    ("soil", "sandy clay", "clay"),
    ("soil", "суглинок тяжёлый", "loam"),
    ("soil", "砾石", "gravel"),
]


@pytest.mark.parametrize("vocabulary, text, category", MEANT)
def test_terms_of_the_field_get_their_class(vocabulary, text, category):
    found = harmonise(text, vocabulary)
    assert found.category == category
    assert found.rule
    assert found.confidence in (0.8, 1.0)


@pytest.mark.parametrize("vocabulary", ["vegetation", "soil"])
def test_descriptions_as_papers_write_them_get_their_class_or_none(vocabulary):
    """One a row of descriptions.csv, with what an expert reads in it; nothing where it can be several classes."""
    meant = pl.read_csv(Path(__file__).with_name("descriptions.csv")).filter(vocabulary=vocabulary)
    found = harmonise(meant["text"], vocabulary)
    wrong = meant.with_columns(found=found["category"]).filter(~pl.col("class").eq_missing(pl.col("found")))
    assert wrong.rows() == []


def test_words_of_several_classes_say_why_they_are_unknown():
    assert harmonise("Sedge meadow", "vegetation").reason == (
        "'sedge meadow' is ambiguous: dry in the mountains and wet in the Arctic")
    assert harmonise("stony sedge meadow slope", "vegetation").reason.startswith("'sedge meadow' is ambiguous")


@pytest.mark.parametrize("text, reason", [
    ("sand and gravel", "rules disagree: gravel, sand"),
    ("not sand", "'not' stands with 'sand'"),
    ("peat, now removed", "'removed' stands with 'peat'"),
    ("xyz", "no rule matches"),
    ("", "no description"),
    (None, "no description"),
])
def test_what_is_not_settled_is_unknown_with_the_reason(text, reason):
    found = harmonise(text, "soil")
    assert found.category is None
    assert found.confidence == 0
    assert reason in found.reason


@given(st.text(max_size=60), st.sampled_from(["vegetation", "soil"]))
def test_any_text_gives_a_class_or_a_reason(text, vocabulary):
    found = harmonise(text, vocabulary)
    assert (found.category is None) == bool(found.reason)
    assert found.category is None or found.category in {"vegetation": VEGETATION, "soil": SOIL}[vocabulary]


@given(st.sampled_from([m for m in MEANT if m[1].isascii()]))
def test_case_spaces_and_hyphens_do_not_matter(meant):
    vocabulary, text, category = meant
    assert harmonise(f"  {text.upper().replace(' ', '-')}. ", vocabulary).category == category


def test_a_list_gives_a_frame_in_order():
    frame = harmonise(["sand", None, "peat"], "soil")
    assert isinstance(frame, pl.DataFrame)
    assert frame["category"].to_list() == ["sand", None, "peat"]


def test_a_table_of_rules_goes_first(tmp_path):
    rules = tmp_path / "rules.csv"
    rules.write_text("pattern,class,scheme\nyedoma,loam,mine\nsand,gravel,mine\n", encoding="utf-8")
    assert harmonise("Yedoma", "soil", rules=rules) == Category("Yedoma", "loam", 1.0, "yedoma, mine")
    assert harmonise("sand", "soil", rules=rules).category == "gravel"


def test_faulty_tables_of_rules_are_refused(tmp_path):
    rules = tmp_path / "rules.csv"
    rules.write_text("pattern,class\nyedoma,loam\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"rules\.csv: got the columns pattern, class; expected"):
        harmonise("sand", "soil", rules=rules)
    rules.write_text("pattern,class,scheme\nyedoma,lome,mine\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"line 2: unknown soil class 'lome'. Did you mean 'loam'"):
        harmonise("sand", "soil", rules=rules)
    with pytest.raises(FileError, match="cannot be read as a table of rules"):
        harmonise("sand", "soil", rules=tmp_path / "none.csv")
    with pytest.raises(UnknownName, match="unknown vocabulary 'soils'. Did you mean 'soil'"):
        harmonise("sand", "soils")


@pytest.mark.realdata
@pytest.mark.parametrize("vocabulary", ["vegetation", "soil"])
def test_no_class_contradicts_the_hand_made_ones(real, vocabulary):
    sites = pl.read_csv(real / "three_poles" / "sites.csv")
    found = harmonise(sites[f"{vocabulary}_original"].to_list(), vocabulary)
    both = pl.DataFrame({"found": found["category"], "given": sites[vocabulary]}).drop_nulls()
    assert len(both) >= 15
    assert (both["found"] == both["given"]).all()
