"""The tables of knowledge: the only place where their columns are named.

Every query names its KB, and every index begins with it. Rows of entities, aliases, relations and triples carry no
foreign keys: one writer at a time holds the KB's row, merges and deletes whole sets, and a check for each row would
cost more than the row. Ids are never used twice, and within a KB they grow with its revision.
"""

import secrets

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, SmallInteger, Table, Text, UniqueConstraint

from kb.database import Id, SortedText, UtcDateTime, metadata

kb = Table(
    "kb",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # of a deleted KB: "#" and its id, which no KB can be named
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),  # set: it exists for nobody, and its rows are being removed
    Column("revision", BigInteger, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("num_triples", BigInteger, nullable=False),  # counts, kept by each change, for counting rows takes long
    Column("num_entities", BigInteger, nullable=False),  # things, without literals
    Column("num_literals", BigInteger, nullable=False),
    Column("num_relations", BigInteger, nullable=False),
    Column("num_aliases", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

entity = Table(
    "entity",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("label_rank", SmallInteger, nullable=False),  # how good the name is that the label comes from; 0 is best
    Column("iri", Text),
    Column("datatype", Text),  # null: a thing
    Column("language", Text),
    Column("surface", SortedText, nullable=False),  # start of the label's surface key: exact and prefix search
    UniqueConstraint("kb_id", "digest"),
    Index("ix_entity_kb_id_surface", "kb_id", "surface"),
    Index("ix_entity_kb_id_id", "kb_id", "id"),
    sqlite_autoincrement=True,
)

alias = Table(
    "alias",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, nullable=False),
    Column("entity_id", BigInteger, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),  # of text, language and property, which may be too long to index
    Column("text", Text, nullable=False),
    Column("language", Text),
    Column("property", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("surface", SortedText, nullable=False),
    UniqueConstraint("kb_id", "entity_id", "digest"),
    Index("ix_alias_kb_id_surface", "kb_id", "surface"),
    Index("ix_alias_kb_id_id", "kb_id", "id"),
    sqlite_autoincrement=True,
)

relation = Table(
    "relation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("label", Text, nullable=False),
    Column("label_rank", SmallInteger, nullable=False),
    Column("iri", Text),
    UniqueConstraint("kb_id", "digest"),
    sqlite_autoincrement=True,
)

triple = Table(
    "triple",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("relation_id", BigInteger, nullable=False),
    Column("object_id", BigInteger, nullable=False),
    Column("source", Text),
    UniqueConstraint("kb_id", "subject_id", "relation_id", "object_id"),
    Index("ix_triple_kb_id_object_id_id", "kb_id", "object_id", "id"),
    Index("ix_triple_kb_id_relation_id_id", "kb_id", "relation_id", "id"),
    Index("ix_triple_kb_id_id", "kb_id", "id"),
    sqlite_autoincrement=True,
)

change = Table(
    "change",
    metadata,
    Column("kb_id", BigInteger, primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("first_triple_id", BigInteger),  # null: none was added
    Column("last_triple_id", BigInteger),
    Column("first_alias_id", BigInteger),
    Column("last_alias_id", BigInteger),
    # Which change it is, if a backup was restored and others were made since; null: by a version without tokens.
    Column("token", BigInteger, default=lambda: secrets.randbits(63)),
)

TRIPLE, ENTITY, RELATION = range(3)
"""What a row of `deletion` says was deleted."""

deletion = Table(
    "deletion",
    metadata,
    Column("kb_id", BigInteger, primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("row_id", BigInteger, primary_key=True),
)
