"""The tools: what each is for, in words for a model that has never heard of us, and the calls that it makes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from app.agents.calls import CallRefused, Calls, kb_path
from app.agents.results import (
    AddTriplesArguments,
    AddTriplesResult,
    AnswerRow,
    AskArguments,
    AskResult,
    EntityRow,
    FactRow,
    FactsAboutArguments,
    FactsAboutResult,
    FindEntitiesArguments,
    FindEntitiesResult,
    KbRow,
    ListKbsArguments,
    ListKbsResult,
    RelationRow,
)
from app.errors import errors_of

INSTRUCTIONS = (
    "Hopfact holds knowledge bases: sets of facts (subject, relation, object) that people loaded, such as (Sunrise, "
    "directed by, F. W. Murnau). It answers English questions from these facts only, each answer with the facts that "
    "prove it. Call list_kbs first. Prefer ask; when it abstains, look names up with find_entities and read facts with "
    "facts_about. Say which facts an answer rests on, and say so when it abstained: what is not in the facts is not "
    "known here."
)
_ADVICE = {
    "no_entity_linked": "No name of the question is known: look it up with find_entities, and ask with that spelling.",
    "no_relation_matched": "No relation fits: see list_kbs with relations_of, or read facts_about the entity.",
    "no_fact_found": "The facts do not say: read facts_about the entity to see what they do say.",
    "too_many_facts": "Too many facts would have to be read: name what the question is about more narrowly.",
    "low_confidence": "It was not sure: ask in other words, or read facts_about the entity.",
}
_SAME_NAME_SHOWN = 10


@dataclass(frozen=True)
class Tool:
    """One tool; `run` gets its arguments, checked."""

    name: str
    title: str
    description: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    run: Callable[[Calls, Any], Awaitable[BaseModel]]
    writes: bool = False

    async def call(self, calls: Calls, arguments: Mapping[str, Any]) -> BaseModel:
        """What the tool gives for these arguments.

        Raises:
            CallRefused: they are wrong, or the service refused.
        """
        try:
            checked = self.takes.model_validate(arguments)
        except ValidationError as error:
            first = errors_of(error)[0]
            place = ".".join(str(part) for part in first["loc"]) or "arguments"
            reason = first["msg"].removeprefix("Value error, ")
            raise CallRefused(f"{place}: {reason}. Correct it and call again. (code: invalid_arguments)") from None
        return await self.run(calls, checked)


async def list_kbs(calls: Calls, given: ListKbsArguments) -> ListKbsResult:
    """All knowledge bases that the key reaches."""
    kbs = [KbRow(name=kb["name"], **_counts(kb)) for kb in (await calls.get("/v1/kbs"))["kbs"]]
    relations = None
    if given.relations_of is not None:
        found = (await calls.get(kb_path(given.relations_of, "relations")))["relations"]
        relations = [RelationRow(relation=one["label"], facts=one["num_facts"]) for one in found]
    return ListKbsResult(kbs=kbs, relations=relations)


def _counts(kb: Mapping[str, Any]) -> dict[str, int]:
    return {name: kb["counts"][name] for name in ("triples", "entities", "relations")}


async def ask(calls: Calls, given: AskArguments) -> AskResult:
    """An answer with its proof, or a refusal with its reason."""
    body: dict[str, Any] = {"question": given.question, "limit": given.limit}
    if given.entities:
        body["entities"] = given.entities
    reply = await calls.post(kb_path(given.kb, "ask"), body)
    reason = reply["reason"]
    return AskResult(
        answers=[
            AnswerRow(
                answer=one["label"], entity_id=one["entity_id"], evidence=[_fact(fact) for fact in one["evidence"]]
            )
            for one in reply["answers"]
        ],
        advice=_ADVICE.get(reason) if reason else None,
        read_as=[one["label"] for one in reply["linked_entities"]],
        **{
            name: reply[name]
            for name in ("answer_count", "kind", "confidence", "abstained", "reason", "sparql", "kb", "kb_revision")
        },
    )


def _fact(fact: Mapping[str, Any]) -> FactRow:
    return FactRow(subject=fact["subject"], relation=fact["relation"], object=fact["object"], source=fact.get("source"))


async def find_entities(calls: Calls, given: FindEntitiesArguments) -> FindEntitiesResult:
    """Entities whose name begins so."""
    found = await calls.get(kb_path(given.kb, "entities"), q=given.name, limit=given.limit)
    rows = [EntityRow(entity_id=one["id"], name=one["label"], facts=one["num_facts"]) for one in found["entities"]]
    return FindEntitiesResult(entities=rows)


async def facts_about(calls: Calls, given: FactsAboutArguments) -> FactsAboutResult:
    """An entity's facts, in pages."""
    number = given.entity_id or await _entity_named(calls, given.kb, given.name or "")
    found = await calls.get(kb_path(given.kb, "entities", number), cursor=given.cursor, limit=given.limit)
    rows = [
        FactRow(
            subject=one["subject"]["label"],
            relation=one["relation"]["label"],
            object=one["object"]["label"],
            source=one["source"],
        )
        for one in found["facts"]
    ]
    return FactsAboutResult(
        entity_id=found["id"],
        name=found["label"],
        other_names=found["aliases"],
        facts=rows,
        next_cursor=found["next_cursor"],
    )


