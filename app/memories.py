"""Memories sent with a question: triples for the service's reader, sentences for a network of the literature.

Nothing is stored. Both tell which slots each hop attended to: the picture of the memory networks' papers.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.answering import Question, QuestionAnswerer
from app.errors import NotFound
from kb.encoding import Encoder
from kb.inline import inline_view
from kb.triples import Triple

if TYPE_CHECKING:
    from models.stories import StoryReader


class MemoryReader:
    """Answers questions over memories; safe to call from several threads."""

    def __init__(self, answerer: QuestionAnswerer, encoder: Encoder, load_stories: "Callable[[], StoryReader]") -> None:
        self._answerer = answerer
        self._encoder = encoder
        self._load_stories = load_stories

    @cached_property
    def _stories(self) -> "StoryReader":
        """The network for sentences; it needs torch, which takes a second and 200 MiB, so it is loaded when asked."""
        return self._load_stories()

    def read_sentences(self, sentences: Sequence[str], question: str, model: str | None) -> dict[str, Any]:
        """The likeliest candidates, and each hop's attention over the sentences.

        Raises:
            NotFound: `model` is not the network that reads sentences.
            StoryUnreadable: it was not trained for this story.
        """
        if model not in (None, self._stories.name):
            raise NotFound("model", model)
        told = self._stories.read(sentences, question)
        return {
            "question": question,
            "answers": [{"label": label, "probability": round(chance, 6)} for label, chance in told.answers],
            "abstained": False,
            "reason": None,
            "model": self._stories.name,
            "hops": [_hop(number, attention) for number, attention in enumerate(told.attention, 1)],
        }

    def read_triples(self, triples: Sequence[Triple], question: str, model: str | None) -> dict[str, Any]:
        """The answer set, or why there is none, and the share of each triple in the evidence of each hop.

        Raises:
            NotFound: `model` is not the reader of triples.
        """
        if model not in (None, self._answerer.model):
            raise NotFound("model", model)
        reply = self._answerer.ask_view(inline_view(triples, self._encoder), Question(question))
        return {
            "question": question,
            "answers": [{"label": answer["label"], "probability": reply["confidence"]} for answer in reply["answers"]],
            "abstained": reply["abstained"],
            "reason": reply["reason"],
            "model": reply["model"],
            "hops": _hops_of(reply["answers"], len(triples)),
        }


def _hops_of(answers: Sequence[dict[str, Any]], num_slots: int) -> list[dict[str, Any]]:
    """The attention of each hop: the weights of the facts that it led along, as shares of all slots."""
    weights: dict[int, list[float]] = {}
    for answer in answers:
        for fact in answer["evidence"]:
            weights.setdefault(fact["hop"], [0.0] * num_slots)[fact["triple_id"] - 1] += fact["weight"]
    return [_hop(hop, [weight / sum(slots) for weight in slots]) for hop, slots in sorted(weights.items())]


def _hop(number: int, attention: Sequence[float]) -> dict[str, Any]:
    return {"hop": number, "attention": [round(share, 6) for share in attention]}
