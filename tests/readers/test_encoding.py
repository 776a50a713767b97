"""Encodings: names come back as they were written, or the guess names its rivals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import talik
from talik.errors import FileError
from talik.readers.encoding import detected, named, split_lines

SITES = {
    "cp1251": "Якутск, скважина 12, температура грунта; Верхоянск; Оймякон",
    "gb18030": "五道梁气象站，土壤温度，青藏高原，唐古拉山冻土观测",
    "cp1252": "Plateau d'Aiguille, névé, été très sec, Murtèl-Corvatsch, Flüela, Schilthorn Süd, crête élevée, arête",
    "utf-8": "Якутск Murtèl 五道梁",
    "utf-8-sig": "Якутск Murtèl 五道梁",
    "utf-16": "Якутск Murtèl 五道梁",
}


@pytest.mark.parametrize("encoding", SITES)
def test_names_come_back_as_they_were_written(tmp_path, encoding):
    path = tmp_path / "sites.csv"
    site = SITES[encoding].split(",")[0].split("，")[0]
    rows = "".join(f"{SITES[encoding]},2020-01-0{day},-3.{day}\n" for day in range(1, 6))
    path.write_bytes(f"remark,date,0.5_m\n{rows}".replace(SITES[encoding], f'"{SITES[encoding]}"').encode(encoding))
    [record] = talik.read(path, columns={"site": "remark"})
    assert record.site.startswith(site)
    assert record.values[:, 0].tolist() == [-3.1, -3.2, -3.3, -3.4, -3.5]


@pytest.mark.parametrize("name", ["cp1251", "gb18030"])
def test_a_short_guess_names_its_rivals(name):
    found = detected(("site\n" + SITES[name][:2]).encode(name))
    assert "could be" in found.how
    assert "encoding=" in found.how


def test_the_degree_sign_alone_needs_no_guess():
    for name in ("cp1252", "cp1251", "latin-1"):
        assert "same in all code pages" in detected("Temp, °C".encode(name)).how


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs", "Cc"))))
def test_valid_utf8_is_never_taken_for_a_code_page(text):
    assert detected(text.encode()).name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")


@given(st.text(alphabet="añ°Ж冻\n", max_size=60), st.integers(1, 100))
def test_a_cut_inside_a_character_does_not_change_the_guess(text, cut):
    content = ("x" * 10 + text).encode()
    assert detected(content[: 10 + cut % max(1, len(content) - 9)], whole=False).name == "utf-8"


def test_the_callers_word_is_taken_and_checked(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("Date/Depth,0.1\n2020-01-01,-3\n".encode("utf-16"))
    assert talik.read(path, encoding="utf-16")[0].values[0, 0] == -3
    with pytest.raises(FileError, match="encoding 'klingon' is not known"):
        talik.read(path, encoding="klingon")
    assert named("GBK").name == "gbk"


def test_bytes_that_do_not_fit_are_named_with_their_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"Date/Depth,0.1\n" + b"2020-01-01,-3\n" * 6000 + b"2020-01-02,\xff3\n")
    with pytest.raises(FileError, match=r"a.csv, line \d+: byte 0xff is not utf-8"):
        talik.read(path)


def test_line_ends_of_all_systems():
    assert split_lines("a\r\nb\rc\nd") == ["a", "b", "c", "d"]
    assert split_lines("a\n\n") == ["a", ""]
