"""What requests must look like."""

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
