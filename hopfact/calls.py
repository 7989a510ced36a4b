"""Every call of the API, once: what it asks for and what comes back. The clients make methods of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from hopfact.bodies import Body, Data, Sent
from hopfact.errors import JobFailed
from hopfact.events import Events
from hopfact.flows import Flow, Items, Pages, Request, Stream, done, fetched
from hopfact.types import (
    AskBatchReply,
    AskBody,
    AskReply,
    DeletedReply,
    EntitiesReply,
    EntityFactsReply,
    EntityReply,
    EvaluationReply,
    FeedbackReply,
    GoldQuestionBody,
    JobReply,
    KbReply,
    KbsReply,
    KeyReply,
    KeysReply,
    ModelsReply,
    NewKeyReply,
    NewTriple,
    ReadReply,
    RejectedLineReply,
    RelationReply,
    RelationsReply,
    Scope,
    SparqlReply,
    State,
    TripleBody,
    TripleReply,
    WrittenReply,
)

OnError = Literal["skip", "abort"]
Format = Literal["nt", "tsv", "jsonl"]
_SPARQL_JSON = "application/sparql-results+json"


def ready() -> Flow[dict[str, str]]:
    """Whether the service is ready; waits for it as long as requests are sent again."""
    return fetched(Request("GET", "/readyz"), dict[str, str])


def create_kb(name: str) -> Flow[KbReply]:
    """Make a knowledge base."""
    return fetched(Request("POST", "/v1/kbs", json={"name": name}, repeatable=False), KbReply)


def kbs() -> Flow[list[KbReply]]:
    """All knowledge bases that the key reaches."""
    return (yield from fetched(Request("GET", "/v1/kbs"), KbsReply))["kbs"]


def kb(name: str) -> Flow[KbReply]:
    """Counts, revision, index and model of a knowledge base."""
    return fetched(Request("GET", _kb(name)), KbReply)


def delete_kb(name: str) -> Flow[None]:
    """Delete a knowledge base with all that belongs to it."""
    return done(Request("DELETE", _kb(name), removes=True))


def write(kb: str, triples: Iterable[NewTriple], *, source: str | None = None) -> Flow[WrittenReply]:
    """Add a few triples at once: the next question sees them. Those that are there already change nothing."""
    body = {"triples": _triples(triples)}
    return fetched(Request("POST", _kb(kb, "triples"), _given(source=source), body), WrittenReply)


def upload(
    kb: str,
    data: Data,
    *,
    media_type: str | None = None,
    encoding: str | None = None,
    source: str | None = None,
    on_error: OnError = "skip",
    sent: Sent | None = None,
) -> Flow[JobReply]:
    """Send a file of triples; the job that ingests it.

    `media_type` and `encoding` are told by the file's name where it has one. `sent` hears how many bytes are gone.
    """
    body = Body(data, media_type, encoding, sent)
    params = {"on_error": on_error, **_given(source=source)}
    return fetched(Request("POST", _kb(kb, "triples"), params, content=body), JobReply)


def ingest(
    kb: str,
    data: Data,
    *,
    media_type: str | None = None,
    encoding: str | None = None,
    source: str | None = None,
    on_error: OnError = "skip",
    sent: Sent | None = None,
    progress: Callable[[JobReply], object] | None = None,
) -> Flow[JobReply]:
    """Send a file of triples and wait until its facts can be asked for; the job as it ended.

    Raises:
        JobFailed: nothing was changed.
    """
    job = yield from upload(
        kb, data, media_type=media_type, encoding=encoding, source=source, on_error=on_error, sent=sent
    )
    return (yield from wait(job["id"], progress=progress))


def triples(
    kb: str,
    *,
    subject: str | None = None,
    relation: str | None = None,
    object: str | None = None,
    source: str | None = None,
    page_size: int = 1_000,
) -> Items[TripleReply]:
    """The triples that match all that is given, page by page as they are wanted."""
    params = _given(subject=subject, relation=relation, object=object, source=source, limit=page_size)
    return Pages(Request("GET", _kb(kb, "triples"), params), "triples")


def delete_triples(kb: str, triples: Iterable[NewTriple]) -> Flow[DeletedReply]:
    """Delete exactly these triples."""
    return fetched(Request("DELETE", _kb(kb, "triples"), json={"triples": _triples(triples)}), DeletedReply)


def delete_matching(
    kb: str,
    *,
    subject: str | None = None,
    relation: str | None = None,
    object: str | None = None,
    source: str | None = None,
) -> Flow[DeletedReply]:
    """Delete the triples that match all that is given; one of them is needed."""
    params = _given(subject=subject, relation=relation, object=object, source=source)
    return fetched(Request("DELETE", _kb(kb, "triples"), params), DeletedReply)


def export(kb: str, format: Format = "nt") -> Items[bytes]:
    """A knowledge base as a file, in pieces."""
    return Stream(Request("GET", _kb(kb, "export"), {"format": format}), lambda piece: [piece])


def sparql(kb: str, query: str) -> Flow[SparqlReply]:
    """What a SELECT or ASK query finds in a knowledge base, as the SPARQL 1.1 Query Results JSON Format has it."""
    return fetched(Request("POST", _kb(kb, "sparql"), form={"query": query}, accept=_SPARQL_JSON), SparqlReply)


def find_entities(kb: str, begins: str = "", *, limit: int = 10) -> Flow[list[EntityReply]]:
    """Entities whose name begins so."""
    request = Request("GET", _kb(kb, "entities"), {"q": begins, "limit": limit})
    return (yield from fetched(request, EntitiesReply))["entities"]


def entity(kb: str, entity_id: int, *, limit: int = 100) -> Flow[EntityFactsReply]:
    """An entity with its other names and its first facts."""
    return fetched(Request("GET", _kb(kb, "entities", entity_id), {"limit": limit}), EntityFactsReply)


def facts(kb: str, entity_id: int, *, page_size: int = 1_000) -> Items[TripleReply]:
    """All facts of an entity, page by page."""
    return Pages(Request("GET", _kb(kb, "entities", entity_id), {"limit": page_size}), "facts")


def relations(kb: str) -> Flow[list[RelationReply]]:
    """All relations with the number of their facts."""
    return (yield from fetched(Request("GET", _kb(kb, "relations")), RelationsReply))["relations"]


def ask(
    kb: str,
    question: str,
    *,
    entities: Sequence[str] | None = None,
    max_hops: int | None = None,
    limit: int | None = None,
    model: str | None = None,
) -> Flow[AskReply]:
    """The answers to a question with the facts that prove them, or why there is none."""
    body = _given(question=question, entities=entities, max_hops=max_hops, limit=limit, model=model)
    return fetched(Request("POST", _kb(kb, "ask"), json=body), AskReply)


def ask_batch(kb: str, questions: Sequence[str | AskBody]) -> Flow[list[AskReply]]:
    """The answers to several questions, in their order."""
    request = Request("POST", _kb(kb, "ask", "batch"), json={"questions": [*questions]})
    return (yield from fetched(request, AskBatchReply))["replies"]


def evaluate(kb: str, questions: Sequence[GoldQuestionBody], *, mistakes: int = 20) -> Flow[EvaluationReply]:
    """How well questions with known answers are answered."""
    body = {"questions": [*questions], "mistakes": mistakes}
    return fetched(Request("POST", _kb(kb, "evaluate"), json=body), EvaluationReply)


def train(kb: str, questions: Sequence[GoldQuestionBody] = ()) -> Flow[JobReply]:
    """Begin to adapt the reader to a knowledge base; the job."""
    return fetched(Request("POST", _kb(kb, "train"), json={"questions": [*questions]}, repeatable=False), JobReply)


def models(kb: str) -> Flow[ModelsReply]:
    """The versions of a knowledge base's reader."""
    return fetched(Request("GET", _kb(kb, "models")), ModelsReply)


