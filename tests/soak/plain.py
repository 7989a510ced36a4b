"""The plain model: facts in a dictionary, each operation a few lines, nothing derived, nothing shared with Hopfact."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

RELATIONS = (
    "made by",
    "kept in",
    "colour",
    "weight",
    "friend",
    "owner's city",
    "größe",
    "built in",
    "part of",
    "price",
)


class Fact(NamedTuple):
    """Labels only."""

    subject: str
    relation: str
    value: str


Held = Mapping[Fact, str | None]
"""Facts with their sources."""


def written(held: Held, facts: Iterable[Fact], source: str | None) -> Held:
    """What is held after a write: a fact that is there already keeps its source."""
    return {**dict.fromkeys(facts, source), **held}


def without(held: Held, is_deleted: Callable[[Fact, str | None], bool]) -> Held:
    """What is held after a delete."""
    return {fact: source for fact, source in held.items() if not is_deleted(fact, source)}


class Names:
    """The names of one client: nobody else writes or deletes facts about them, so its own order of writes is the order.

    Those of `iris` are written as RDF only: an IRI and a name of the same words are two entities.
    """

    def __init__(self, client: str, random: Random, count: int = 25) -> None:
        self._client = client
        self._random = random
        self._count = count

    def subject(self, kind: str) -> str:
        """Draw a name of this client."""
        return f"{self._client} {kind} {self._random.randrange(self._count)}"

    def facts(self, kind: str, most: int) -> list[Fact]:
        """Draw facts, some of them twice; their values are its own names, and some that all clients share."""
        found = []
        for _ in range(self._random.randint(1, most)):
            value = self.subject(kind) if self._random.random() < 0.5 else f"{kind} {self._random.randrange(200)}"
            relation = self._random.choice(RELATIONS if kind == "thing" else RELATIONS[:2])
            found.append(Fact(self.subject(kind), relation, value))
        return found + self._random.sample(found, min(2, len(found) - 1))


class Format(NamedTuple):
    """A format of bulk uploads: its media type, the kind of names it carries, and how facts are written in it."""

    media_type: str
    kind: str
    text: Callable[[Sequence[Fact]], str]


def _iri(label: str) -> str:
    return f"<http://example.org/{label.replace(' ', '_')}>"


def _rdf(facts: Sequence[Fact]) -> str:
    return "".join(f"{_iri(fact.subject)} {_iri(fact.relation)} {_iri(fact.value)} .\n" for fact in facts)


def _csv(facts: Sequence[Fact]) -> str:
    return "subject,relation,object\n" + "".join(",".join(f'"{part}"' for part in fact) + "\n" for fact in facts)


def _json_lines(facts: Sequence[Fact]) -> str:
    return "".join(json.dumps(dict(zip(("subject", "relation", "object"), fact, strict=True))) + "\n" for fact in facts)


FORMATS = (
    Format("text/tab-separated-values", "thing", lambda facts: "".join("\t".join(fact) + "\n" for fact in facts)),
    Format("text/csv", "thing", _csv),
    Format("application/x-ndjson", "thing", _json_lines),
    Format("application/n-triples", "iri", _rdf),
    Format("text/turtle", "iri", _rdf),
)
