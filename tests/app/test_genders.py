from pathlib import Path

import pytest

from app.genders import genders_in
from kb.view import KnowledgeView
from models.profiles import Profile, profiles_of
from tests.kb.structures import Knowledge, triple

PEOPLE = [("Ann", "F"), ("Bo", "M"), ("Cy", "M")]


def people(folder: Path, *others: str) -> KnowledgeView:
    knowledge = Knowledge(folder)
    knowledge.write([triple(name, "sex", sex) for name, sex in PEOPLE])
    knowledge.write([triple("Ann", other, "Bo") for other in others])
    return knowledge.view()


def found(text: str, view: KnowledgeView) -> list[tuple[str, list[str]]]:
    return [
        (text[one.start : one.end], [view.label(entity.position) for entity in one.entities])
        for one in genders_in(text, view, profiles_of(view))
    ]


@pytest.mark.parametrize(
    ("text", "nouns"),
    [
        ("Which women knit?", [("women", ["F"])]),
        ("how many great-grandsons has Ann", [("great-grandsons", ["M"])]),
        ("where did Bo's sons and brothers live", [("sons", ["M"]), ("brothers", ["M"])]),
        ("which men married women", []),
        ("who works at Manchester", []),
        ("the son-in-law of Ann", []),
    ],
)
def test_nouns_of_one_sex_mean_those_of_whom_the_facts_say_it(
    tmp_path: Path, text: str, nouns: list[tuple[str, list[str]]]
) -> None:
    assert found(text, people(tmp_path)) == nouns


def test_a_relation_called_so_is_asked_instead(tmp_path: Path) -> None:
    view = people(tmp_path, "brother", "mother of")
    assert found("who is Ann's brother", view) == []
    assert found("the mothers of boys", view) == [("boys", ["M"])]
    assert found("the uncle of Ann", view) == [("uncle", ["M"])]


def test_nothing_is_meant_where_nothing_tells(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Ann", "size", "M"), triple("Bo", "gender", "he/him")])
    assert found("which men knit", knowledge.view()) == []
    knowledge.new_kb()
    assert genders_in("which men knit", knowledge.view(), [Profile(), Profile()]) == []


def test_a_sex_that_nobody_has_is_none_to_keep_to(tmp_path: Path) -> None:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Bo", "gender", "male")])
    assert found("which women knit", knowledge.view()) == []
