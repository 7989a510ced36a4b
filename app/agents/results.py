"""What tools take and give, as JSON schemas tell a model: fewer fields than the API has, each with its meaning."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_KB = "name of the knowledge base, as list_kbs gives it"


class Arguments(BaseModel):
    """What a tool takes: unknown arguments are errors, so that a typing mistake is never ignored."""

    model_config = ConfigDict(extra="forbid")


class ListKbsArguments(Arguments):
    """Of list_kbs."""

    relations_of: str | None = Field(default=None, description="a knowledge base whose relations are wanted too")


class AskArguments(Arguments):
    """Of ask."""

    kb: str = Field(description=_KB)
    question: str = Field(
        description="one English question, with names as the knowledge base has them",
        examples=["Where was the director of Sunrise born?"],
    )
    entities: list[str] | None = Field(
        default=None, max_length=16, description="names of what the question is about, if they must not be guessed"
    )
    limit: int = Field(default=50, ge=1, le=1_000, description="most answers given")


class FindEntitiesArguments(Arguments):
    """Of find_entities."""

    kb: str = Field(description=_KB)
    name: str = Field(max_length=1_000, description="how the name begins, whatever its case; empty: any entity")
    limit: int = Field(default=10, ge=1, le=100, description="most entities given")


class FactsAboutArguments(Arguments):
    """Of facts_about."""

    kb: str = Field(description=_KB)
    name: str | None = Field(default=None, description="the whole name of the entity; or give entity_id")
    entity_id: int | None = Field(default=None, ge=1, lt=2**63, description="as find_entities gives it")
    cursor: int = Field(default=0, ge=0, lt=2**63, description="next_cursor of the page before")
    limit: int = Field(default=100, ge=1, le=1_000, description="most facts given")

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        if (self.name is None) == (self.entity_id is None):
            raise ValueError("give either name or entity_id")
        return self


class NewTriple(Arguments):
    """A fact to be added."""

    subject: str = Field(min_length=1, description="name of a thing")
    relation: str = Field(min_length=1, description="a short verb phrase, as the knowledge base words it")
    object: str | bool | int | float = Field(description="name of a thing, or a number or truth value")


class AddTriplesArguments(Arguments):
    """Of add_triples."""

    kb: str = Field(description=_KB)
    triples: list[NewTriple] = Field(min_length=1, fail_fast=True)
    source: str | None = Field(default=None, min_length=1, max_length=1_000, description="where they come from")


class KbRow(BaseModel):
    """A knowledge base."""

    name: str
    triples: int
    entities: int
    relations: int


class RelationRow(BaseModel):
    """A relation and the number of its facts."""

    relation: str
    facts: int


class ListKbsResult(BaseModel):
    """Of list_kbs."""

    kbs: list[KbRow]
    relations: list[RelationRow] | None = Field(description="of the knowledge base that was named, if one was")


class FactRow(BaseModel):
    """One fact of the knowledge base, as it stands there."""

    subject: str
    relation: str
    object: str
    source: str | None


class AnswerRow(BaseModel):
    """One answer with its proof."""

    answer: str
    entity_id: int | None
    evidence: list[FactRow] = Field(description="the facts that prove it, in the order in which they lead to it")


class AskResult(BaseModel):
    """Of ask."""

    answers: list[AnswerRow] = Field(description="all that is true, not alternatives; empty when abstained")
    answer_count: int = Field(description="how many there are, also those beyond the limit")
    kind: Literal["entities", "count", "boolean", "value"]
    confidence: float = Field(description="0 to 1, that the answers are exactly right")
    abstained: bool = Field(description="true: the knowledge base does not say, or the question was not understood")
    reason: str | None = Field(description="why it abstained")
    advice: str | None = Field(description="what to do when it abstained")
    read_as: list[str] = Field(description="the entities that the question was taken to be about")
    sparql: str | None = Field(description="a query that gives the same answers")
    kb: str
    kb_revision: int


class EntityRow(BaseModel):
    """An entity."""

    entity_id: int
    name: str
    facts: int = Field(description="how many facts it is in, counted up to 1,000 a side")


class FindEntitiesResult(BaseModel):
    """Of find_entities."""

    entities: list[EntityRow]


class FactsAboutResult(BaseModel):
    """Of facts_about."""

    entity_id: int
    name: str
    other_names: list[str]
    facts: list[FactRow] = Field(description="in which it is subject or object")
    next_cursor: int | None = Field(description="call again with this as cursor for more; null: that was all")


class AddTriplesResult(BaseModel):
    """Of add_triples."""

    accepted: int = Field(description="facts that are new")
    duplicates: int = Field(description="facts that were there already")
    kb_revision: int


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema without titles and the model's own description, which would tell an agent nothing."""
    schema: dict[str, Any] = _untitled(model.model_json_schema())
    schema.pop("description", None)
    return schema


def _untitled(part: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list):
        return [_untitled(one) for one in part]
    if isinstance(part, dict):
        return {key: _untitled(value) for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return part
