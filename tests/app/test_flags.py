from pathlib import Path

import pytest

from app.flags import LEFT_OUT, Flagged, flags_in, flags_of
from app.readings import readings_of
from kb.linking import LinkedEntity, Mention
from kb.view import KnowledgeView
from models.episodes import MENTION, OTHER
from models.profiles import Profile, profiles_of
from tests.kb.structures import Knowledge, triple

SAID_YES, SAID_NO = ["Yes", "true", "yes"], ["No", "false"]


@pytest.fixture
def tents(tmp_path: Path) -> KnowledgeView:
    knowledge = Knowledge(tmp_path)
    for tent, dry, light in (("Fell", "Yes", "true"), ("Moor", "No", "true"), ("Dale", "Yes", "false")):
        knowledge.write([triple(tent, "is waterproof?", dry), triple(tent, "fire proof", light)])
        knowledge.write([triple(tent, "in stock", "yes" if tent == "Fell" else "12")])
    return knowledge.view()


def wanted(view: KnowledgeView, text: str) -> list[tuple[str, list[str]]]:
    found = flags_in(text, view, flags_of(view, profiles_of(view)))
    return [
        (text[: flag.end].split()[-1], [view.label(entity) for entity in flag.argument.entities.tolist()])
        for flag in found
    ]


def test_a_flag_that_is_mentioned_asks_for_yes(tents: KnowledgeView) -> None:
    assert wanted(tents, "Which tents are waterproof?") == [("waterproof", SAID_YES)]
    assert wanted(tents, "tents fire proof and Waterproof") == [("Waterproof", SAID_YES), ("proof", ["true", "yes"])]


@pytest.mark.parametrize("text", ["which shops deliver", "how many shops deliver?", "the shop that delivers"])
def test_the_verb_of_a_flag_is_found_as_questions_have_it(tmp_path: Path, text: str) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Fell Shop", "delivers", "y"), triple("Moor Shop", "delivers", "n")])
    ((word, values),) = wanted(knowledge.view(), text)
    assert (word.rstrip("s"), values) == ("deliver", ["y"])


@pytest.mark.parametrize("text", ["which drugs need a prescription", "drugs that require prescription"])
def test_what_a_flag_requires_is_needed(tmp_path: Path, text: str) -> None:
    knowledge = Knowledge(tmp_path)
    for drug, said in (("Zelopril", "true"), ("Doronal", "no")):
        knowledge.write([triple(drug, "requires prescription", said)])
    assert wanted(knowledge.view(), text) == [("prescription", ["true"])]


def test_a_noun_of_a_flag_is_found_in_any_number(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Ann", "1st aider", "Y"), triple("Bo", "1st aider", "N")])
    assert wanted(knowledge.view(), "how many first aiders are there") == [("aiders", ["Y"])]


@pytest.mark.parametrize("text", ["which ones are not waterproof", "tents that aren't really waterproof"])
def test_a_flag_that_is_denied_asks_for_no(tents: KnowledgeView, text: str) -> None:
    assert wanted(tents, text) == [("waterproof", SAID_NO)]


def test_a_flag_that_nothing_has_asks_for_nothing(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Fell", "waterproof", "yes")])
    assert wanted(knowledge.view(), "which tents are not waterproof") == []


def test_a_question_that_begins_with_a_denial_denies_nothing(tents: KnowledgeView) -> None:
    assert wanted(tents, "Isn't the Fell waterproof?") == [("waterproof", SAID_YES)]


def test_no_flag_is_a_part_of_a_word_or_leads_to_anything_else(tents: KnowledgeView) -> None:
    assert wanted(tents, "how many waterproofs are in stock") == []


def test_a_flag_is_a_condition_behind_its_words_and_may_be_left_out(tents: KnowledgeView) -> None:
    text = "is the Fell waterproof?"
    fell = Mention("Fell", 7, 11, (LinkedEntity(0, 1.0),), typo=False)
    first, second = readings_of(text, [fell], flags=flags_in(text, tents, flags_of(tents, profiles_of(tents))))
    assert first.text == f"is the {MENTION} waterproof{OTHER}?"
    assert [argument.left_out for argument in first.arguments] == [LEFT_OUT]
    assert second.text == f"is the {MENTION} waterproof?"
    assert second.score == first.score


def test_what_has_a_flag_is_looked_for_among_everything(tents: KnowledgeView) -> None:
    text = "what is waterproof?"
    (reading,) = readings_of(text, [], flags=flags_in(text, tents, flags_of(tents, profiles_of(tents))))
    assert reading.text == f"what is waterproof{OTHER}?"
    assert not len(reading.topics)


def test_a_flag_knows_where_its_words_end(tents: KnowledgeView) -> None:
    (flag,) = flags_in("waterproof ones", tents, flags_of(tents, profiles_of(tents)))
    assert isinstance(flag, Flagged)
    assert flag.end == len("waterproof")


def test_a_kb_without_relations_has_no_flags(tmp_path: Path) -> None:
    assert flags_of(Knowledge(tmp_path).view(), [Profile(), Profile()]) == []


@pytest.mark.parametrize(("text", "said"), [("which tents are out of stock", "no"), ("what is in stock?", "yes")])
def test_what_is_out_of_something_is_not_in_it(tmp_path: Path, text: str, said: str) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Fell", "in stock", "yes"), triple("Moor", "in stock", "no")])
    ((word, values),) = wanted(knowledge.view(), text)
    assert word == "stock"
    assert said in [value.casefold() for value in values]


@pytest.mark.parametrize(
    ("text", "said"),
    [("which trails don't allow dogs?", "no"), ("trails that allow dogs", "yes"), ("are dogs allowed there", "yes")],
)
def test_what_is_done_to_something_is_found_as_a_verb_too(tmp_path: Path, text: str, said: str) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Ridge", "dogs allowed", "yes"), triple("Gorge", "dogs allowed", "no")])
    ((_, values),) = wanted(knowledge.view(), text)
    assert said in [value.casefold() for value in values]
