"""Shards as Ray actors, who watches over them, and tasks; the one module of `kb` that knows Ray, imported when needed.

There is one actor for each number of a shard. It holds that shard of every KB that is asked of it, and is shared by all
processes that answer from the same data folder. Ray starts it again on a node that is left when its node is gone; until
it answers a ping, its ranges are read by who asks.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog
from xxhash import xxh3_64_hexdigest

from kb.generations import Generation, GenerationFolder, GenerationUnusable
from kb.shards.calls import MISSING, Call
from kb.shards.shard import Shard
from kb.shards.source import ShardedSource
from kb.source import Source, Whole

NAMESPACE = "hopfact"
WATCH_SECONDS = 0.25
"""How often the shards that are missing are looked for."""
PING_SECONDS = 2.0
TIDY_SECONDS = 5.0
PATIENT = ("RAY_gcs_rpc_server_reconnect_timeout_s", str(30 * 86_400))
"""Ray's variable and its value; else Ray ends this process a minute after the cluster's head is gone."""
AT_ONCE = 4
"""Calls that a shard answers at the same time, so that a long one holds up no others."""
AHEAD = 16
"""Tasks begun for each shard, before the first of them is fetched."""

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger("hopfact.shards")


class GenerationKey(NamedTuple):
    """Which generation is asked: its folder and number, and what tells it from another one of that number."""

    folder: str
    number: int
    digest: str

    @classmethod
    def of(cls, base: Generation, folder: Path) -> "GenerationKey":
        """The key of a generation that is in a folder."""
        return cls(str(folder.absolute()), base.number, base.manifest.digest)


class _Opened(NamedTuple):
    key: GenerationKey
    shard: Shard


class ShardActor:
    """One shard of every KB that is asked for, in a process of its own; opened when first asked for."""

    def __init__(self, shard: int, num_shards: int) -> None:
        self._shard = shard
        self._num_shards = num_shards
        self._open: dict[str, _Opened] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_tidy, daemon=True).start()

    def answer(self, of: GenerationKey, verb: str, arguments: Sequence[object]) -> object:
        """What the shard of a generation gives.

        Raises:
            GenerationUnusable: this very generation is not there.
        """
        known = self._open.get(of.folder)
        shard = known.shard if known and known.key == of else self._opened(of)
        return shard.answer(verb, arguments)

    def _opened(self, of: GenerationKey) -> Shard:
        with self._lock:
            known = self._open.get(of.folder)
            if known and known.key == of:
                return known.shard
            folder = Path(of.folder)
            base = GenerationFolder(folder).open(of.number, threads=1, checked=False)
            if base.manifest.digest != of.digest:
                raise GenerationUnusable(folder / str(of.number), "it is another one of this number")
            shard = Shard(base, self._num_shards)
            if known is None or known.key.number <= of.number:
                self._open[of.folder] = _Opened(of, shard)
                threading.Thread(target=shard.load, args=(self._shard,), daemon=True).start()
            return shard

    def _keep_tidy(self) -> None:
        """Let go of generations that are no longer on the disk: deleted is gone, and its space is free."""
        while True:
            time.sleep(TIDY_SECONDS)
            self.tidy()

    def tidy(self) -> None:
        """Let go of what is no longer on the disk now."""
        with self._lock:
            for folder, known in [*self._open.items()]:
                if not GenerationFolder(Path(folder)).has(known.key.number):
                    del self._open[folder]

    def ping(self) -> str:
        """Say that it is there, and on which node."""
        import ray

        return str(ray.get_runtime_context().get_node_id())


class ShardActors:
    """The actors of all shards; each is missing until it has answered a ping."""

    def __init__(self, data: Path, num_shards: int, timeout_seconds: float) -> None:
        self._names = [f"{_digest(data)}/{shard}/{num_shards}" for shard in range(num_shards)]
        self._timeout_seconds = timeout_seconds
        self._there: dict[int, Any] = {}
        self._pings: dict[int, tuple[Any, Any, float]] = {}
        self.places: dict[int, str] = {}
        """The node that each shard was on when it answered a ping."""

    @property
    def missing(self) -> list[int]:
        """The shards that do not answer."""
        return [shard for shard in range(len(self._names)) if shard not in self._there]

    def ask(self, of: GenerationKey, calls: Sequence[Call]) -> list[Any]:
        """The reply to each call, `MISSING` where none came in time."""
        import ray

        deadline = time.monotonic() + self._timeout_seconds
        sent = [self._send(of, call) for call in calls]
        there = [reference for reference in sent if reference is not None]
        try:
            replies = iter(ray.get(there, timeout=self._timeout_seconds) if there else ())
            return [MISSING if reference is None else next(replies) for reference in sent]
        except Exception:  # of whatever kind: each is looked at
            return [self._reply(call, reference, deadline) for call, reference in zip(calls, sent, strict=True)]

    def _send(self, of: GenerationKey, call: Call) -> Any:  # noqa: ANN401 - Ray's references have no type here
        actor = self._there.get(call.shard)
        try:
            return None if actor is None else actor.answer.remote(of, call.verb, call.arguments)
        except Exception as error:  # the connection to the cluster is lost, or was closed
            self._lost(call, error)
            return None

    def _reply(self, call: Call, reference: Any, deadline: float) -> Any:  # noqa: ANN401
        import ray

        if reference is None:
            return MISSING
        try:
            return ray.get(reference, timeout=max(0.0, deadline - time.monotonic()))
        except Exception as error:
            self._lost(call, error)
            return MISSING

    def _lost(self, call: Call, error: Exception) -> None:
        """Take a shard that did not answer for missing; but not one that is there, and lacks the generation."""
        import ray

        log.warning("shard did not answer", shard=call.shard, verb=call.verb, reason=type(error).__name__)
        if not isinstance(error, ray.exceptions.RayTaskError):
            self._there.pop(call.shard, None)

    def look(self) -> None:
        """See which of the missing shards are there again, and start those that are nowhere."""
        import ray

        for shard in self.missing:
            actor, reference, since = self._pings.pop(shard) if shard in self._pings else self._pinged(shard)
            try:
                done, _ = ray.wait([reference], timeout=0)
                if done:
                    self.places[shard] = ray.get(reference)
                    self._there[shard] = actor
                    log.info("shard answers", shard=shard, node=self.places[shard])
                elif time.monotonic() - since < PING_SECONDS:
                    self._pings[shard] = (actor, reference, since)
            except ray.exceptions.RayError as error:
                log.debug("shard is missing", shard=shard, reason=type(error).__name__)

    def _pinged(self, shard: int) -> tuple[Any, Any, float]:
        """The actor of a shard, made if it is nowhere, and its ping."""
        import ray

        options: dict[str, Any] = {
            "name": self._names[shard],
            "namespace": NAMESPACE,
            "get_if_exists": True,
            "lifetime": "detached",
            "max_restarts": -1,
            "max_concurrency": AT_ONCE,
            "num_cpus": 1,
            "scheduling_strategy": "SPREAD",
        }
        actor: Any = ray.remote(ShardActor).options(**options).remote(shard, len(self._names))
        return actor, actor.ping.remote(), time.monotonic()


class _OfGeneration:
    """The shards of one generation, of those that there are."""

    def __init__(self, actors: ShardActors, key: GenerationKey) -> None:
        self._actors = actors
        self._key = key

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """The reply to each call, `MISSING` where none came in time."""
        return self._actors.ask(self._key, calls)


class RayTasks:
    """Work done by tasks on all nodes; a task whose node is gone is done again by Ray on another one."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead

    def submit(self, work: Callable[[T], R], piece: T) -> Future[R]:
        """Begin a piece of work; in a thread of its own, for without the cluster's head Ray may never return."""
        future: Future[R] = Future()
        threading.Thread(target=self._follow, args=(future, work, piece), daemon=True).start()
        return future

    def _follow(self, future: Future[R], work: Callable[[T], R], piece: T) -> None:
        try:
            import ray

            if not ray.is_initialized():  # else Ray would start a cluster of its own
                raise ConnectionError("the cluster is not there")
            future.set_result(ray.get(self._task.remote(work, piece)))
        except Exception as error:
            future.set_exception(error)

    @cached_property
    def _task(self) -> Any:  # noqa: ANN401
        import ray

        return ray.remote(_done).options(num_cpus=1, scheduling_strategy="SPREAD")


