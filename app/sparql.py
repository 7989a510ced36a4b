"""SPARQL: the chain that the reader followed, as a query that gives the same answers on an export of the KB.

Quantities with units have no order in SPARQL, so a comparison names the values that it let pass.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
from sqlalchemy import Engine

from kb.formats.writers import node
from kb.graph import INVERSE
from kb.source import NO_PLACES
from kb.terms import entity_term, relation_term
from kb.triples import BLANK_NODE, Term
from kb.view import KnowledgeView
from models.chains import Chain, Reading, Step
from models.episodes import MENTION, Asked, Manner
from models.kinship import are_siblings
from models.memory import IntArray
from models.steps import COMPARED_FACTS, both_ways

CACHED_TERMS = 50_000
"""Of about 300 bytes each."""
_TERM_OR_VARIABLE = re.compile(r'<[^>]*>|"(?:[^"\\]|\\.)*"|\?\w+')
MOST_VALUES = 1_000
"""A query that would have to name more values than these is not written."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One step as a triple pattern: read where a relation leads, or keep what meets a condition on it.

    The condition is one of `values` (terms), or a number of values: at least (+) or at most (-) `count`.
    """

    relation: str
    direction: int
    values: tuple[str, ...] | None = None
    count: int | None = None
    is_apart: bool = False
    """Whether it is no read back to those from whom the read before came: nobody's sibling is oneself."""

    @property
    def is_read(self) -> bool:
        """Whether the step leads on instead of keeping what it has."""
        return self.values is None and self.count is None

    def between(self, start: str, end: str) -> str:
        """The triple pattern from one variable to another."""
        subject, object_ = (end, start) if self.direction == INVERSE else (start, end)
        return f"{subject} {self.relation} {object_} ."


class QueryWriter:
    """Writes chains as queries; remembers the terms of ids, which never change."""

    def __init__(self, engine: Engine) -> None:
        self._entity = lru_cache(CACHED_TERMS)(partial(_written, entity_term, engine))
        self._relation = lru_cache(CACHED_TERMS)(partial(_written, relation_term, engine))

    def query(self, view: KnowledgeView, reading: Reading, chain: Chain, *, mask_topics: bool) -> str | None:
        """A query for the answers of a chain, see `chain_query`; None where it would name too many, or a blank node.

        What was deleted since the view was taken is named by its label.
        """
        patterns = [self._pattern(view, reading, step) for step in chain.steps]
        reads = [number for number, pattern in enumerate(patterns) if pattern.is_read]
        for before, number in pairwise(reads) if mask_topics and reading.is_of_siblings else ():
            if before and are_siblings(view.relation_labels, chain.steps[before].key, chain.steps[number].key):
                patterns[number] = replace(patterns[number], is_apart=True)
        if any(pattern.values and len(pattern.values) > MOST_VALUES for pattern in patterns):
            return None
        topics = self._terms(view, reading.topics) if MENTION in reading.text else ()
        named = (*topics, *(value for pattern in patterns for value in pattern.values or ()))
        if any(term.startswith(BLANK_NODE) for term in named):
            return None
        return chain_query(topics, patterns, chain.asked, mask_topics=mask_topics)

    def _pattern(self, view: KnowledgeView, reading: Reading, step: Step) -> Pattern:
        relation, direction = step.key // 2, step.key % 2
        name = self._name(view, relation)
        holds_both_ways = relation in both_ways(view.relation_labels)
        if holds_both_ways and step.use.manner in (Manner.READ, Manner.KEEP):
            name = f"({name}|^{name})"
        if step.use.beside is not None:
            name = f"({name}|{self._name(view, step.use.beside // 2)})"
        if step.use.manner is Manner.READ:
            return Pattern(name, direction)
        if step.by_count and len(step.entities):
            counts = np.bincount(view.facts_of(step.entities, step.key, COMPARED_FACTS).owners)
            is_more = step.use.manner in (Manner.ABOVE, Manner.MOST)
            return Pattern(name, direction, count=int(counts.min()) if is_more else -int(counts.max()))
        is_whole = holds_both_ways or not len(step.entities)
        if is_whole and step.use.manner is Manner.KEEP and step.argument is not None:
            return Pattern(name, direction, self._terms(view, reading.arguments[step.argument].entities))
        view.expect(NO_PLACES, step.facts)
        facts = [view.fact(fact) for fact in step.facts.tolist()]
        values = {fact.subject if direction == INVERSE else fact.object for fact in facts}
        return Pattern(name, direction, self._terms(view, np.array(sorted(values), np.int32)))

    def _name(self, view: KnowledgeView, relation: int) -> str:
        return self._relation(view.kb_id, view.relation_id(relation)) or node(Term(view.relation_labels[relation]))

    def _terms(self, view: KnowledgeView, entities: IntArray) -> tuple[str, ...]:
        return tuple(
            self._entity(view.kb_id, view.entity_id(entity)) or node(Term(view.label(entity)))
            for entity in entities.tolist()
        )


