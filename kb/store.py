"""TripleStore: a KB's triples in SQL. Never commits: the edge does."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from kb import browsing, changes, deletion, kbs, merging
from kb.records import (
    Changes,
    Counts,
    Deleted,
    EntityDetails,
    EntityRow,
    Kb,
    LastChange,
    RelationRow,
    StoredTriple,
    TriplePattern,
    TripleRow,
    Written,
)
from kb.triples import Name, Term, Triple

__all__ = [
    "Changes",
    "Counts",
    "Deleted",
    "EntityDetails",
    "EntityRow",
    "Kb",
    "LastChange",
    "RelationRow",
    "StoredTriple",
    "TriplePattern",
    "TripleRow",
    "TripleStore",
    "Written",
]


class TripleStore:
    """Knowledge bases, on a connection that the caller begins and commits.

    Writing needs a connection of `database.writing`; the feeds and the export belong on one of `database.reading`,
    where all of them see the same revision. Ids of another KB are as if they did not exist.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_kb(self, name: str) -> Kb:
        """A new, empty KB.

        Raises:
            KbExists: the name is taken.
        """
        return kbs.create(self._connection, name)

    def kb(self, name: str, only: int | None = None) -> Kb:
        """The KB of this name; `only` is the id that it must have, for a deleted one may have had its name.

        Raises:
            KbNotFound: there is none.
        """
        return kbs.named(self._connection, name, only)

    def kbs(self) -> list[Kb]:
        """All KBs, by name."""
        return kbs.all_of(self._connection)

    def revision(self, kb_id: int) -> int:
        """The number of changes so far.

        Raises:
            KbNotFound: there is no such KB.
        """
        return kbs.revision(self._connection, kb_id)

    def last_change(self, kb_id: int) -> LastChange:
        """The last change so far.

        Raises:
            KbNotFound: there is no such KB.
        """
        return kbs.last_change(self._connection, kb_id)

    def counts(self, kb_id: int) -> Counts:
        """How much the KB holds; the cost grows with it (a few milliseconds for 100,000 triples)."""
        return kbs.counts(self._connection, kb_id)

    def delete_kb(self, kb_id: int) -> None:
        """Hide the KB from everybody, free its name, and remove its rows; `deletion.purge` ends that for a large one.

        Raises:
            KbNotFound: there is no such KB.
        """
        deletion.delete_kb(self._connection, kb_id)

    def write(self, kb_id: int, triples: Sequence[Triple], names: Sequence[Name] = ()) -> Written:
        """Add what is new of them; the revision stays when nothing is.

        Raises:
            KbNotFound: there is no such KB.
            TermInvalid: one of the texts cannot be stored.
        """
        return merging.write(self._connection, kb_id, triples, names)

    def delete(self, kb_id: int, pattern: TriplePattern) -> Deleted:
        """Delete the triples that match; an entity or relation whose last triple goes, goes with its names.

        Raises:
            KbNotFound: there is no such KB.
            EmptyPattern: the pattern names nothing.
        """
        return deletion.delete_matching(self._connection, kb_id, pattern)

    def delete_triples(self, kb_id: int, triples: Sequence[Triple]) -> Deleted:
        """Delete exactly these triples, whatever their source; those that are not there are passed over.

        Raises:
            KbNotFound: there is no such KB.
        """
        return deletion.delete_triples(self._connection, kb_id, triples)

    def browse(self, kb_id: int, pattern: TriplePattern, after_id: int, limit: int) -> list[StoredTriple]:
        """A page of the triples that match, in the order of their ids."""
        return browsing.browse(self._connection, kb_id, pattern, after_id, limit)

    def export(self, kb_id: int) -> Iterator[Triple]:
        """All triples in the order of their ids, streamed."""
        return browsing.export(self._connection, kb_id)

    def names(self, kb_id: int) -> Iterator[Name]:
        """All naming statements in the order in which they came, streamed."""
        return browsing.names(self._connection, kb_id)

    def unnamed_entities(self, kb_id: int) -> Iterator[Term]:
        """Entities with an IRI that no naming statement calls so, streamed."""
        return browsing.unnamed_entities(self._connection, kb_id)

    def unnamed_relations(self, kb_id: int) -> Iterator[Term]:
        """Relations with an IRI that no naming statement calls so, streamed."""
        return browsing.unnamed_relations(self._connection, kb_id)

    def names_of(self, kb_id: int, entity_id: int) -> list[Name]:
        """The naming statements about one entity."""
        return browsing.names_of(self._connection, kb_id, entity_id)

    def find_entities(self, kb_id: int, query: str, limit: int) -> list[EntityRow]:
        """Entities with a label or alias that begins so, whatever case and punctuation; exact and short ones first."""
        return browsing.find_entities(self._connection, kb_id, query, limit)

    def entity(self, kb_id: int, entity_id: int) -> EntityDetails:
        """One entity with its other names.

        Raises:
            EntityNotFound: the KB has none with this id.
        """
        return browsing.entity_details(self._connection, kb_id, entity_id)

    def facts_of(self, kb_id: int, entity_id: int, after_id: int, limit: int) -> list[StoredTriple]:
        """A page of the triples in which the entity is subject or object, in the order of their ids."""
        return browsing.facts_of(self._connection, kb_id, entity_id, after_id, limit)

    def relations(self, kb_id: int) -> list[RelationRow]:
        """All relations with the number of their triples, by label."""
        return browsing.relations(self._connection, kb_id)

    def entity_rows(self, kb_id: int) -> Iterator[list[tuple[int, str, bool]]]:
        """Chunks of (id, label, is_literal) of all entities, in the order of their ids."""
        return changes.entity_rows(self._connection, kb_id)

    def alias_rows(self, kb_id: int) -> Iterator[list[tuple[int, str]]]:
        """Chunks of (entity_id, text) of all aliases, in the order of their ids."""
        return changes.alias_rows(self._connection, kb_id)

    def relation_rows(self, kb_id: int) -> list[tuple[int, str]]:
        """(id, label) of all relations, in the order of their ids."""
        return changes.relation_rows(self._connection, kb_id)

    def triple_rows(self, kb_id: int) -> Iterator[list[TripleRow]]:
        """Chunks of (id, subject_id, relation_id, object_id, source) of all triples, in the order of their ids."""
        return changes.triple_rows(self._connection, kb_id)

    def changes_since(self, kb_id: int, revision: int, limit: int) -> Changes | None:
        """What changed after `revision`; None: more than `limit` rows, or too long ago, so read everything anew.

        Raises:
            KbNotFound: there is no such KB.
        """
        return changes.since(self._connection, kb_id, revision, limit)

    def has_seen(self, kb_id: int, one: LastChange) -> bool:
        """Whether the KB was once as this change left it; of one too long ago to be remembered, its number is believed.

        Raises:
            KbNotFound: there is no such KB.
        """
        return changes.has_seen(self._connection, kb_id, one)

    def is_larger(self, kb_id: int, revision: int, limit: int) -> bool:
        """Whether the change to this revision added, of what is left, and deleted more than `limit` rows."""
        return changes.is_larger(self._connection, kb_id, revision, limit)
