import importlib
import pkgutil
from collections.abc import Iterator

import orjson
import pytest
from sqlalchemy.exc import OperationalError

import app
import kb
from app.errors import PROBLEMS, NotFound, Problem, ServiceError, invalid, problem_of, problem_of_status
from kb.errors import KbNotFound, KnowledgeError, StorageFailed
from models.errors import StoryUnreadable

# Raised when the service starts, builds or cancels, or by a command, never as a reply to what a client sent.
INTERNAL = {
    "BackupUnusable",
    "DeltaImpossible",
    "DemoFailed",
    "EncoderUnavailable",
    "GenerationUnusable",
    "IngestionCancelled",
    "KbInTheWay",
    "RowsInconsistent",
    "SchemaTooNew",
    "WeightsMismatch",
}


def descendants(of: type[Exception]) -> Iterator[type[Exception]]:
    for package in (kb, app):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    waiting = [of]
    while waiting:
        waiting += (found := waiting.pop().__subclasses__())
        yield from found


@pytest.mark.parametrize("root", [KnowledgeError, ServiceError, StoryUnreadable])
def test_every_domain_exception_is_a_problem_with_a_code(root: type[Exception]) -> None:
    unlisted = {
        one.__name__
        for one in descendants(root)
        if not any(ancestor.__name__ in PROBLEMS for ancestor in one.__mro__)
        and not issubclass(one, NotFound)
        # a parent whose children are all listed is never raised itself
        and not one.__subclasses__()
    }
    assert unlisted - INTERNAL == set()


def test_a_problem_document_has_all_fields() -> None:
    problem = problem_of(KbNotFound("movies"))
    assert problem is not None
    document = orjson.loads(problem.body("abc"))
    assert document == {
        "type": "urn:hopfact:problem:kb_not_found",
        "title": "Kb not found",
        "status": 404,
        "detail": "There is no knowledge base 'movies': GET /v1/kbs lists those that are there.",
        "code": "kb_not_found",
        "request_id": "abc",
    }


def test_a_fault_of_ours_is_no_problem_of_the_client() -> None:
    assert problem_of(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    "error",
    [
        StorageFailed("keeping an upload", "[Errno 122] Disk quota exceeded"),
        StorageFailed("ingesting", "database or disk is full"),
        StorageFailed("ingesting", "[Errno 28] No space left on device"),
        OperationalError("INSERT", {}, Exception("database or disk is full")),
    ],
)
def test_a_full_disk_is_507_wherever_it_is_noticed(error: Exception) -> None:
    problem = problem_of(error)
    assert problem is not None
    assert (problem.status, problem.code) == (507, "disk_full")


def test_a_disk_that_fails_is_no_database_that_is_away() -> None:
    problem = problem_of(OperationalError("INSERT", {}, Exception("disk I/O error")))
    assert problem is not None
    assert (problem.status, problem.code) == (507, "storage_failed")


def test_an_error_of_the_framework_keeps_its_headers() -> None:
    problem = problem_of_status(405, {"Allow": "GET"})
    assert (problem.code, problem.headers) == ("method_not_allowed", {"Allow": "GET"})


def test_validation_errors_say_what_to_do() -> None:
    problem = invalid("invalid_body", [{"loc": ("hops",), "msg": "Extra inputs …", "type": "extra_forbidden"}])
    assert problem.detail == "hops: there is no such field: remove it, or correct its name"


def test_what_is_not_found_is_told_with_where_to_look() -> None:
    problem = problem_of(NotFound("job", 7))
    assert problem is not None
    assert (problem.code, problem.detail) == (
        "job_not_found",
        "There is no job 7: GET /v1/jobs lists those that are there.",
    )


def test_validation_errors_never_repeat_what_was_sent() -> None:
    problem = invalid("invalid_body", [{"loc": ("name",), "msg": "Value error, bad", "type": "x", "input": "secret"}])
    assert isinstance(problem, Problem)
    assert problem.extra == {"errors": [{"loc": ["name"], "message": "bad", "type": "x"}]}
    assert problem.detail == "name: bad"
