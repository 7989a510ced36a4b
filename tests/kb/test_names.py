import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.names import MAX_NAME_WORDS, NameDictionary, NameIndexBuilder, TypoIndex, bare_key, key_hash, symbol_hash
from kb.texts import TextTable


def built(labels: list[str], aliases: list[tuple[str, int]] | None = None) -> tuple[NameDictionary, TypoIndex]:
    aliases = aliases or []
    builder = NameIndexBuilder()
    builder.extend(labels, [True] * len(labels))
    builder.extend([text for text, _ in aliases], [True] * len(aliases))
    entities = np.array([entity for _, entity in aliases], np.int32)
    tables = (TextTable.of(labels), TextTable.of(text for text, _ in aliases))
    return builder.dictionary(*tables, entities), builder.typo_index()


def found(names: NameDictionary, *hashes: int, limit: int = 10) -> list[list[str]]:
    texts: list[list[str]] = [[] for _ in hashes]
    for place, number in names.find(np.array(hashes, np.uint64), limit):
        texts[place].append(names.text(number))
    return texts


@given(st.lists(st.text("abc -'é", min_size=1, max_size=6), max_size=20))
def test_every_name_is_found_by_its_key(labels: list[str]) -> None:
    from kb.triples import surface_key

    names, _ = built(labels)
    for label in labels:
        key = surface_key(label)
        wanted = key_hash(key) if key else symbol_hash(label)
        assert label in found(names, wanted, limit=100)[0]


def test_aliases_lead_to_their_entities() -> None:
    names, _ = built(["New York", "Rome"], [("Big Apple", 0), ("Eternal City", 1)])
    ((_, number),) = names.find(np.array([key_hash("eternal city")], np.uint64), 5)

    assert (names.entity(number), names.is_label(number), names.text(number)) == (1, False, "Eternal City")


def test_a_name_is_found_without_blanks_or_accents() -> None:
    names, _ = built(["Spider-Man", "Amélie Poulain"])

    assert found(names, key_hash("spiderman"), key_hash("amelie poulain"), key_hash("ameliepoulain")) == [
        ["Spider-Man"],
        ["Amélie Poulain"],
        ["Amélie Poulain"],
    ]


def test_equal_names_come_in_order_up_to_the_limit() -> None:
    names, _ = built(["Paris", "paris", "Rome", "PARIS"])

    assert found(names, key_hash("paris"), limit=2) == [["Paris", "paris"]]


def test_long_names_are_announced_by_their_first_words() -> None:
    names, _ = built(["The Lord of the Rings", "The Lord"])
    heads = np.array([key_hash("the lord of"), key_hash("the lord")], np.uint64)

    assert names.are_heads(heads).tolist() == [True, False]


def test_prose_is_not_a_name() -> None:
    names, typos = built([" ".join(["word"] * (MAX_NAME_WORDS + 1))])

    assert len(names.hashes) == 0
    assert typos.similar("word", [], 5) == []


@pytest.mark.parametrize("typo", ["inceptio", "inceptiion", "incaption", "incpetion", "inception"])
def test_one_letter_off_is_similar(typo: str) -> None:
    names, typos = built(["Inception", "Perception", "Ince"])

    assert [names.text(number) for number in typos.similar(typo, [], 5)] == ["Inception"]


def test_names_that_share_more_words_come_first() -> None:
    names, typos = built(["Forest Hill", "Forrest Gump", "Forrest Whitaker"])

    assert names.text(typos.similar("gmup", ["forest"], 5)[0]) == "Forrest Gump"


def test_numbers_are_not_guessed() -> None:
    _, typos = built(["1999", "12345"])

    assert typos.similar("1998", [], 5) == []
    assert typos.similar("12346", [], 5) == []


def test_bare_keys_have_no_accents() -> None:
    assert bare_key("amélie") == "amelie"
    assert bare_key("amelie") == "amelie"
