import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import triples
from kb.triples import (
    Term,
    local_name,
    normalise_label,
    readable_relation,
    relation_name,
    surface_key,
    term_digest,
)


@pytest.mark.parametrize(
    ("text", "label"),
    [("  The \t Night\n ", "The Night"), ("e\u0301", "é"), ("\ufeffa", "a"), ("a\u00a0b", "a b"), (" \n", "")],
)
def test_labels_are_composed_trimmed_and_folded(text: str, label: str) -> None:
    assert normalise_label(text) == label


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise_label(normalise_label(text)) == normalise_label(text)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("starredActors", "starred actors"),
        ("starred_actors", "starred actors"),
        ("StarredActors", "starred actors"),
        ("/people/person/place_of_birth", "people person place of birth"),
        ("place-of-birth", "place of birth"),
        ("_hypernym", "hypernym"),
        ("hasISBN", "has ISBN"),
        ("Cat.", "cat."),
        ("QTY.", "qty"),
        ("XMLFile", "XML file"),
        ("CAPITAL_OF", "capital of"),
        ("ISBN", "isbn"),
        ("P31", "P31"),
        ("is CEO of", "is CEO of"),
        ("is_ceo of", "is ceo of"),
        ("/", "/"),
        ("ISBN/", "isbn"),
        ("_ ISBN", "isbn"),
    ],
)
def test_relations_read_as_words(label: str, words: str) -> None:
    assert readable_relation(label) == words


@given((st.text() | st.text("aAbBM1é É_/-.", max_size=6)).map(normalise_label))
def test_a_readable_relation_stays_as_it_is(label: str) -> None:
    assert readable_relation(readable_relation(label)) == readable_relation(label)


@given(st.text().map(normalise_label))
def test_a_readable_relation_is_a_normalised_label(label: str) -> None:
    assert normalise_label(readable_relation(label)) == readable_relation(label)


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        ("http://example.org/The_Beatles", "The Beatles"),
        ("http://example.org/starredActors", "starred actors"),
        ("http://example.org/starred_actors", "starred actors"),
        ("http://example.org/ns#SoloArtist", "Solo Artist"),
        ("http://example.org/McCartney", "McCartney"),
        ("http://example.org/iPhone", "iPhone"),
        ("http://example.org/LeBron_James", "LeBron James"),
        ("http://example.org/Terminator_2:_Judgment_Day", "Terminator 2: Judgment Day"),
        ("http://example.org/%22Heroes%22_(album)", '"Heroes" (album)'),
        ("http://example.org/caf%C3%A9", "café"),
        ("http://example.org/%FF%00", "%FF%00"),
        ("http://example.org/people/ann/", "ann"),
        ("http://example.org/", "example.org"),
        ("urn:isbn:0451450523", "0451450523"),
        ("http://example.org/%20", "http://example.org/%20"),
    ],
)
def test_local_names_read_as_names(iri: str, name: str) -> None:
    assert local_name(iri) == name


def test_the_name_of_a_relation_is_in_small_letters() -> None:
    assert relation_name("http://example.org/StarredActors") == "starred actors"
    assert relation_name("http://www.w3.org/1999/02/22-rdf-syntax-ns#type") == "type"


def test_a_relation_whose_last_part_is_blank_is_named_by_all_of_its_iri() -> None:
    assert relation_name("http://e/r#%20") == "http e r %20"


@given(st.text("aAbBM1é É_/-.#:%0", max_size=8))
def test_the_name_of_a_relation_is_readable_already(end: str) -> None:
    name = relation_name(f"http://e/{end}")
    assert readable_relation(name) == name == normalise_label(name)


def test_terms_with_one_iri_are_one_whatever_their_label() -> None:
    assert term_digest(Term("a", "http://x")) == term_digest(Term("b", "http://x"))


def test_terms_without_iri_differ_by_label_datatype_and_language() -> None:
    terms = [
        Term("a"),
        Term("b"),
        Term("a", "a"),
        Term("a", None, "d"),
        Term("a", None, "d", "en"),
        Term("a", None, "e"),
    ]
    assert len({term_digest(term) for term in terms}) == len(terms)
    assert {len(term_digest(term)) for term in terms} == {16}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Spider-Man", "spider man"),
        ("Beyoncé\u2019s", "beyoncé s"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("हिन्दी", "हिन्दी"),
        ("!?", ""),
        ("Kleenex\u2122", "kleenex"),
        ("\u2116 5", "no 5"),
        ("5\u338f", "5kg"),
        ("\u3231\u65e5\u7acb", "\u682a \u65e5\u7acb"),
        ("\u2764\ufe0f", ""),
        ("I \u2764\ufe0fNY", "i ny"),
        ("\u845b\U000e0100\u57ce", "\u845b\u57ce"),
        ("caf\u00e9 \u0301 \u20dd", "caf\u00e9"),
        ("_:b12", ""),
    ],
)
def test_a_name_and_its_mention_share_a_key(text: str, key: str) -> None:
    assert surface_key(text) == key


def test_a_bounded_number_of_characters_is_remembered() -> None:
    assert surface_key("".join(map(chr, range(0x3400, 0x20000))))
    assert len(triples._WORD_PARTS) <= triples._REMEMBERED_CHARACTERS


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert surface_key(surface_key(text)) == surface_key(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_has_the_key_that_the_general_rule_gives(text: str) -> None:
    with_accent = surface_key(text + " é")
    assert f"{surface_key(text)} é".strip() == with_accent or text.startswith("_:")
