"""What the service takes and gives, as its OpenAPI document has it: plain dicts, named as their schemas there.

A reply is the JSON that came, nothing converted: a field that a later version adds is there too, and times are texts
(RFC 3339). A test compares these types with the document.
"""

from typing import Literal, NotRequired, TypeAlias, TypedDict

Scope: TypeAlias = Literal["ask", "write", "admin"]
State: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Reason: TypeAlias = Literal[
    "no_entity_linked", "no_relation_matched", "no_fact_found", "too_many_facts", "low_confidence"
]


class TermBody(TypedDict):
    """A term with everything that RDF knows of it."""

    label: NotRequired[str | None]
    iri: NotRequired[str | None]
    datatype: NotRequired[str | None]
    language: NotRequired[str | None]


TermValue: TypeAlias = TermBody | bool | float | str
NewTriple: TypeAlias = "TripleBody | tuple[str, str, TermValue]"
"""A triple to write or delete: as the API takes it, or just subject, relation and object."""


class TripleBody(TypedDict):
    """One triple: plain labels, JSON numbers and booleans (literals), or whole terms."""

    subject: str | TermBody
    relation: str | TermBody
    object: TermValue
    source: NotRequired[str | None]


class AskBody(TypedDict):
    """One question."""

    question: str
    entities: NotRequired[list[str] | None]
    max_hops: NotRequired[int | None]
    limit: NotRequired[int]
    model: NotRequired[str | None]


class GoldQuestionBody(TypedDict):
    """A question with its right answers."""

    question: str
    answers: list[str]
    entities: NotRequired[list[str] | None]
    kind: NotRequired[str]
    hops: NotRequired[int | None]


class KbReply(TypedDict):
    """A knowledge base."""

    name: str
    created_at: str
    revision: int
    counts: dict[str, int]
    index: dict[str, object]
    model: str | None


class KbsReply(TypedDict):
    """All knowledge bases that the key reaches."""

    kbs: list[KbReply]


class WrittenReply(TypedDict):
    """What a small write did."""

    accepted: int
    duplicates: int
    kb_revision: int


class DeletedReply(TypedDict):
    """What a deletion did."""

    deleted: int
    kb_revision: int


class TermReply(TypedDict):
    """An entity, literal or relation of a triple."""

    id: int
    label: str
    iri: str | None
    datatype: str | None
    language: str | None


class TripleReply(TypedDict):
    """A stored triple."""

    id: int
    subject: TermReply
    relation: TermReply
    object: TermReply
    source: str | None


class EntityReply(TermReply):
    """An entity that matches."""

    num_facts: int


class EntitiesReply(TypedDict):
    """Entities that match, best first."""

    entities: list[EntityReply]


class EntityFactsReply(EntityReply):
    """An entity with its other names and a page of its facts."""

    aliases: list[str]
    facts: list[TripleReply]
    next_cursor: int | None


class RelationReply(TypedDict):
    """A relation."""

    id: int
    label: str
    iri: str | None
    num_facts: int


class RelationsReply(TypedDict):
    """All relations of a KB, most used first."""

    relations: list[RelationReply]


class SparqlTerm(TypedDict):
    """A term that a variable is bound to: `type` is uri, literal or bnode."""

    type: str
    value: str
    datatype: NotRequired[str]


class SparqlRows(TypedDict):
    """One row for each solution, its terms by variable."""

    bindings: list[dict[str, SparqlTerm]]


class SparqlReply(TypedDict):
    """What a query found: `head` names the variables; rows of a SELECT, or whether, of an ASK."""

    head: dict[str, list[str]]
    results: NotRequired[SparqlRows]
    boolean: NotRequired[bool]


class Progress(TypedDict):
    """How far a job is."""

    done: int
    total: int | None
    unit: Literal["bytes", "steps"]
    triples: int


class JobError(TypedDict):
    """Why a job failed."""

    code: str
    detail: str


