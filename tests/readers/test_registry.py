"""The door: who claims a file, what is filled in afterwards, and what is refused in which words."""

import hashlib

import numpy as np
import pytest

import talik
from talik.errors import FileError, TalikError, UnknownFormat, UnknownName, UsageError
from talik.readers import registry
from talik.readers.registry import CERTAIN, Reader, looked_at, register

TABLE = "Date/Depth,0.1,0.5\n2020-01-01 00:00:00,-20,-9\n2020-01-01 01:00:00,-21,-9.5\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "barrow.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def extra_readers(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})


def test_the_source_says_where_the_record_came_from(table):
    [record] = talik.read(table)
    assert record.source.path == str(table)
    assert record.source.format == "gtnp"
    assert record.source.sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert record.source.header == "Date/Depth,0.1,0.5"


def test_equal_claims_are_refused_with_both_names(table, extra_readers):
    register(Reader("mine", "a test", lambda head: CERTAIN, lambda head, options: []))
    with pytest.raises(UnknownFormat, match=r"barrow.csv: claimed equally by gtnp and mine. Pass format="):
        talik.read(table)
    assert talik.read(table, format="gtnp")


def test_a_weaker_claim_gives_way(table, extra_readers):
    register(Reader("mine", "a test", lambda head: True, lambda head, options: []))
    assert talik.read(table)[0].source.format == "gtnp"


def test_a_name_is_registered_once(extra_readers):
    reader = Reader("mine", "a test", lambda head: 0, lambda head, options: [])
    assert register(reader) is reader
    for again in (reader, Reader("hobo", "a test", lambda head: 0, lambda head, options: [])):
        with pytest.raises(UsageError, match="already registered"):
            register(again)


def test_nobody_claims_prose(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\nthe logger was eaten by a bear.\n")
    with pytest.raises(UnknownFormat, match=r"letter.txt: no reader claims it \(knows: .*hobo"):
        talik.read(path)


def test_a_format_that_does_not_exist_has_its_nearest_named(table):
    with pytest.raises(UnknownName, match="unknown format 'hobbo'. Did you mean 'hobo'"):
        talik.read(table, format="hobbo")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: path.mkdir(), "is a folder, expected a file"),
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.write_bytes(b""), "is empty"),
    ],
)
def test_what_is_no_file_is_said_so(tmp_path, make, words):
    path = tmp_path / "x.csv"
    make(path)
    with pytest.raises(FileError, match=words):
        talik.read(path)


def test_given_depths_win_and_must_fit(table):
    [record] = talik.read(table, depths=[0.2, 1.0])
    assert record.depths.tolist() == [0.2, 1.0]
    assert "depths: as given by the caller" in record.source.understood
    with pytest.raises(UsageError, match="1 depths given for 2 temperature columns: 0.1, 0.5"):
        talik.read(table, depths=[0.2])


def test_roles_of_columns_are_refused_in_words_for_a_file_that_has_its_own(tmp_path):
    path = tmp_path / "data_94184199_0.csv"
    path.write_text("".join(f"{n};2017.12.20 {n:02d}:00;4;-9.4;-11.1;-16.2;1257;202;0\n" for n in range(20)))
    assert talik.read(path)[0].source.format == "tomst"
    with pytest.raises(FileError, match="{'depth_unit': 'cm'} is for tables of no known format.*tomst.*of its own"):
        talik.read(path, columns={"depth_unit": "cm"})


def test_a_readers_stumble_becomes_a_plain_error(table, extra_readers):
    def stumble(head, options):
        raise IndexError("list index out of range")

    register(Reader("mine", "a test", lambda head: 9, stumble))
    with pytest.raises(
        FileError, match="damaged, or not the mine file it seems to be .IndexError: list index out of range"
    ):
        talik.read(table)


def test_a_reader_that_finds_nothing_is_an_error(table, extra_readers):
    register(Reader("mine", "a test", lambda head: 9, lambda head, options: []))
    with pytest.raises(FileError, match="the mine reader found no temperatures"):
        talik.read(table)


def test_binary_junk_named_csv_is_refused(tmp_path):
    path = tmp_path / "junk.csv"
    for seed in range(20):
        path.write_bytes(np.random.default_rng(seed).bytes(5000 * (seed + 1)))
        assert looked_at(path).binary
        with pytest.raises(TalikError, match=r"junk.csv"):
            talik.read(path)


def test_all_readers_say_what_they_read():
    for name, reader in registry.readers().items():
        assert reader.name == name
        assert reader.description.strip()
    assert list(registry.readers())[-1] == "generic"