def activate(kb: str, version: int) -> Flow[ModelsReply]:
    """Let a version of the reader answer; 0 is the shipped one."""
    return fetched(Request("POST", _kb(kb, "models", version, "activate")), ModelsReply)


def feedback(
    kb: str,
    question: str,
    answers: Sequence[str],
    *,
    correct: bool | None = None,
    comment: str | None = None,
    request_id: str | None = None,
) -> Flow[FeedbackReply]:
    """Say what the right answers to a question are; none, where it must be refused."""
    body = _given(question=question, answers=[*answers], correct=correct, comment=comment, request_id=request_id)
    return fetched(Request("POST", _kb(kb, "feedback"), json=body), FeedbackReply)


def read(memory: Sequence[str] | Sequence[NewTriple], question: str, *, model: str | None = None) -> Flow[ReadReply]:
    """Answer a question over sentences or triples that come with it; nothing is stored."""
    slots = [slot if isinstance(slot, str) else _triple(slot) for slot in memory]
    return fetched(Request("POST", "/v1/read", json=_given(memory=slots, question=question, model=model)), ReadReply)


def jobs(*, kb: str | None = None, state: State | None = None, page_size: int = 1_000) -> Items[JobReply]:
    """Jobs, the newest first, page by page."""
    return Pages(Request("GET", "/v1/jobs", _given(kb=kb, state=state, limit=page_size)), "jobs")