async def _entity_named(calls: Calls, kb: str, name: str) -> int:
    """The id of the one entity of this name: best its own label, else the only one that the search finds."""
    found = (await calls.get(kb_path(kb, "entities"), q=name, limit=100))["entities"]
    same = [one for one in found if one["label"].casefold() == name.casefold()]
    named = same or found
    if len(named) == 1:
        return int(named[0]["id"])
    if not named:
        raise CallRefused(
            f"No entity's name begins with {name[:80]!r}: call find_entities with less of it. (code: unknown_entity)"
        )
    shown = ", ".join(f"{one['id']} ({one['label']}, {one['num_facts']} facts)" for one in named[:_SAME_NAME_SHOWN])
    raise CallRefused(
        f"{name[:80]!r} may be several: call again with entity_id, one of {shown}. (code: unknown_entity)"
    )


async def add_triples(calls: Calls, given: AddTriplesArguments) -> AddTriplesResult:
    """Facts added, all or none."""
    parameters = {} if given.source is None else {"source": given.source}
    body = {"triples": [one.model_dump() for one in given.triples]}
    reply = await calls.post(kb_path(given.kb, "triples"), body, **parameters)
    return AddTriplesResult(**reply)


TOOLS = (
    Tool(
        "list_kbs",
        "List knowledge bases",
        "Lists the knowledge bases that can be asked, with their sizes. With relations_of it also lists that one's "
        "relations (such as 'directed by'), which shows what can be asked about. Call this first.",
        ListKbsArguments,
        ListKbsResult,
        list_kbs,
    ),
    Tool(
        "ask",
        "Ask a question",
        "Answers one English question from the facts of one knowledge base: who, what, which, where, when, how many, "
        "yes or no, the most or least, over up to three facts in a row ('Where was the director of Sunrise born?'). "
        "Gives the whole set of answers, for each the facts that prove it, and a confidence. It abstains, with a "
        "reason, when the facts do not say; it knows nothing else, and keeps no memory of earlier questions, so write "
        "names out instead of 'he' or 'it'. One question a call.",
        AskArguments,
        AskResult,
        ask,
    ),
    Tool(
        "find_entities",
        "Find entities by name",
        "Finds entities of a knowledge base by how their name begins, whatever case and punctuation, with their ids "
        "and how many facts they are in. Use it for the exact spelling of a name, or to tell two of one name apart.",
        FindEntitiesArguments,
        FindEntitiesResult,
        find_entities,
    ),
    Tool(
        "facts_about",
        "Read an entity's facts",
        "Gives the facts in which an entity is subject or object, in pages, with where they come from. Use it to see "
        "what is known about something, or when ask abstained. Takes the entity's whole name or its id.",
        FactsAboutArguments,
        FactsAboutResult,
        facts_about,
    ),
    Tool(
        "add_triples",
        "Add facts",
        "Adds facts to a knowledge base: all of them, or none if one is wrong. They are kept for good and answer "
        "everybody's questions from then on, so add only what the user asked to be added, worded with the relations "
        "that are there already (list_kbs with relations_of). What is there already is left as it is.",
        AddTriplesArguments,
        AddTriplesResult,
        add_triples,
        writes=True,
    ),
)
