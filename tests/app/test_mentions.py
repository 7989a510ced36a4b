import pytest

from app.mentions import CLASS, TOLD, classes_among, told_by_relations
from kb.encoding import StaticEncoder
from kb.inline import inline_view
from kb.linking import link
from kb.triples import Term, Triple
from kb.view import KnowledgeView

TRIPLES = (
    ("auth", "written in", "Go"),
    ("auth", "is a", "service"),
    ("cart", "is a", "service"),
    ("auth", "owned by", "the core team"),
    ("auth", "layer", "backend"),
    ("the core team", "is a", "team"),
)


@pytest.fixture(scope="module")
def services() -> KnowledgeView:
    return inline_view(
        [Triple(Term(subject), Term(relation), Term(value)) for subject, relation, value in TRIPLES], StaticEncoder()
    )


def test_a_class_is_what_things_are_said_to_be(services: KnowledgeView) -> None:
    text = "which services of the core team are written in go"
    assert [one.text for one in classes_among(services, text, link(services, text))] == ["services"]


def test_what_stands_as_a_class_is_one(services: KnowledgeView) -> None:
    for text, is_class in (("who runs the backend of auth", True), ("is auth a backend", False)):
        classes = classes_among(services, text, link(services, text))
        assert ([one.text for one in classes] == ["backend"]) is is_class


def test_where_nothing_else_is_named_a_class_is(services: KnowledgeView) -> None:
    for text, is_likely in (("what is the oldest team", True), ("what is the oldest team of auth", False)):
        scores = {one.text: one.score for one in told_by_relations(services, text, link(services, text))}
        assert (scores["team"] >= CLASS) is is_likely


def test_a_word_is_a_name_behind_the_relation_that_leads_to_it(services: KnowledgeView) -> None:
    for text, is_told in (("which service is written in go", True), ("where does a service go", False)):
        mentions = told_by_relations(services, text, link(services, text))
        scores = {one.text: one.score for one in mentions}
        assert (scores.get("go", 0.0) >= TOLD) is is_told
        assert [one.score for one in mentions] == sorted(scores.values(), reverse=True)


def scores_of(view: KnowledgeView, text: str) -> dict[str, float]:
    return {one.text: one.score for one in told_by_relations(view, text, link(view, text))}


def test_a_word_is_a_name_before_the_relation_that_leads_to_it() -> None:
    rows = (("INC-7", "severity", "high"), ("INC-8", "severity", "low"))
    view = inline_view([Triple(Term(one), Term(two), Term(three)) for one, two, three in rows], StaticEncoder())
    assert scores_of(view, "how many incidents of high severity")["high"] == TOLD
    assert scores_of(view, "low incidents")["low"] == CLASS
    assert scores_of(view, "what is high in INC-8").get("high", 0.0) < CLASS
