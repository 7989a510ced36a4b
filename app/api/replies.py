"""What OpenAPI says of replies, which are plain dicts, not made of these."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.bodies import Scope

Reason = Literal["no_entity_linked", "no_relation_matched", "no_fact_found", "too_many_facts", "low_confidence"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class ProblemReply(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="what is wrong, and what to do")
    code: str = Field(description="stable: programs may rely on it")
    request_id: str
    errors: list[dict[str, object]] | None = Field(default=None, description="of a validation problem: where and what")


class KbReply(BaseModel):
    """A knowledge base."""

    name: str
    created_at: datetime
    revision: int
    counts: dict[str, int]
    index: dict[str, object]
    model: str | None


class KbsReply(BaseModel):
    """All knowledge bases that the key reaches."""

    kbs: list[KbReply]


class WrittenReply(BaseModel):
    """What a small write did."""

    accepted: int
    duplicates: int
    kb_revision: int


class DeletedReply(BaseModel):
    """What a deletion did."""

    deleted: int
    kb_revision: int


class TermReply(BaseModel):
    """An entity, literal or relation of a triple."""

    id: int
    label: str
    iri: str | None
    datatype: str | None
    language: str | None


class TripleReply(BaseModel):
    """A stored triple."""

    id: int
    subject: TermReply
    relation: TermReply
    object: TermReply
    source: str | None


class TriplesReply(BaseModel):
    """A page of triples."""

    triples: list[TripleReply]
    next_cursor: int | None


class EntityReply(TermReply):
    """An entity that matches."""

    num_facts: int


class EntitiesReply(BaseModel):
    """Entities that match, best first."""

    entities: list[EntityReply]


class EntityFactsReply(EntityReply):
    """An entity with its other names and a page of its facts."""

    aliases: list[str]
    facts: list[TripleReply]
    next_cursor: int | None


class RelationReply(BaseModel):
    """A relation."""

    id: int
    label: str
    iri: str | None
    num_facts: int


class RelationsReply(BaseModel):
    """All relations of a KB, most used first."""

    relations: list[RelationReply]


class Progress(BaseModel):
    """How far a job is."""

    done: int
    total: int | None
    unit: Literal["bytes", "steps"]
    triples: int


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    detail: str


class JobReply(BaseModel):
    """A job."""

    id: int
    kind: Literal["ingestion", "training"]
    kb: str
    state: State
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress
    accepted: int | None = Field(description="triples that are new in the KB")
    duplicates: int | None = Field(description="triples that were there already, or came before in the upload")
    names: int | None = Field(description="labels and other names that are new in the KB")
    rejected: int
    kb_revision: int | None
    error: JobError | None


class JobsReply(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobReply]
    next_cursor: int | None


class ModelReply(BaseModel):
    """A reader adapted to one KB, or the shipped one."""

    id: int = Field(description="0: the shipped reader")
    job: int | None = Field(description="the job that trained it")
    created_at: datetime | None
    base: str = Field(description="the reader that it was trained from")
    kb_revision: int | None
    metrics: dict[str, Any] = Field(
        description="`active` and `candidate` on the held-out questions, `generated` beside; whether it was `promoted`"
    )
    active: bool


class ModelsReply(BaseModel):
    """The versions of a KB's reader, newest first, and the name of the one that answers."""

    models: list[ModelReply]
    model: str | None


class FeedbackReply(BaseModel):
    """Feedback that was kept."""

    id: int
    kb: str
    request_id: str


class RejectedLineReply(BaseModel):
    """A line that a job left out."""

    number: int
    reason: str
    text: str


class RejectedReply(BaseModel):
    """A page of rejected lines, in their order."""

    rejected: list[RejectedLineReply]
    next_cursor: int | None


class KeyReply(BaseModel):
    """An API key without its secret."""

    id: int
    name: str
    prefix: str
    scope: Scope
    kb: str | None
    created_at: datetime
    expires_at: datetime | None


class NewKeyReply(KeyReply):
    """A new API key: the only time that the key itself is shown."""

    key: str


