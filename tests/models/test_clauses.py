import pytest

from models.episodes import MENTION
from models.tasks.clauses import clauses, past, plural, rewordings, third
from models.tasks.grammar import agree


@pytest.mark.parametrize(
    ("noun", "many"),
    [("film", "films"), ("country", "countries"), ("boss", "bosses"), ("branch", "branches"), ("day", "days")],
)
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


@pytest.mark.parametrize(
    ("verb", "forms"),
    [("direct", ("directs", "directed")), ("carry", ("carries", "carried")), ("grow", ("grows", "grew"))],
)
def test_verb_forms(verb: str, forms: tuple[str, str]) -> None:
    assert (third(verb), past(verb)) == forms


@pytest.mark.parametrize(
    ("question", "kind", "noun", "reworded", "clause"),
    [
        ("where does {x} live", "city", "city", "which city does {x} live in", "the city where {x} lives"),
        ("where did {x} grow up", "city", "city", "in which city did {x} grow up", "the city where {x} grew up"),
        ("who wrote {x}", "person", "woman", "which woman wrote {x}", "the person who wrote {x}"),
        ("when was {x} built", "year", "year", "what year was {x} built in", "the year when {x} was built"),
        ("what does {x} eat", "food", "food", "what foods does {x} eat", "the food {x} eats"),
        ("where did {x} study", "school", "school", "which school did {x} study at", "the school where {x} studied"),
        ("what country is {x} from", "country", "state", None, "the country {x} is from"),
        ("what river flows through {x}", "river", "river", None, "the river that flows through {x}"),
        ("who are the kids of {x}", "person", "person", None, None),
        ("how old is {x}", "number", "number", None, None),
    ],
)
def test_a_question_is_reworded_and_becomes_a_noun_phrase(
    question: str, kind: str, noun: str, reworded: str | None, clause: str | None
) -> None:
    made = rewordings(question, kind, [noun], [plural(noun)]), clauses(question, [noun], kind == "person")
    for found, wanted in zip(made, (reworded, clause), strict=True):
        assert found == [] if wanted is None else wanted in found


@pytest.mark.parametrize(
    ("phrase", "question"),
    [
        ("the director of Sunrise", "where was the director of Sunrise born"),
        ("the films of Murnau", "where were the films of Murnau born"),
        ("people who live in Paris", "where were people who live in Paris born"),
        (f"{MENTION}'s sons", f"where were {MENTION}'s sons born"),
        (MENTION, f"where was {MENTION} born"),
    ],
)
def test_verbs_agree_with_what_is_put_after_them(phrase: str, question: str) -> None:
    assert agree("where was {x} born", "{x}", phrase) == question
