"""The tables of the service: jobs, models, keys, and what users asked and said about answers.

What belongs to a KB goes with it, but for its jobs, which tell their callers how they ended.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from kb.database import Id, UtcDateTime, metadata

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("kb_id", BigInteger, nullable=False, index=True),  # no foreign key: a job outlives its KB
    Column("kb", Text, nullable=False),  # its name when the job was made
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("done", BigInteger, nullable=False, default=0),
    Column("total", BigInteger, nullable=False, default=0),
    Column("triples", BigInteger, nullable=False, default=0),
    Column("accepted", BigInteger),
    Column("duplicates", BigInteger),
    Column("names", BigInteger),  # null also for a job of a version that counted them as accepted
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("kb_revision", BigInteger),  # set in the transaction that merged: what is left is to make it answerable
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("spool", Text),
    Column("media_type", Text),
    Column("content_encoding", Text),
    Column("source", Text),
    Column("on_error", Text),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("worker", Text),
    Column("heartbeat_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),  # begun, and not put back in an orderly way
    Index("ix_job_state_id", "state", "id"),
    sqlite_autoincrement=True,
)

rejected_line = Table(
    "rejected_line",
    metadata,
    Column("job_id", BigInteger, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, ForeignKey("kb.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("job_id", BigInteger, ForeignKey("job.id", ondelete="SET NULL"), index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("base", Text, nullable=False),  # the model that it was adapted from
    Column("kb_revision", BigInteger, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("active", Boolean, nullable=False, default=False),
    sqlite_autoincrement=True,
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("kb_id", BigInteger, ForeignKey("kb.id", ondelete="CASCADE"), index=True),  # null: all KBs
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    sqlite_autoincrement=True,
)

question_log = Table(
    "question_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, ForeignKey("kb.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("request_id", Text, nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("answers", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("reason", Text),  # why it abstained; null: it answered
    Column("kb_revision", BigInteger, nullable=False),
    Column("model", Text, nullable=False),
    Column("milliseconds", Float, nullable=False),
    sqlite_autoincrement=True,
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kb_id", BigInteger, ForeignKey("kb.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("request_id", Text),
    Column("question", Text, nullable=False),
    Column("answers", JSON, nullable=False),  # the right ones, in the user's words
    Column("correct", Boolean),
    Column("comment", Text),
    sqlite_autoincrement=True,
)