class JobReply(TypedDict):
    """A job."""

    id: int
    kind: Literal["ingestion", "training"]
    kb: str
    state: State
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress: Progress
    accepted: int | None
    duplicates: int | None
    names: int | None
    rejected: int
    kb_revision: int | None
    error: JobError | None


class ModelReply(TypedDict):
    """A reader adapted to one KB, or the shipped one."""

    id: int
    job: int | None
    created_at: str | None
    base: str
    kb_revision: int | None
    metrics: dict[str, object]
    active: bool


class ModelsReply(TypedDict):
    """The versions of a KB's reader, newest first, and the name of the one that answers."""

    models: list[ModelReply]
    model: str | None


class FeedbackReply(TypedDict):
    """Feedback that was kept."""

    id: int
    kb: str
    request_id: str


class RejectedLineReply(TypedDict):
    """A line that a job left out."""

    number: int
    reason: str
    text: str


class KeyReply(TypedDict):
    """An API key without its secret."""

    id: int
    name: str
    prefix: str
    scope: Scope
    kb: str | None
    created_at: str
    expires_at: str | None


class NewKeyReply(KeyReply):
    """A new API key: the only time that the key itself is shown."""

    key: str


class KeysReply(TypedDict):
    """All keys that the key may see."""

    keys: list[KeyReply]


class Fact(TypedDict):
    """One triple of a proof."""

    triple_id: int
    subject: str
    relation: str
    object: str
    hop: int
    weight: float
    source: str | None


class Answer(TypedDict):
    """One answer and the facts that prove it."""

    entity_id: int | None
    label: str
    score: float
    evidence: list[Fact]


class LinkedEntity(TypedDict):
    """What a span of the question was taken for."""

    mention: str
    start: int | None
    end: int | None
    entity_id: int
    label: str
    score: float


class HopRelation(TypedDict):
    """A relation that a hop weighed, and what it would do with it."""

    relation: str
    direction: Literal["forward", "inverse"]
    manner: Literal["read", "keep", "above", "below", "most", "least"]
    weight: float


class AttendedWord(TypedDict):
    """A word of the question, or a name in it, and how much a hop attended to it."""

    word: str
    start: int
    end: int
    weight: float


class Hop(TypedDict):
    """One hop along facts."""

    hop: int
    relations: list[HopRelation]
    facts_read: int
    entities: int
    attention: list[AttendedWord]


class AskReply(TypedDict):
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


class AskBatchReply(TypedDict):
    """One reply a question, in their order."""

    replies: list[AskReply]


class Scores(TypedDict):
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


ReliabilityBin = TypedDict(
    "ReliabilityBin", {"from": float, "to": float, "questions": int, "confidence": float, "right": float}
)
"""Answers of about the same confidence, and the share of them that is right."""


class Reliability(TypedDict):
    """How far the confidence can be believed: the expected calibration error, and its bins."""

    error: float
    bins: list[ReliabilityBin]


class AbstentionPoint(TypedDict):
    """What abstaining below a threshold costs and brings."""

    threshold: float
    answered: float
    right: float
    answerable_refused: float
    unanswerable_refused: float


class Mistake(TypedDict):
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


class EvaluationReply(TypedDict):
    """How well a KB answers questions whose answers are known."""

    kb: str
    model: str
    questions: int
    answerable: int
    threshold: float
    all: Scores
    groups: list[ScoredGroup]
    calibration: Reliability
    abstention: list[AbstentionPoint]
    mistakes: list[Mistake]
    request_id: str


class ReadAnswer(TypedDict):
    """A candidate of a network, or one of the answers found along triples."""

    label: str
    probability: float


class Attention(TypedDict):
    """One hop over the memory."""

    hop: int
    attention: list[float]


class ReadReply(TypedDict):
    """The answer over a memory that came with the question, best first."""

    question: str
    answers: list[ReadAnswer]
    abstained: bool
    reason: Reason | None
    model: str
    hops: list[Attention]
    request_id: str
