"""Figures of an evaluation, each worked out by hand."""

from typing import Any
from xml.etree import ElementTree

import pytest

from app.diagrams import diagram
from app.evaluation import GoldQuestion, report


def reply(confidence: float, *labels: str) -> dict[str, Any]:
    fact = {"triple_id": 1, "subject": "a", "relation": "r", "object": "b", "hop": 1, "weight": 1.0, "source": None}
    answers = [{"entity_id": 1, "label": label, "score": 1.0, "evidence": [fact]} for label in labels]
    reason = None if labels else "no_entity_linked"
    return {"answers": answers, "confidence": confidence, "reason": reason, "linked_entities": [], "hops": []}


ASKED = [
    (GoldQuestion("right", ("Oslo",), "entity", 1), reply(0.9, "oslo ")),
    (GoldQuestion("half", ("Oslo", "Rome"), "entity", 1), reply(0.8, "Oslo")),
    (GoldQuestion("wrong", ("Oslo",), "entity", 2), reply(0.6, "Rome")),
    (GoldQuestion("right but refused", ("Oslo",), "entity", 2), reply(0.3, "Oslo")),
    (GoldQuestion("nothing found", ("Oslo",), "entity", 2), reply(0.0)),
    (GoldQuestion("unanswerable, refused", (), "none"), reply(0.2, "Rome")),
    (GoldQuestion("unanswerable, believed", (), "none"), reply(0.7, "Rome")),
]


@pytest.fixture
def found() -> dict[str, Any]:
    questions, replies = zip(*ASKED, strict=True)
    return report(questions, replies, 0.5, 10)


def test_scores_are_means_by_kind_and_hops(found: dict[str, Any]) -> None:
    assert (found["questions"], found["answerable"]) == (7, 5)
    assert found["groups"] == [
        {"kind": "entity", "hops": 1, "questions": 2, "hits_at_1": 1.0, "f1": 0.8333, "exact": 0.5, "refused": 0.0},
        {"kind": "entity", "hops": 2, "questions": 3, "hits_at_1": 0.0, "f1": 0.0, "exact": 0.0, "refused": 0.6667},
        {"kind": "none", "hops": None, "questions": 2, "hits_at_1": 0.5, "f1": 0.5, "exact": 0.5, "refused": 0.5},
    ]
    assert found["all"]["exact"] == pytest.approx(2 / 7, abs=1e-4)


def test_calibration_compares_confidence_with_how_often_it_is_right(found: dict[str, Any]) -> None:
    bins = {one["from"]: one for one in found["calibration"]["bins"] if one["questions"]}
    assert set(bins) == {0.2, 0.3, 0.6, 0.7, 0.8, 0.9}
    assert (bins[0.9]["right"], bins[0.8]["right"], bins[0.3]["right"]) == (1.0, 0.0, 1.0)
    errors = [0.1, 0.8, 0.6, 0.7, 0.2, 0.7]  # of each answer found, alone in its bin
    assert found["calibration"]["error"] == pytest.approx(sum(errors) / 6, abs=1e-4)


def test_every_threshold_says_what_it_costs(found: dict[str, Any]) -> None:
    at = {row["threshold"]: row for row in found["abstention"]}
    assert at[0.0]["answered"] == pytest.approx(6 / 7, abs=1e-4)
    assert at[0.5] == {
        "threshold": 0.5,
        "answered": pytest.approx(4 / 7, abs=1e-4),
        "right": 0.25,
        "answerable_refused": 0.4,
        "unanswerable_refused": 0.5,
    }
    assert at[0.95]["answered"] == 0.0


def test_mistakes_come_the_most_confident_first_with_their_trace(found: dict[str, Any]) -> None:
    names = [one["question"] for one in found["mistakes"]]
    assert names == ["half", "unanswerable, believed", "wrong", "right but refused", "nothing found"]
    assert found["mistakes"][0]["evidence"][0]["relation"] == "r"
    assert found["mistakes"][-1]["evidence"] == []


def test_without_any_answer_there_is_a_report_too() -> None:
    found = report([GoldQuestion("what", ("a",))], [reply(0.0)], 0.5, 10)
    assert found["calibration"]["error"] == 0.0
    ElementTree.fromstring(diagram(found))


def test_the_diagram_has_a_bar_for_each_bin_with_answers(found: dict[str, Any]) -> None:
    picture = ElementTree.fromstring(diagram(found))
    space = "{http://www.w3.org/2000/svg}"
    bars = [one for one in picture.iter(f"{space}rect") if one.find(f"{space}title") is not None]
    assert len(bars) == 6
    heights = sorted(float(bar.attrib["height"]) for bar in bars)
    assert heights == [0.0, 0.0, 0.0, 0.0, 300.0, 300.0]
    assert len([*picture.iter(f"{space}polyline")]) == 3
