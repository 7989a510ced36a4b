"""The page of problem codes: each with its status and what a client is told, as the code has them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app import jobs
from app.errors import PROBLEMS, problem_of_status
from reference.markdown import code, page, table

ROOT = Path(__file__).parents[1]
OF_JOBS = {
    jobs.KB_DELETED[0]: jobs.KB_DELETED[1],
    jobs.WORKER_DIED: "A job took its process down, or lost it, as often as `HOPFACT_JOB_ATTEMPTS` says.",
    "upload_lost": "The upload is gone from the spool folder: send it again.",
    "training_failed": "The training failed; the service's log tells why.",
    "nothing_to_learn": "The knowledge base has no facts to make questions from: add some.",
}
"""Codes that a job that failed has, and no reply."""
_OF_THE_FRAMEWORK = (400, 404, 405)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ELLIPSIS = "…"
Found = tuple[int, str, str]
"""Status, code, and what is said."""


def problems_page() -> str:
    """The page in Markdown."""
    introduction = (
        "Every error is `application/problem+json` ([its fields](../api.md#errors)). `code` is stable; the words of "
        "`detail` are not. "
        "An ellipsis stands for what is told of the request. A client that tries again keeps to `Retry-After`."
    )
    said: dict[tuple[int, str], list[str]] = {}
    for status, name, words in sorted({one for one in found() if ELLIPSIS not in (one[1], one[2])}):
        said.setdefault((status, name), []).append(words)
    rows = [[str(status), code(name), "<br>".join(words)] for (status, name), words in said.items()]
    of_jobs = [[code(name), words] for name, words in sorted(OF_JOBS.items())]
    sections = [
        "## Of replies\n\n" + table(["status", "code", "what is told"], rows),
        "## Of jobs that failed\n\nBeside those above, under `error`:\n\n" + table(["code", "what is told"], of_jobs),
    ]
    return page("Problem codes", introduction, sections)


def found() -> Iterator[Found]:
    """Every problem that the sources make, by a call or from an exception."""
    trees = [
        ast.parse(path.read_text("utf-8")) for part in ("app", "kb", "models") for path in (ROOT / part).rglob("*.py")
    ]
    classes = {
        node.name: (ast.get_docstring(node) or "").partition("\n")[0]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    for name, (status, of_class) in PROBLEMS.items():
        yield status, of_class, classes[name]
    for noun in ("job", "key", "model"):
        yield 404, f"{noun}_not_found", classes["NotFound"]
    for status in _OF_THE_FRAMEWORK:
        problem = problem_of_status(status)
        yield status, problem.code, problem.detail
    for tree in trees:
        for scope in scopes(tree):
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield from _called(node, scope, tree)


def scopes(tree: ast.Module) -> Iterator[ast.AST]:
    """Every function of a module that holds no other, and what stands beside functions."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and not any(
            isinstance(inner, FUNCTIONS) for inner in ast.walk(node) if inner is not node
        ):
            yield node
    yield from (node for node in tree.body if isinstance(node, ast.Assign))


def _called(node: ast.Call, scope: ast.AST, tree: ast.Module) -> Iterator[Found]:
    """The problem of a call that names its code."""
    name = getattr(node.func, "id", "")
    if name == "invalid":
        yield 422, _text(node.args[0], scope, tree), "Which field is wrong, and why; the first ones under `errors`."
    elif name == "refused":
        yield 422, _text(node.args[1], scope, tree), _text(node.args[2], scope, tree)
    elif name == "Problem" and isinstance(node.args[0], ast.Constant):
        yield int(str(node.args[0].value)), _text(node.args[1], scope, tree), _text(node.args[2], scope, tree)


def _text(node: ast.expr, scope: ast.AST, tree: ast.Module) -> str:
    """A text as far as it stands in the source, an ellipsis for the rest."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return re.sub("…[….: ]*…", ELLIPSIS, "".join(_text(part, scope, tree) for part in node.values))
    if isinstance(node, ast.Name):
        assigned = [one for place in (scope, tree) for one in ast.walk(place) if isinstance(one, ast.Assign)]
        given = [one.value for one in assigned if node.id in {getattr(target, "id", "") for target in one.targets}]
        if given and isinstance(given[0], (ast.Constant, ast.JoinedStr)):
            return _text(given[0], scope, tree)
    return ELLIPSIS
