"""Questions to begin with, made from a knowledge base's own relations; only those are shown that it answers rightly."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request, Response

from app.dependencies import JSON
from app.web.calling import call
from app.web.rendering import render

MOST_RELATIONS = 8
SAMPLE = 40
LONGEST_LABEL = 40
SHOWN = 6
PLACES = frozenset({"in", "at", "on"})
PREPOSITIONS = PLACES | {"from", "to", "with", "for", "of", "by", "under", "after"}
PAST = ("born", "died", "founded", "written", "released", "made", "built", "killed")
router = APIRouter(prefix="/ui/v1", include_in_schema=False)


class Fact(NamedTuple):
    """A fact by its labels."""

    subject: str
    relation: str
    object: str


class Candidate(NamedTuple):
    """A question, what must be among its answers, and how many facts lead there."""

    text: str
    answer: str
    hops: int


@router.get("/kbs/{kb}/suggestions", name="view_suggestions")
async def suggest(request: Request, kb: str) -> Response:
    """A few questions that this knowledge base answers, each with a link."""
    place = f"/kbs/{quote(kb, safe='')}"
    relations = await call(request, "GET", f"{place}/relations")
    if relations.is_error:
        return render(request, "views/problem.html", relations.status_code, problem=relations.json())
    labels = [one["label"] for one in relations.json()["relations"]]
    used = sorted(relations.json()["relations"], key=lambda one: -one["num_facts"])[:MOST_RELATIONS]
    facts: list[Fact] = []
    for one in used:
        page = await call(request, "GET", f"{place}/triples", {"relation": one["label"], "limit": SAMPLE})
        facts += [fact for triple in page.json().get("triples", []) if (fact := _short(triple))]
    candidates = [*candidates_of(facts)]
    replies: list[dict[str, Any]] = []
    if candidates:
        body = orjson.dumps({"questions": [one.text for one in candidates]})
        asked = await call(request, "POST", f"{place}/ask/batch", None, body, JSON)
        replies = asked.json().get("replies", [])
    answered = [one for one, reply in zip(candidates, replies, strict=False) if is_right(one, reply)]
    return render(request, "views/suggestions.html", kb=kb, questions=chosen(answered), labels=labels[:12])


def candidates_of(facts: Sequence[Fact]) -> Iterator[Candidate]:
    """Questions along one fact of each relation, and along two where one leads on to another."""
    by_relation: dict[str, list[Fact]] = {}
    by_subject: dict[str, list[Fact]] = {}
    for fact in facts:
        by_relation.setdefault(fact.relation, []).append(fact)
        by_subject.setdefault(fact.subject, []).append(fact)
    for number, (relation, some) in enumerate(by_relation.items()):
        fact = some[(7 * number + 3) % len(some)]
        yield Candidate(asked_of(relation, fact.subject), fact.object, 1)
        for first in some if _is_noun(relation) else ():
            onward = next((one for one in by_subject.get(first.object, ()) if _is_noun(one.relation)), None)
            if onward is not None and onward.object != first.subject:
                text = f"What is the {onward.relation} of the {relation} of {first.subject}?"
                yield Candidate(text, onward.object, 2)
                break


def asked_of(relation: str, subject: str) -> str:
    """A question for the objects of a relation, as its label lets one ask."""
    words = relation.split()
    first, last = words[0], words[-1]
    if _is_past(last):
        what = f"In what {first}" if first in ("year", "month") else "When"
        return f"{what} was {subject} {last}?"
    if len(words) == 1 or last not in PREPOSITIONS:
        return f"What is the {relation} of {subject}?"
    if last == "by":
        return f"Who was {subject} {relation}?"
    if last in PLACES and _is_past(first):
        be = "was" if first in PAST else "is"
        return f"Where {be} {subject} {' '.join(words[:-1])}?"
    if last == "of" and first not in ("part", "member", "made"):
        return f"What is {subject} the {relation}?"
    return f"What is {subject} {relation}?"


def is_right(candidate: Candidate, reply: dict[str, Any]) -> bool:
    """Whether a question was answered with what its facts say."""
    return candidate.answer in [answer["label"] for answer in reply["answers"]]


def chosen(answered: Sequence[Candidate]) -> list[Candidate]:
    """A few of them: two that need two facts first, then single ones, no sentence twice."""
    unique = [*{one.text: one for one in answered}.values()]
    longer = [one for one in unique if one.hops > 1][:2]
    single = [one for one in unique if one.hops == 1]
    return [*single[: SHOWN - len(longer)], *longer]


def _short(triple: dict[str, Any]) -> Fact | None:
    fact = Fact(*(triple[role]["label"] for role in ("subject", "relation", "object")))
    is_name = fact.subject[:1].isalpha() and triple["subject"]["datatype"] is None
    return fact if is_name and all(len(label) <= LONGEST_LABEL for label in fact) else None


def _is_noun(relation: str) -> bool:
    last = relation.split()[-1]
    return last not in PREPOSITIONS and not _is_past(last)


def _is_past(word: str) -> bool:
    return word.endswith("ed") or word in PAST
