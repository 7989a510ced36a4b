"""Answering: one question over one KB, from link to proof (design, section 5). Knows nothing of the web.

Link the names that the question mentions, let the reader hop from them along facts, decide between an answer and an
honest refusal, and prove what is answered. A view is taken once per batch: all its answers speak of one revision.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app import proof
from app.answer_cache import AnswerCache
from app.demonyms import demonyms_in
from app.flags import flags_in, flags_of, said_of_it
from app.genders import genders_in
from app.key_cache import KeyCache, keys_of
from app.mentions import classes_among, told_by_relations
from app.readings import readings_of
from app.sparql import QueryWriter
from app.tracing import NO_SPAN, Span, Stages
from kb.consistency import Views
from kb.encoding import Encoder
from kb.errors import EntitiesUnknown
from kb.graph import LongArray
from kb.linking import LinkedEntity, Mention, link
from kb.retrieval import nearest_facts
from kb.store import Kb
from kb.view import KnowledgeView
from models.chains import Chain, Reading, ReadRequest
from models.episodes import Asked
from models.networks.path_inference import Keys
from models.profiles import Profile
from models.reader import Reader

KINDS = {Asked.ENTITIES: "entities", Asked.COUNT: "count", Asked.WHETHER: "boolean"}
NEAR = 0.3
"""How likely a question means the subject of a fact that is near to it, beside one that it names."""
LACKING = 0.5
"""A refusal says that a fact is missing where this likely a relation is meant that others alike have."""
_NUMBER = re.compile(r"[-+]?\d[\d.,:/ -]*(%|[^\W\d]{1,4})?")


@dataclass(frozen=True)
class Question:
    """What is asked; `entities` names the topic instead of leaving it to linking.

    It is refused below a confidence of `abstain_below`, by default that of the limits. `span` is of who asks it.
    """

    text: str
    entities: tuple[str, ...] = ()
    max_hops: int | None = None
    limit: int = 1_000
    abstain_below: float | None = None
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True)
class AnsweringLimits:
    """Budgets and thresholds of answering."""

    max_hops: int = 3
    fact_budget: int = 20_000
    beam: int = 4
    max_readings: int = 6
    abstain_below: float = 0.35
    nearest_facts: int = 8
    nearest_similarity: float = 0.6
    remembered_answers: int = 0


@dataclass(frozen=True)
class _Prepared:
    """A question with its mentions and the readings made of them."""

    question: Question
    mentions: tuple[Mention, ...]
    readings: tuple[Reading, ...]
    began: float
    ended: float


class QuestionAnswerer:
    """Answers questions over any KB that `views` can show; safe to call from several threads."""

    def __init__(
        self,
        views: Views,
        reader: Reader,
        encoder: Encoder,
        queries: QueryWriter,
        limits: AnsweringLimits,
        reader_of: Callable[[int], Reader] | None = None,
    ) -> None:
        """Answer with `reader`, or with what `reader_of` gives for the id of the KB that is asked."""
        self._views = views
        self._reader = reader
        self._reader_of = reader_of or (lambda _: reader)
        self._encoder = encoder
        self._queries = queries
        self._limits = limits
        self._keys = KeyCache()
        self._cache = AnswerCache(limits.remembered_answers)

    @property
    def fact_budget(self) -> int:
        """The most facts read in one hop."""
        return self._limits.fact_budget

    @property
    def model(self) -> str:
        """The name of the reader that answers where a KB has none of its own."""
        return self._reader.name

    def readings(self, view: KnowledgeView, question: Question, profiles: Sequence[Profile]) -> tuple[Reading, ...]:
        """The readings of a question that are worth reading, likely ones first; `profiles` has one for each key."""
        return self._prepare(view, question, profiles).readings

    def ask(self, kb: Kb, questions: Sequence[Question], *, waits: bool = True) -> list[dict[str, Any]]:
        """The envelope of design section 7 for each question, without `request_id`.

        Raises:
            EntitiesUnknown: a name in `entities` is not in the KB.
            StructuresBusy: another process builds the KB's structures; who `waits` waits for that first.
        """
        started = time.perf_counter()
        view, reader = self._views.current(kb.id, waits=waits), self._reader_of(kb.id)
        known = [self._cache.find(view, (reader.name, question)) for question in questions]
        new = [question for question, reply in zip(questions, known, strict=True) if reply is None]
        answered = iter(self._answer(kb, view, reader, new, started) if new else ())
        return [next(answered) if reply is None else _again(reply, started) for reply in known]

    def _answer(
        self, kb: Kb, view: KnowledgeView, reader: Reader, questions: Sequence[Question], started: float
    ) -> list[dict[str, Any]]:
        keys = self._keys.keys(view, reader)
        prepared = [self._prepare(view, question, keys.profiles) for question in questions]
        reading_started = time.perf_counter()
        chains = self._read(view, reader, keys, prepared)
        reading_ended = time.perf_counter()
        read_seconds = (reading_ended - reading_started) / len(questions)
        replies, stages = [], Stages()
        for one, found in zip(prepared, chains, strict=True):
            proving_started = time.perf_counter()
            reply, believed = self._reply(view, reader, one, found)
            reply["sparql"] = self._query(view, reader, one, believed, reply["kind"]) if believed else None
            reply |= {"kb": kb.name, "kb_revision": view.revision, "model": reader.name}
            now = time.perf_counter()
            reply["timings_ms"] = {
                "link": round((one.ended - one.began) * 1000, 3),
                "read": round(read_seconds * 1000, 3),
                "prove": round((now - proving_started) * 1000, 3),
                "total": round((now - started) * 1000, 3),
            }
            replies.append(reply)
            self._cache.keep(view, (reader.name, one.question), reply)
            stages.add(one.question.span, "link", one.began, one.ended)
            stages.add(one.question.span, "read", reading_started, reading_ended)
            stages.add(one.question.span, "prove", proving_started, now)
        stages.tell()
        return replies

    def ask_view(self, view: KnowledgeView, question: Question) -> dict[str, Any]:
        """The part of the envelope that a view of no KB can give: no KB, and no query on an export of it."""
        reader = self._reader
        keys = keys_of(view, reader)
        prepared = self._prepare(view, question, keys.profiles)
        (chains,) = self._read(view, reader, keys, [prepared])
        reply, _ = self._reply(view, reader, prepared, chains)
        return reply | {"model": reader.name}

    def _read(
        self, view: KnowledgeView, reader: Reader, keys: Keys, prepared: Sequence[_Prepared]
    ) -> list[list[Chain]]:
        limits = self._limits
        requests = [
            ReadRequest(
                memory=view,
                keys=keys,
                readings=one.readings,
                max_hops=min(one.question.max_hops or limits.max_hops, limits.max_hops),
                budget=limits.fact_budget,
            )
            for one in prepared
        ]
        return reader.read(requests, beam=limits.beam)

    def _prepare(self, view: KnowledgeView, question: Question, profiles: Sequence[Profile]) -> _Prepared:
        started = time.perf_counter()
        mentions = _named(view, question) if question.entities else _linked(view, question.text)
        if not mentions:
            mentions = self._nearest(view, question.text)
        mentions = told_by_relations(view, question.text, mentions)
        flags = flags_of(view, profiles)
        mentioned, unsaid = flags_in(question.text, view, flags), said_of_it(question.text, view, flags)
        classes = classes_among(view, question.text, mentions)
        people = genders_in(question.text, view, profiles)
        readings = readings_of(question.text, mentions, view.relation_words, mentioned, classes, people, unsaid)
        best = readings[: self._limits.max_readings]
        return _Prepared(question, tuple(mentions), best, started, time.perf_counter())

    def _nearest(self, view: KnowledgeView, text: str) -> list[Mention]:
        """Topics for a question that names nothing: the subjects of the facts nearest to it."""
        found = nearest_facts(view, self._encoder.encode([text])[0], self._limits.nearest_facts)
        near = {fact.subject: score for fact, score in reversed(found) if score >= self._limits.nearest_similarity}
        ranked = sorted(near.items(), key=lambda pair: -pair[1])
        return [Mention("", 0, 0, (LinkedEntity(subject, NEAR * score),), typo=False) for subject, score in ranked]

    def _reply(
        self, view: KnowledgeView, reader: Reader, one: _Prepared, chains: Sequence[Chain]
    ) -> tuple[dict[str, Any], Chain | None]:
        """What the chains say, and the chain that is believed, if one is."""
        best = chains[0] if chains else None
        confidence = reader.calibration.confidence(best.held(one.readings)) if best else 0.0
        reason = self._reason(one, best, confidence)
        believed = best if reason is None else None
        reply = {
            "question": one.question.text,
            **_answers(view, one, believed, best.asked if best else Asked.ENTITIES),
            "confidence": round(confidence, 4),
            "abstained": reason is not None,
            "reason": reason,
            "linked_entities": [_shown(view, mention) for mention in one.mentions if mention.text],
            "hops": proof.hops(view, one.question.text, one.readings[best.reading], best) if best else [],
        }
        return reply, believed

    def _reason(self, one: _Prepared, best: Chain | None, confidence: float) -> str | None:
        """Why there is no answer; None when there is one."""
        if not one.readings:
            return "no_entity_linked"
        if best is None:
            return "no_fact_found"
        if best.is_partial(self._limits.fact_budget):
            return "too_many_facts"
        least = one.question.abstain_below
        if confidence >= (self._limits.abstain_below if least is None else least):
            return None
        if best.lacking > LACKING:
            return "no_fact_found"
        return "no_relation_matched" if best.rejected > best.probability else "low_confidence"

    def _query(self, view: KnowledgeView, reader: Reader, one: _Prepared, chain: Chain, kind: str) -> str | None:
        reading = one.readings[chain.reading]
        if kind == "value":  # a number that the facts give answers "how many", and is not counted
            chain = replace(chain, asked=Asked.ENTITIES)
        return self._queries.query(view, reading, chain, mask_topics=reader.masks_topics)


def _again(reply: dict[str, Any], started: float) -> dict[str, Any]:
    """A reply that was kept: finding it is all that took time."""
    spent = round((time.perf_counter() - started) * 1000, 3)
    return reply | {"timings_ms": {"link": 0.0, "read": 0.0, "prove": 0.0, "total": spent}}


def _linked(view: KnowledgeView, text: str) -> list[Mention]:
    """What a question names, or means by a word for those who are from there."""
    mentions = link(view, text)
    return [*mentions, *demonyms_in(text, view, mentions)]


def _named(view: KnowledgeView, question: Question) -> list[Mention]:
    """The entities that the question's sender named, each with the words that mention it, if any do.

    Raises:
        EntitiesUnknown: a name is not in the KB.
    """
    named = {name: view.entities_named(name) for name in question.entities}
    unknown = [name for name, positions in named.items() if not len(positions)]
    if unknown:
        raise EntitiesUnknown(unknown)
    linked = link(view, question.text)
    mentions = []
    for name, positions in named.items():
        entities = tuple(LinkedEntity(int(position), 1.0) for position in positions)
        start = question.text.casefold().find(name.casefold())
        if start >= 0:
            text = question.text[start : start + len(name)]
            mentions.append(Mention(text, start, start + len(name), entities, typo=False))
            continue
        wanted = set(positions.tolist())
        near = next((one for one in linked if any(entity.position in wanted for entity in one.entities)), None)
        start, end = (near.start, near.end) if near else (0, 0)
        mentions.append(Mention(question.text[start:end], start, end, entities, typo=False))
    return mentions


def _answers(view: KnowledgeView, one: _Prepared, chain: Chain | None, asked: Asked) -> dict[str, Any]:
    """The kind, the answers and their number; nothing of a chain that is not believed."""
    if chain is None:
        return {"kind": KINDS[asked], "answers": [], "answer_count": 0}
    reading, last = one.readings[chain.reading], chain.steps[-1]
    if chain.is_denied:
        return _said("boolean", "no", proof.denial(view, reading, chain))
    order: LongArray = np.argsort(-last.weights, kind="stable")
    entities = last.entities[order].tolist()
    shown = order[: one.question.limit].tolist()
    proof.expect(view, chain, order[: one.question.limit])
    are_values = all(view.is_literal(entity) or _NUMBER.fullmatch(view.label(entity)) for entity in entities[:100])
    if asked is Asked.WHETHER or (asked is Asked.COUNT and not are_values):
        label = "yes" if asked is Asked.WHETHER else str(len(entities))
        return _said(KINDS[asked], label, [fact for at in shown for fact in proof.evidence(view, reading, chain, at)])
    top = float(last.weights[order[0]])
    answers = [
        {
            "entity_id": view.entity_id(entity),
            "label": view.label(entity),
            "score": round(float(last.weights[at]) / top, 6),
            "evidence": proof.evidence(view, reading, chain, at),
        }
        for entity, at in zip(entities, shown, strict=False)
    ]
    return {"kind": "value" if are_values else "entities", "answers": answers, "answer_count": len(entities)}


def _said(kind: str, label: str, facts: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that is no entity: a number of them, yes or no."""
    answer = {"entity_id": None, "label": label, "score": 1.0, "evidence": facts}
    return {"kind": kind, "answers": [answer], "answer_count": 1}


def _shown(view: KnowledgeView, mention: Mention) -> dict[str, Any]:
    best = mention.entities[0]
    return {
        "mention": mention.text,
        "start": mention.start,
        "end": mention.end,
        "entity_id": view.entity_id(best.position),
        "label": view.label(best.position),
        "score": round(best.score, 4),
    }