def job(job_id: int) -> Flow[JobReply]:
    """One job."""
    return fetched(Request("GET", f"/v1/jobs/{job_id}"), JobReply)


def cancel(job_id: int) -> Flow[JobReply]:
    """Cancel a job: at once when it waits, soon when it runs."""
    return fetched(Request("DELETE", f"/v1/jobs/{job_id}"), JobReply)


def events(job_id: int) -> Items[JobReply]:
    """A job at each change, until it has ended; goes on where the connection was lost."""
    return Events(job_id)


def wait(job_id: int, *, progress: Callable[[JobReply], object] | None = None, check: bool = True) -> Flow[JobReply]:
    """A job as it ended; `progress` hears of each change before.

    Raises:
        JobFailed: it did not succeed; not raised without `check`.
    """
    changes = Events(job_id)
    job: JobReply | None = None
    try:
        while (some := (yield from changes.more())) is not None:
            for job in some:
                if progress is not None:
                    progress(job)
    finally:
        yield from changes.closed()
    assert job is not None, "events end with a job that has ended"
    if check and job["state"] != "succeeded":
        raise JobFailed(job)
    return job


def rejected(job_id: int, *, page_size: int = 1_000) -> Items[RejectedLineReply]:
    """The lines that a job left out, in their order, page by page."""
    return Pages(Request("GET", f"/v1/jobs/{job_id}/rejected", {"limit": page_size}), "rejected")


def create_key(
    name: str, scope: Scope, *, kb: str | None = None, expires_at: datetime | None = None
) -> Flow[NewKeyReply]:
    """Make an API key: `key` in the reply is shown this once."""
    body = _given(name=name, scope=scope, kb=kb, expires_at=expires_at and expires_at.isoformat())
    return fetched(Request("POST", "/v1/keys", json=body, repeatable=False), NewKeyReply)


def api_keys() -> Flow[list[KeyReply]]:
    """All keys that the key may see, without their secrets."""
    return (yield from fetched(Request("GET", "/v1/keys"), KeysReply))["keys"]


def revoke_key(key_id: int) -> Flow[None]:
    """Revoke an API key."""
    return done(Request("DELETE", f"/v1/keys/{key_id}", removes=True))


def _kb(name: str, *parts: str | int) -> str:
    """The address of a knowledge base, or of something in it."""
    return "/".join(["/v1/kbs", quote(name, safe=""), *map(str, parts)])


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - parameters and fields of many types
    """What is not left out."""
    return {name: value for name, value in values.items() if value is not None}


def _triples(triples: Iterable[NewTriple]) -> list[TripleBody]:
    return [_triple(one) for one in triples]


def _triple(triple: NewTriple) -> TripleBody:
    if isinstance(triple, tuple):
        subject, relation, value = triple
        return {"subject": subject, "relation": relation, "object": value}
    return triple