def _done(work: Callable[[T], R], piece: T) -> R:
    return work(piece)


class RayCluster:
    """Makes sources whose shards are actors of a Ray cluster, and watches over these in a thread."""

    def __init__(self, address: str, data: Path, num_shards: int, least_triples: int, timeout_seconds: float) -> None:
        """Read generations of `least_triples` or more from `num_shards` shards, smaller ones here."""
        self._address = address
        self._num_shards = num_shards
        self._least_triples = least_triples
        self._actors = ShardActors(data, num_shards, timeout_seconds)
        self.tasks = RayTasks(AHEAD * num_shards)
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="hopfact-shards", daemon=True)
        self._watch.start()

    @staticmethod
    def is_installed() -> bool:
        """Whether Ray is here."""
        return find_spec("ray") is not None

    @property
    def missing(self) -> list[int]:
        """The shards that do not answer."""
        return self._actors.missing

    def places(self) -> dict[int, str]:
        """The node that each shard was on when it was last looked for."""
        return dict(self._actors.places)

    def source(self, base: Generation, folder: Path) -> Source:
        """What to read a generation through that is in a folder."""
        if base.graph.num_triples < self._least_triples:
            return Whole(base)
        return ShardedSource(base, _OfGeneration(self._actors, GenerationKey.of(base, folder)), self._num_shards)

    def close(self) -> None:
        """Leave the cluster; the shards stay, for the other processes and the next one."""
        import ray

        self._ended.set()
        self._watch.join()
        ray.shutdown()

    def _keep_watch(self) -> None:
        os.environ.setdefault(*PATIENT)  # which Ray reads when it is imported
        import ray

        while not self._ended.wait(WATCH_SECONDS):
            try:
                if not ray.is_initialized():
                    ray.init(self._address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
                self._actors.look()
            except Exception as error:  # the cluster is gone, or not there yet
                log.warning("no cluster for shards", address=self._address, reason=str(error))
                self._ended.wait(PING_SECONDS)


def _digest(folder: Path) -> str:
    return xxh3_64_hexdigest(str(folder.absolute()).encode())
