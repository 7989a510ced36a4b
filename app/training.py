"""Training jobs: start the process that adapts a reader, watch it, and decide whether what it made is better."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import orjson

from app.jobs import Job
from app.model_versions import ModelVersion
from app.settings import Settings
from app.spool import sync_folder
from app.telemetry import logger
from models.checkpoints import DEFAULT_CHECKPOINT

LEAST_HELD_OUT = 8
"""With fewer held-out questions than these nothing is promoted: it could not be told whether it is better."""
FORGOTTEN = 0.02
"""How much of the generated questions a candidate may lose."""
_LOOK_SECONDS = 0.5
_WORDS_SHOWN = 2_000


class TrainingCancelled(Exception):
    """The training was stopped before its end: nothing was changed."""


class TrainingFailed(Exception):
    """Nothing came of a training, and nothing was changed."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True)
class Trained:
    """What a training made: a checkpoint, and how it compares."""

    path: Path
    base: str
    kb_revision: int
    metrics: Mapping[str, Any]


def train(
    settings: Settings,
    job: Job,
    active: ModelVersion | None,
    feedback: Mapping[str, list[str]],
    work_folder: Path,
    progress: Callable[[int], None],
    is_stopped: Callable[[], bool],
) -> Trained:
    """Adapt the reader that answers now, in a process of its own.

    Raises:
        TrainingCancelled: `is_stopped` said so.
        TrainingFailed: the process failed.
    """
    work_folder.mkdir(parents=True, exist_ok=True)
    out = work_folder / f"job-{job.id}.safetensors"
    questions = {text: {"question": text, "answers": answers, "entities": ()} for text, answers in feedback.items()} | {
        one["question"]: one for one in orjson.loads(Path(job.upload.spool).read_bytes())
    }
    bases = [settings.reader or DEFAULT_CHECKPOINT]
    if active is not None:
        bases.insert(0, settings.models_folder / active.path)
    order = {
        "settings": {
            **settings.model_dump(mode="json", exclude={"api_key"}),
            "database_url": str(settings.url_of_database),
        },
        "kb_id": job.kb_id,
        "bases": [str(base) for base in bases],  # the first that can be read
        "out": str(out),
        "questions": [*questions.values()],
    }
    told = _run(orjson.dumps(order), work_folder / f"job-{job.id}.log", progress, is_stopped)
    metrics = told["metrics"]
    promoted, reason = judge(metrics)
    return Trained(out, told["base"], told["kb_revision"], {**metrics, "promoted": promoted, "reason": reason})


def keep(trained: Path, path: Path) -> None:
    """Move a checkpoint and its description to where they stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".json", ".safetensors"):  # the weights last: without them there is no version
        trained.with_suffix(suffix).replace(path.with_suffix(suffix))
    sync_folder(path.parent)


def judge(metrics: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a candidate is to answer from now on, and why."""
    active, candidate = metrics["active"], metrics["candidate"]
    if metrics["held_out"] < LEAST_HELD_OUT:
        few = f"fewer than {LEAST_HELD_OUT} held-out questions: send more questions to tell whether it is better"
        return False, few
    if candidate["generated"] < active["generated"] - FORGOTTEN:
        return False, "it forgot some of what the reader could do"
    if (candidate["exact"], candidate["hits_at_1"]) <= (active["exact"], active["hits_at_1"]):
        return False, "it is no better on the held-out questions"
    return True, "it is better on the held-out questions"


def _run(order: bytes, log: Path, progress: Callable[[int], None], is_stopped: Callable[[], bool]) -> dict[str, Any]:
    """Run the process to its end; the last line that it tells."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    with open(log, "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.adapting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **threads},
        )
    told: dict[str, Any] = {}
    lines: Queue[bytes | None] = Queue()
    pump = Thread(target=_pump, args=(process, order, lines), daemon=True)
    pump.start()
    try:
        while (line := _next(lines, is_stopped)) is not None:
            told = orjson.loads(line)
            progress(told.get("done", 0))
    except TrainingCancelled:
        process.kill()
        raise
    finally:
        process.wait()
        pump.join()
    if "problem" in told:
        raise TrainingFailed(*told["problem"])
    if process.returncode != 0 or "metrics" not in told:
        words = log.read_text(encoding="utf-8", errors="replace")[-_WORDS_SHOWN:]
        logger("hopfact.training").warning("training failed", status=process.returncode, words=words)
        raise TrainingFailed("training_failed", "The training failed; the service's log tells why.")
    return told


def _pump(process: "subprocess.Popen[bytes]", order: bytes, into: "Queue[bytes | None]") -> None:
    """Hand the order over, and each line that the process tells on; None at its end."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout, suppress(BrokenPipeError):
        with process.stdin:
            process.stdin.write(order)
        for line in process.stdout:
            into.put(line)
    into.put(None)


def _next(lines: "Queue[bytes | None]", is_stopped: Callable[[], bool]) -> bytes | None:
    """The next line; None at the end.

    Raises:
        TrainingCancelled: it is to be stopped.
    """
    while True:
        if is_stopped():
            raise TrainingCancelled
        try:
            return lines.get(timeout=_LOOK_SECONDS)
        except Empty:
            continue
