"""The facts that prove an answer as passages of text, for programs that read text."""

from dataclasses import dataclass
from typing import Any

from hopfact.types import AskReply, Fact


@dataclass
class Passage:
    """One fact in words, and the answers that it proves."""

    fact: Fact
    answers: list[str]
    reply: AskReply

    @property
    def text(self) -> str:
        """The fact as a sentence of its labels."""
        return f"{self.fact['subject']} {self.fact['relation']} {self.fact['object']}."

    @property
    def metadata(self) -> dict[str, Any]:
        """What else is known of it: the fact, its answers, and how sure the service is of them."""
        fact = {name: value for name, value in self.fact.items() if name != "weight"}
        reply = {name: value for name, value in self.reply.items() if name in ("kb", "kb_revision", "confidence")}
        return {**fact, "answers": self.answers, **reply}


def passages(reply: AskReply) -> list[Passage]:
    """The facts of all answers, those of the best first, each once; none where the service abstained."""
    found: dict[int, Passage] = {}
    for answer in reply["answers"]:
        for fact in answer["evidence"]:
            passage = found.setdefault(fact["triple_id"], Passage(fact, [], reply))
            if answer["label"] not in passage.answers:
                passage.answers.append(answer["label"])
    return [*found.values()]
