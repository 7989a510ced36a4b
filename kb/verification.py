"""Compares the structures of a KB with SQL, row by row, both ways."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from kb.graph import LongArray
from kb.names import MAX_NAME_WORDS
from kb.store import TripleStore
from kb.triples import surface_key
from kb.view import KnowledgeView

SHOWN = 5
"""Differences of one kind that are described; the others are counted as such."""


def differences(store: TripleStore, view: KnowledgeView) -> list[str]:
    """What differs between the store's rows and a view of the same revision; a few of each kind, in words."""
    checks = (_facts(store, view), _labels(store, view), _aliases(store, view), _index(view))
    return [problem for check in checks for problem in islice(check, SHOWN)]


def _facts(store: TripleStore, view: KnowledgeView) -> Iterator[str]:
    relation_ids = [view.relation_id(position) for position in range(view.num_relations)]
    stored = 0
    for rows in store.triple_rows(view.kb_id):
        stored += len(rows)
        for triple_id, subject_id, relation_id, object_id, source in rows:
            position = view.triple_position(triple_id)
            if position is None:
                yield f"Fact {triple_id} is in SQL and not in the graph."
                continue
            fact = view.fact(position)
            ids = (view.entity_id(fact.subject), relation_ids[fact.relation], view.entity_id(fact.object), fact.source)
            if ids != (subject_id, relation_id, object_id, source):
                yield f"Fact {triple_id} reads {ids} in the graph, not {(subject_id, relation_id, object_id, source)}."
    if stored != view.num_triples:
        yield f"The graph has {view.num_triples} facts, SQL {stored}."


def _labels(store: TripleStore, view: KnowledgeView) -> Iterator[str]:
    for rows in store.entity_rows(view.kb_id):
        for entity_id, label, is_literal in rows:
            position = view.position(entity_id)
            if position is None:
                yield f"Entity {entity_id} is in SQL and not in the view."
            elif (view.label(position), view.is_literal(position)) != (label, is_literal):
                yield f"Entity {entity_id} is {view.label(position)!r} in the view, not {label!r}."
            elif _is_name(label) and view.degree(position) and not view.has_name(label, position):
                yield f"Entity {entity_id} is not found by its label {label!r}."
    relations = {view.relation_id(place): label for place, label in enumerate(view.relation_labels)}
    for relation_id, label in store.relation_rows(view.kb_id):
        if relations.get(relation_id) != label:
            yield f"Relation {relation_id} is {relations.get(relation_id)!r} in the view, not {label!r}."


def _aliases(store: TripleStore, view: KnowledgeView) -> Iterator[str]:
    for rows in store.alias_rows(view.kb_id):
        for entity_id, text in rows:
            position = view.position(entity_id)
            if position is None:
                yield f"Entity {entity_id} has an alias in SQL and is not in the view."
            elif _is_name(text) and view.degree(position) and not view.has_name(text, position):
                yield f"Entity {entity_id} is not found by its alias {text!r}."


def _is_name(text: str) -> bool:
    key = surface_key(text)
    return bool(key) and key.count(" ") < MAX_NAME_WORDS


def _index(view: KnowledgeView) -> Iterator[str]:
    base = np.setdiff1d(view.base.facts.ids(), view.delta.stale_ids)
    indexed = np.concatenate([base, *(index.ids() for index in view.delta.facts)])
    kept: LongArray = np.setdiff1d(view.base.triple_ids, view.base.triple_ids[view.delta.deleted])
    known = np.concatenate((kept, view.delta.triple_ids))
    if len(np.unique(indexed)) != len(indexed):
        yield "The vector index holds a fact twice."
    for triple_id in np.setdiff1d(known, indexed)[:SHOWN].tolist():
        yield f"Fact {triple_id} is not in the vector index."
    for triple_id in np.setdiff1d(indexed, known)[:SHOWN].tolist():
        yield f"Fact {triple_id} is in the vector index and not in SQL."