def _written(find: Callable[[Engine, int, int], Term | None], engine: Engine, kb_id: int, number: int) -> str | None:
    """The term of an id in SPARQL's syntax; None where it is gone."""
    term = find(engine, kb_id, number)
    return None if term is None else node(term)


def chain_query(
    topics: Sequence[str], patterns: Sequence[Pattern], asked: Asked = Asked.ENTITIES, *, mask_topics: bool
) -> str:
    """A query for what a chain ends in: SELECT for entities as `?answer` or their number, ASK for whether.

    Terms are in SPARQL syntax; without `topics` the chain starts from everything. With `mask_topics`, no read after the
    first step comes back to a topic, as the reader reads.
    """
    reads = sum(pattern.is_read for pattern in patterns)
    names = [f"?hop{number}" for number in range(1, reads)] + ["?answer"]
    current = "?topic" if reads else "?answer"
    lines = [f"  VALUES {current} {{ {' '.join(topics)} }}"] if topics else []
    before_last: tuple[str, list[str]] = current, []
    for number, pattern in enumerate(patterns, start=1):
        if not pattern.is_read:
            lines += _condition(pattern, current, f"?value{number}")
            continue
        before, current = current, names.pop(0)
        told = [*lines]
        lines.append(f"  {pattern.between(before, current)}")
        if pattern.is_apart:
            lines.append(_none_of(*before_last, current))
        before_last = before, told
        if mask_topics and number > 1 and topics:
            lines.append(f"  FILTER({current} NOT IN ({', '.join(topics)}))")
    heads = {
        Asked.ENTITIES: "SELECT DISTINCT ?answer WHERE {",
        Asked.COUNT: "SELECT (COUNT(DISTINCT ?answer) AS ?count) WHERE {",
        Asked.WHETHER: "ASK {",
    }
    return "\n".join([heads[asked], *lines, "}"])


def _none_of(name: str, lines: Sequence[str], current: str) -> str:
    """That a variable is none of what another one may be by some lines, whose variables are renamed."""

    def rename(found: re.Match[str]) -> str:
        if not found[0].startswith("?"):
            return found[0]
        return current if found[0] == name else f"{found[0]}_"

    renamed = [_TERM_OR_VARIABLE.sub(rename, line) for line in lines]
    return f"  FILTER NOT EXISTS {{ {' '.join(line.strip() for line in renamed)} }}"


def _condition(pattern: Pattern, current: str, value: str) -> list[str]:
    if pattern.count is None:
        return [f"  {pattern.between(current, value)}", f"  VALUES {value} {{ {' '.join(pattern.values or ())} }}"]
    bound = f">= {pattern.count}" if pattern.count > 0 else f"<= {-pattern.count}"
    return [
        f"  {{ SELECT {current} WHERE {{ {pattern.between(current, value)} }}",
        f"    GROUP BY {current} HAVING(COUNT(DISTINCT {value}) {bound}) }}",
    ]
