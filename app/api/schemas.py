"""What requests must look like, and what OpenAPI says of replies. Replies are plain dicts, not made of these."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints, WithJsonSchema
from typing_extensions import TypeAliasType

from app.evaluation import GoldQuestion


def _one_of(schema: dict[str, Any]) -> None:
    """Say of alternatives that a value is just one of them: generators of clients make a type of those only."""
    schema["oneOf"] = [one for one in schema.pop("anyOf") if one.get("type") != "integer"]  # a whole number is a number


KB_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
KbName = Annotated[str, StringConstraints(pattern=KB_NAME)]
Name = Annotated[str, StringConstraints(pattern=r"\S")]
Said = Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "pattern": r"\S"})]
"""A text that must not be blank: OpenAPI says so, and the endpoint refuses it with a code of its own."""
_ONE_OF = Field(json_schema_extra=_one_of)
Scope = Literal["ask", "write", "admin"]
Reason = Literal["no_entity_linked", "no_relation_matched", "no_fact_found", "too_many_facts", "low_confidence"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Body(BaseModel):
    """A request body: unknown fields are errors, so that a typing mistake is never ignored.

    Lists `fail_fast`: of a million wrong items pydantic would make a million errors before anybody is told.
    """

    model_config = ConfigDict(extra="forbid")


class KbBody(Body):
    """A new knowledge base."""

    name: KbName = Field(description="lower-case letters, digits, _ and -; at most 63", examples=["movies"])


class TermBody(Body):
    """A term with everything that RDF knows of it."""

    label: str | None = None
    iri: str | None = None
    datatype: str | None = None
    language: str | None = None


Term = TypeAliasType("Term", Annotated[Said | TermBody, _ONE_OF])
_Integer = Annotated[int, Field(ge=-(2**63), lt=2**64)]
"""What 64 bits hold; a larger one becomes a float, as in an upload."""
TermValue = TypeAliasType("TermValue", Annotated[Said | bool | _Integer | float | TermBody, _ONE_OF])


class TripleBody(Body):
    """One triple: plain labels, JSON numbers and booleans (literals), or whole terms."""

    subject: Term
    relation: Term
    object: TermValue
    source: str | None = None


class TriplesBody(Body):
    """A small write, or the triples to delete."""

    triples: list[TripleBody] = Field(min_length=1)


class AskBody(Body):
    """One question."""

    question: Said = Field(examples=["Which films did Christopher Nolan direct?"])
    entities: list[Name] | None = Field(
        default=None, max_length=16, description="the topic, instead of linking the question"
    )
    max_hops: StrictInt | None = Field(
        default=None, ge=1, description="most steps to other entities; conditions and comparisons come on top"
    )
    limit: StrictInt = Field(default=1_000, ge=1, le=100_000, description="most answers in the reply")
    model: str | None = Field(default=None, description="the reader that must answer; default: the active one")


AskedQuestion = TypeAliasType("AskedQuestion", Annotated[Said | AskBody, _ONE_OF])


class AskBatchBody(Body):
    """Several questions on one KB."""

    questions: list[AskedQuestion] = Field(min_length=1, fail_fast=True)


class GoldQuestionBody(Body):
    """A question with its right answers."""

    question: Said
    answers: list[str] = Field(
        fail_fast=True, description="none: the question must be refused; a number, yes or no as text"
    )
    entities: list[Name] | None = Field(default=None, max_length=16)
    kind: str = Field(default="", max_length=100, description="only sorts the figures")
    hops: StrictInt | None = Field(default=None, ge=0, le=100, description="only sorts the figures")

    def gold(self) -> GoldQuestion:
        """The question as evaluation takes it."""
        return GoldQuestion(self.question, tuple(self.answers), self.kind, self.hops, tuple(self.entities or ()))


class EvaluateBody(Body):
    """Questions whose answers are known."""

    questions: list[GoldQuestionBody] = Field(min_length=1, fail_fast=True)
    mistakes: StrictInt = Field(default=20, ge=0, le=1_000, description="most mistakes shown")


class TrainBody(Body):
    """Questions to adapt the reader by, beside those made from the KB's own relations and the feedback so far."""

    questions: list[GoldQuestionBody] = Field(
        default=[], fail_fast=True, description="one in five is held out, to judge by"
    )


class FeedbackBody(Body):
    """What the right answers to a question are."""

    question: Said
    answers: list[str] = Field(fail_fast=True, description="the right ones; none: the question must be refused")
    correct: StrictBool | None = Field(default=None, description="whether the service's answers were right")
    comment: str | None = Field(default=None, max_length=10_000)
    request_id: str | None = Field(default=None, max_length=100, description="of the reply that this is about")


MemorySlot = TypeAliasType("MemorySlot", Annotated[Said | TripleBody, _ONE_OF])


class ReadBody(Body):
    """A memory and a question about it."""

    memory: list[MemorySlot] = Field(
        fail_fast=True,
        description="sentences, the oldest first, or triples",
        examples=[["Mary went to the kitchen."]],
    )
    question: Said = Field(examples=["Where is Mary?"])
    model: str | None = Field(default=None, description="the network that must read; default: by the kind of memory")


class KeyBody(Body):
    """A new API key."""

    name: str = Field(min_length=1, max_length=100, description="whose key it is")
    scope: Scope = Field(description="ask reads, write also changes triples, admin also makes KBs and keys")
    kb: KbName | None = Field(default=None, description="the only KB that the key reaches; default: all")
    expires_at: datetime | None = Field(default=None, description="RFC 3339, with a time zone")


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
