"""The first tables: knowledge, its change log, jobs, models, keys, questions and feedback."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0f30a7f8a3ea"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SORTED_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alias",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("surface", _SORTED_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alias"),
        sa.UniqueConstraint("kb_id", "entity_id", "digest", name="uq_alias_kb_id_entity_id_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alias_kb_id_id", "alias", ["kb_id", "id"])
    op.create_index("ix_alias_kb_id_surface", "alias", ["kb_id", "surface"])
    op.create_table(
        "change",
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("first_triple_id", sa.BigInteger()),
        sa.Column("last_triple_id", sa.BigInteger()),
        sa.Column("first_alias_id", sa.BigInteger()),
        sa.Column("last_alias_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kb_id", "revision", name="pk_change"),
    )
    op.create_table(
        "deletion",
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kb_id", "revision", "kind", "row_id", name="pk_deletion"),
    )
    op.create_table(
        "entity",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("label_rank", sa.SmallInteger(), nullable=False),
        sa.Column("iri", sa.Text()),
        sa.Column("datatype", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("surface", _SORTED_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entity"),
        sa.UniqueConstraint("kb_id", "digest", name="uq_entity_kb_id_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entity_kb_id_id", "entity", ["kb_id", "id"])
    op.create_index("ix_entity_kb_id_surface", "entity", ["kb_id", "surface"])
    op.create_table(
        "job",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("kb", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("triples", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger()),
        sa.Column("duplicates", sa.BigInteger()),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("kb_revision", sa.BigInteger()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_detail", sa.Text()),
        sa.Column("spool", sa.Text()),
        sa.Column("media_type", sa.Text()),
        sa.Column("content_encoding", sa.Text()),
        sa.Column("source", sa.Text()),
        sa.Column("on_error", sa.Text()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_kb_id", "job", ["kb_id"])
    op.create_index("ix_job_state_id", "job", ["state", "id"])
    op.create_table(
        "kb",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("num_triples", sa.BigInteger(), nullable=False),
        sa.Column("num_entities", sa.BigInteger(), nullable=False),
        sa.Column("num_literals", sa.BigInteger(), nullable=False),
        sa.Column("num_relations", sa.BigInteger(), nullable=False),
        sa.Column("num_aliases", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kb"),
        sa.UniqueConstraint("name", name="uq_kb_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "relation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("label_rank", sa.SmallInteger(), nullable=False),
        sa.Column("iri", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_relation"),
        sa.UniqueConstraint("kb_id", "digest", name="uq_relation_kb_id_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "triple",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("relation_id", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_triple"),
        sa.UniqueConstraint(
            "kb_id", "subject_id", "relation_id", "object_id", name="uq_triple_kb_id_subject_id_relation_id_object_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_triple_kb_id_id", "triple", ["kb_id", "id"])
    op.create_index("ix_triple_kb_id_object_id_id", "triple", ["kb_id", "object_id", "id"])
    op.create_index("ix_triple_kb_id_relation_id_id", "triple", ["kb_id", "relation_id", "id"])
    op.create_table(
        "api_key",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kb_id", sa.BigInteger()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["kb_id"], ["kb.id"], name="fk_api_key_kb_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("prefix", name="uq_api_key_prefix"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_key_kb_id", "api_key", ["kb_id"])
    op.create_table(
        "feedback",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text()),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("correct", sa.Boolean()),
        sa.Column("comment", sa.Text()),
        sa.ForeignKeyConstraint(["kb_id"], ["kb.id"], name="fk_feedback_kb_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_kb_id", "feedback", ["kb_id"])
    op.create_table(
        "model",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("kb_revision", sa.BigInteger(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_model_job_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["kb_id"], ["kb.id"], name="fk_model_kb_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_model_job_id", "model", ["job_id"])
    op.create_index("ix_model_kb_id", "model", ["kb_id"])
    op.create_table(
        "question_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kb_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("kb_revision", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["kb_id"], ["kb.id"], name="fk_question_log_kb_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_question_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_question_log_kb_id", "question_log", ["kb_id"])
    op.create_index("ix_question_log_request_id", "question_log", ["request_id"])
    op.create_table(
        "rejected_line",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_rejected_line_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name="pk_rejected_line"),
    )


def downgrade() -> None:
    for table in (
        "rejected_line",
        "question_log",
        "model",
        "feedback",
        "api_key",
        "triple",
        "relation",
        "kb",
        "job",
        "entity",
        "deletion",
        "change",
        "alias",
    ):
        op.drop_table(table)