class KeysReply(BaseModel):
    """All keys that the key may see."""

    keys: list[KeyReply]


class Fact(BaseModel):
    """One triple of a proof."""

    triple_id: int
    subject: str
    relation: str
    object: str
    hop: int
    weight: float
    source: str | None


class Answer(BaseModel):
    """One answer and the facts that prove it."""

    entity_id: int | None
    label: str
    score: float
    evidence: list[Fact]


class LinkedEntity(BaseModel):
    """What a span of the question was taken for."""

    mention: str
    start: int | None
    end: int | None
    entity_id: int
    label: str
    score: float


class HopRelation(BaseModel):
    """A relation that a hop weighed, and what it would do with it."""

    relation: str
    direction: Literal["forward", "inverse"]
    manner: Literal["read", "keep", "above", "below", "most", "least"]
    weight: float


class AttendedWord(BaseModel):
    """A word of the question, or a name in it, and how much a hop attended to it."""

    word: str
    start: int
    end: int
    weight: float


class Hop(BaseModel):
    """One hop along facts."""

    hop: int
    relations: list[HopRelation]
    facts_read: int
    entities: int
    attention: list[AttendedWord] = Field(description="the question's words; what is missing to 1 went to its start")


class AskReply(BaseModel):
    """The answer, or an honest refusal; the same keys in every case."""

    question: str
    kind: Literal["entities", "count", "boolean", "value"]
    answers: list[Answer]
    answer_count: int
    confidence: float
    abstained: bool
    reason: Reason | None
    linked_entities: list[LinkedEntity]
    hops: list[Hop]
    sparql: str | None
    kb: str
    kb_revision: int
    model: str
    timings_ms: dict[str, float]
    request_id: str


class AskBatchReply(BaseModel):
    """One reply a question, in their order."""

    replies: list[AskReply]


class Scores(BaseModel):
    """Means over questions, each between 0 and 1; what must be refused scores when it is."""

    hits_at_1: float
    f1: float
    exact: float
    refused: float


class ScoredGroup(Scores):
    """Scores of the questions of one kind and number of hops."""

    kind: str | None
    hops: int | None
    questions: int


class ReliabilityBin(BaseModel):
    """Answers of about the same confidence, and the share of them that is right."""

    model_config = ConfigDict(populate_by_name=True)

    from_: float = Field(alias="from")
    to: float
    questions: int
    confidence: float
    right: float


class Reliability(BaseModel):
    """How far the confidence can be believed: the expected calibration error, and its bins."""

    error: float
    bins: list[ReliabilityBin]


class AbstentionPoint(BaseModel):
    """What abstaining below a threshold costs and brings."""

    threshold: float
    answered: float
    right: float
    answerable_refused: float
    unanswerable_refused: float


class Mistake(BaseModel):
    """A question that was answered wrongly, or refused for no need, with the trace of what was found."""

    question: str
    expected: list[str]
    answers: list[str]
    confidence: float
    refused: bool
    reason: str | None
    linked_entities: list[LinkedEntity]
    evidence: list[Fact]
    hops: list[Hop]


class EvaluationReply(BaseModel):
    """How well a KB answers questions whose answers are known."""

    kb: str
    model: str
    questions: int
    answerable: int
    threshold: float = Field(description="the confidence below which the service abstains")
    all: Scores
    groups: list[ScoredGroup]
    calibration: Reliability
    abstention: list[AbstentionPoint]
    mistakes: list[Mistake]
    request_id: str


class ReadAnswer(BaseModel):
    """A candidate of a network, or one of the answers found along triples."""

    label: str
    probability: float = Field(description="of this candidate; over triples the confidence in the whole answer set")


class Attention(BaseModel):
    """One hop over the memory."""

    hop: int
    attention: list[float] = Field(description="a share for each slot of the memory, in its order; they sum to 1")


class ReadReply(BaseModel):
    """The answer over a memory that came with the question, best first."""

    question: str
    answers: list[ReadAnswer]
    abstained: bool
    reason: Reason | None
    model: str
    hops: list[Attention]
    request_id: str
