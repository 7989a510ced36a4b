"""What the command line reads and shows: answers with their proof, questions of a file, the report on them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from app.api import bodies
from hopfact.errors import JobFailed
from hopfact.types import AskReply, EvaluationReply, GoldQuestionBody, JobReply, ModelReply, Scores

FIELDS = frozenset(bodies.GoldQuestionBody.model_fields)
FIGURES: tuple[Literal["hits_at_1", "f1", "exact", "refused"], ...] = ("hits_at_1", "f1", "exact", "refused")


def show_answer(console: Console, reply: AskReply, *, explain: bool) -> None:
    """Print answers, confidence and the facts that prove each; with `explain` also links, hops and the query."""
    if reply["abstained"]:
        console.print(f"I don't know: {reply['reason']} (confidence {reply['confidence']:.2f})", style="yellow")
    for answer in reply["answers"]:
        console.print(answer["label"], style="bold green", markup=False, highlight=False)
        for fact in answer["evidence"]:
            triple = f"  {fact['hop']}. {fact['subject']} — {fact['relation']} — {fact['object']}"
            console.print(triple + (f"  [{fact['source']}]" if fact["source"] else ""), markup=False, highlight=False)
    if not reply["abstained"]:
        more = reply["answer_count"] - len(reply["answers"])
        console.print(f"confidence {reply['confidence']:.2f}" + (f", {more:,} more answers" if more > 0 else ""))
    if explain:
        parts = {"linked_entities", "hops", "sparql", "kb_revision", "model", "timings_ms"}
        console.print_json(data={name: value for name, value in reply.items() if name in parts})


def read_questions(path: Path) -> list[GoldQuestionBody]:
    """Questions with their answers from JSON lines; fields that evaluation does not know are left out.

    Raises:
        typer.BadParameter: a line is no such question, or there is none.
    """
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            given = orjson.loads(line)
            known = {name: value for name, value in given.items() if name in FIELDS}
            question = bodies.GoldQuestionBody.model_validate(known)
            found.append(cast(GoldQuestionBody, question.model_dump(exclude_none=True)))
        except (orjson.JSONDecodeError, ValidationError, AttributeError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "no JSON object"
            needed = 'it needs "question" and "answers"'
            raise typer.BadParameter(f"line {number} of {path} is no question: {reason}; {needed}.") from None
    if not found:
        raise typer.BadParameter(f"{path} has no questions.")
    return found


def show_training(console: Console, job: JobReply, versions: Sequence[ModelReply]) -> None:
    """Print how a training ended, and how what it made compares.

    Raises:
        JobFailed: it did not succeed.
    """
    if job["state"] != "succeeded":
        raise JobFailed(job)
    made = next(version for version in versions if version["job"] == job["id"])
    metrics: dict[str, Any] = made["metrics"]
    table = Table("", "before", "after")
    for name, value in metrics["candidate"].items():
        table.add_row(name, f"{metrics['active'][name]:.3f}", f"{value:.3f}")
    console.print(table)
    said = "answers from now on" if metrics["promoted"] else "does not answer"
    console.print(f"Version {made['id']} {said}: {metrics['reason']}.", markup=False)


def show_evaluation(console: Console, report: EvaluationReply) -> None:
    """Print figures by kind and hops, calibration, and the worst mistakes."""
    table = Table("kind", "hops", "questions", *FIGURES)
    for row in report["groups"]:
        hops = "" if row["hops"] is None else str(row["hops"])
        table.add_row(row["kind"] or "", hops, str(row["questions"]), *_figures(row))
    table.add_row("all", "", str(report["questions"]), *_figures(report["all"]))
    console.print(table)
    error = report["calibration"]["error"]
    console.print(f"expected calibration error {error:.3f}, refused below {report['threshold']}", highlight=False)
    for one in report["mistakes"]:
        said = "refused" if one["refused"] else ", ".join(one["answers"][:3]) or "nothing"
        expected = ", ".join(one["expected"][:3]) or "a refusal"
        console.print(f"{one['question']}", style="yellow", markup=False, highlight=False)
        console.print(f"  {said} ({one['confidence']:.2f}), not {expected}", markup=False, highlight=False)
        for fact in one["evidence"]:
            triple = f"  {fact['hop']}. {fact['subject']} — {fact['relation']} — {fact['object']}"
            console.print(triple, markup=False, highlight=False)


def _figures(scores: Scores) -> Iterator[str]:
    return (f"{scores[name]:.3f}" for name in FIGURES)
