"""Keeps the derived structures of every KB at the store's revision: catch up, build, open, verify, rebuild, drop.

SQL is the truth. A view that is behind gets the store's changes as a delta; one that is too far behind, damaged or made
of another KB or encoder is built anew from SQL, by one process at a time (a file lock), while the others go on with
what they have for as long as nobody can have answered from anything newer. A commit followed by `refresh` is seen by
every later `current`, in this process and in others.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import structlog
from filelock import FileLock, Timeout
from sqlalchemy import Engine

from kb import kbs, verification
from kb.building import EncodeBlocks, GenerationBuilder, in_memory, write_fact_index
from kb.database import reading
from kb.delta import Delta, DeltaImpossible
from kb.drafts import Draft
from kb.encoding import Encoder
from kb.errors import KbNotFound, KnowledgeError
from kb.garbage import give_back, rare_collections
from kb.generations import (
    Contents,
    Generation,
    GenerationFolder,
    GenerationUnusable,
    GenerationUnwritable,
    Manifest,
)
from kb.source import Source
from kb.store import Kb, TripleStore
from kb.view import KnowledgeView, ViewBudgets

log = structlog.get_logger("hopfact.consistency")

SourceOf = Callable[[Generation, Path], Source]
"""What to read a generation through that is in a folder."""

STRETCHED = 4
"""How many times larger a delta may be while another process builds."""


@dataclass(frozen=True)
class ConsistencyBudgets:
    """When a delta becomes a generation, and how many threads build it."""

    delta_facts: int = 20_000
    delta_share: float = 0.1
    memory_facts: int = 200_000
    """Facts that a generation may have which is kept in memory, for want of a disk."""
    threads: int = 2
    build_wait_seconds: float = 600.0
    """How long to wait for another process's build before giving up."""
    view: ViewBudgets = field(default_factory=ViewBudgets)

    def delta_limit(self, num_triples: int) -> int:
        """Facts added and deleted that a delta over a generation of this size may hold."""
        return max(self.delta_facts, int(num_triples * self.delta_share))


@dataclass(frozen=True)
class ViewState:
    """What this process holds of a KB's structures."""

    state: str
    """`ready`, `building` or `absent` (nothing asked for it yet)."""
    revision: int | None
    generation: int | None
    delta_facts: int
    index: str | None
    """`flat` or `lists`."""


class StructuresBusy(KnowledgeError):
    """Another process builds the structures of a KB and did not end in time."""

    def __init__(self, kb_id: int, waited_seconds: float) -> None:
        super().__init__(f"The structures of KB {kb_id} are still being built after {waited_seconds:.0f} s: try later.")
        self.kb_id = kb_id


class _Slot:
    """What one process holds of one KB."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.view: KnowledgeView | None = None
        self.rejected: set[int] = set()
        """Generations on disk that were found unusable."""
        self.is_building = False
        self.stuck_at: int | None = None
        """Revision whose next change was found to need a generation in every process."""


class Views:
    """The current view of every KB; safe to use from any thread, over a folder that several processes share."""

    def __init__(
        self,
        engine: Engine,
        data: Path,
        encoder: Encoder,
        budgets: ConsistencyBudgets = ConsistencyBudgets(),
        source_of: SourceOf | None = None,
        encode_blocks: EncodeBlocks | None = None,
    ) -> None:
        """Read generations on disk through what `source_of` makes of them, and encode their labels by `encode_blocks`.

        Without these, both is done in this process.
        """
        self._engine = engine
        self._data = data
        self._encoder = encoder
        self._budgets = budgets
        self._source_of = source_of
        self._encode_blocks = encode_blocks
        self._slots: dict[int, _Slot] = {}
        self._slots_lock = threading.Lock()

    def current(self, kb_id: int, *, waits: bool = True) -> KnowledgeView:
        """The KB at its newest revision; costs one SQL look-up when nothing changed.

        While a new generation is being built for a large change, the last view goes on being served, unless something
        newer may have been told to be answerable. Only who `waits` then waits for the build, as for the first one.

        Raises:
            KbNotFound: there is no such KB (any more).
            StructuresBusy: another process builds, and may have told of more than can be answered from here.
        """
        with self._slot(kb_id) as slot:
            view = slot.view
            if view is not None and view.last_change == kbs.last_committed_change(self._engine, kb_id):
                return view
            return self._advanced(kb_id, slot, self._budgets.build_wait_seconds if waits else 0.0)

    def refresh(self, kb_id: int) -> KnowledgeView:
        """Like `current`, but waits for whatever has to be built: afterwards every commit made before is answerable.

        Raises:
            KbNotFound: there is no such KB (any more).
            StructuresBusy: another process builds, and did not end in time.
        """
        with self._slot(kb_id) as slot:
            return self._caught_up(kb_id, slot) or self._built_by_one(kb_id, slot, self._budgets.build_wait_seconds)

    def rebuild(self, kb_id: int) -> KnowledgeView:
        """A new generation from SQL, whatever is there."""
        with self._slot(kb_id) as slot, self._build_lock(kb_id, self._budgets.build_wait_seconds):
            return self._built(kb_id, slot)

    def draft(self, kb_id: int, work_folder: Path) -> Draft:
        """For an ingestion into this KB: structures that may be made while it is merged, in a folder of its own.

        Raises:
            KbNotFound: there is no such KB (any more).
        """
        kb = self._kb(kb_id)
        builder = self._builder(None)
        lock = partial(self._build_lock, kb_id, 0.0)
        return Draft(kb, _identity(kb), builder, work_folder, self._folder(kb_id), lock, self._budgets.delta_facts + 1)

    def drop(self, kb_id: int) -> None:
        """Forget a deleted KB and remove its files."""
        self._drop(kb_id, self._budgets.build_wait_seconds)

    def _drop(self, kb_id: int, wait_seconds: float) -> None:
        with self._build_lock(kb_id, wait_seconds), self._slots_lock:
            self._slots.pop(kb_id, None)
            folder = self._folder(kb_id).path
            shutil.rmtree(folder, ignore_errors=True)
            _lock_path(folder).unlink(missing_ok=True)

    def forget_deleted(self) -> set[int]:
        """Let go of the views of KBs that are gone, whoever deleted them, and so of their files; the ids of the others.

        Also done when a KB is first asked for: not every process has a worker that tidies.
        """
        with self._slots_lock:
            held = set(self._slots)
        known = self._known()
        for kb_id in held - known:
            self._forget(kb_id)
        return known

    def warm(self, stopping: threading.Event | None = None) -> None:
        """Bring every KB up to date, and remove the files of those that are gone; what fails is logged and left.

        A KB that cannot be made ready now is tried again when it is asked for.
        """
        for kb_id in sorted(self._known()):
            if stopping is not None and stopping.is_set():
                return
            try:
                self.refresh(kb_id)
            except Exception as error:  # whatever it is: the next KB may be sound
                log.exception("structures not ready", kb_id=kb_id, reason=str(error))
        self._remove_deleted()

    def _remove_deleted(self) -> None:
        """Remove the files of KBs that are gone; looked for first, so that a KB made meanwhile keeps its own."""
        held = {int(folder.name) for folder in self._root().glob("*") if folder.name.isdigit()}
        for kb_id in sorted(held - self._known()):
            try:
                self._drop(kb_id, 0.0)
            except Exception as error:
                log.exception("files of a deleted KB not removed", kb_id=kb_id, reason=str(error))

    def state(self, kb_id: int) -> ViewState:
        """What is held now; builds and reads nothing."""
        slot = self._slots.get(kb_id)
        view = slot.view if slot else None
        if slot is None or view is None:
            return ViewState("building" if slot and slot.is_building else "absent", None, None, 0, None)
        index = "flat" if view.base.facts.is_flat else "lists"
        name = "building" if slot.is_building else "ready"
        return ViewState(name, view.revision, view.base.number or None, view.delta.size, index)

    def verify(self, kb_id: int) -> list[str]:
        """Every difference between SQL and the structures, deeply compared; empty when they agree.

        Reads the whole KB. Problems are described, at most a few of each kind.
        """
        view = self.refresh(kb_id)
        problems = []
        try:
            if view.base.number:
                self._folder(kb_id).check(view.base.number, view.base.manifest)
        except GenerationUnusable as error:
            problems.append(str(error))
        while True:
            with reading(self._engine) as connection:
                store = TripleStore(connection)
                if store.revision(kb_id) == view.revision:
                    return problems + verification.differences(store, view)
            view = self.refresh(kb_id)

    def _advanced(self, kb_id: int, slot: _Slot, wait_seconds: float) -> KnowledgeView:
        held = slot.view
        view = self._caught_up(kb_id, slot)
        if view is not None:
            return view
        if held is None:
            return self._built_by_one(kb_id, slot, wait_seconds)
        try:
            return self._built_by_one(kb_id, slot, 0.0)
        except StructuresBusy:
            if self._is_newest_told(kb_id, slot, held):
                return held
        view = self._caught_up(kb_id, slot, STRETCHED)
        return view or self._built_by_one(kb_id, slot, wait_seconds)

    def _built_by_one(self, kb_id: int, slot: _Slot, wait_seconds: float) -> KnowledgeView:
        with self._build_lock(kb_id, wait_seconds):
            return self._caught_up(kb_id, slot) or self._built(kb_id, slot)

    def _is_newest_told(self, kb_id: int, slot: _Slot, view: KnowledgeView) -> bool:
        """Whether nobody can have told of anything newer than a view that cannot follow.

        So it is when the very next change needs a generation in every process, and no newer one is there: that change,
        and each one after it, waits for the build.
        """
        limit = 2 * self._budgets.delta_limit(view.base.graph.num_triples)
        first = view.revision + 1
        with reading(self._engine) as connection:
            store = TripleStore(connection)
            if not store.has_seen(kb_id, view.last_change):
                return False
            is_stuck = view.revision == slot.stuck_at or store.revision(kb_id) == first
            if not is_stuck and not store.is_larger(kb_id, first, limit):
                return False
        slot.stuck_at = view.revision
        return max(self._folder(kb_id).numbers(), default=0) <= view.base.number

    def _caught_up(self, kb_id: int, slot: _Slot, stretched: int = 1) -> KnowledgeView | None:
        """The view at the store's revision by a delta, or by a generation on disk; None when one has to be built."""
        with slot.lock:
            view = self._followed(kb_id, slot.view, stretched) if slot.view is not None else None
            if view is None:
                view = self._reopened(kb_id, slot, stretched)
            if view is not None:
                slot.view = view
            return view

    def _reopened(self, kb_id: int, slot: _Slot, stretched: int) -> KnowledgeView | None:
        """A view at the store's revision over a newer generation on disk, if there is a sound one."""
        opened = self._opened(kb_id, slot)
        view = self._followed(kb_id, opened, stretched) if opened is not None else None
        if opened is not None and view is not None and not self._agrees(kb_id, view):
            slot.rejected.add(opened.base.number)
            return None
        return view

    def _followed(self, kb_id: int, view: KnowledgeView, stretched: int = 1) -> KnowledgeView | None:
        limit = stretched * self._budgets.delta_limit(view.base.graph.num_triples)
        with reading(self._engine) as connection:
            store = TripleStore(connection)
            if store.last_change(kb_id) == view.last_change:
                return view
            if not store.has_seen(kb_id, view.last_change):
                log.warning("structures are of changes that SQL does not have", kb_id=kb_id, revision=view.revision)
                return None
            changes = store.changes_since(kb_id, view.revision, limit)
        if changes is None or view.delta.size + len(changes.triples) + len(changes.deleted_triple_ids) > limit:
            return None
        try:
            delta = view.delta.extended(view.base, changes, self._encoder, self._budgets.threads)
        except DeltaImpossible as error:
            log.info("delta refused", kb_id=kb_id, reason=str(error))
            return None
        return KnowledgeView(kb_id, view.base, delta, self._budgets.view, view.source)

    def _opened(self, kb_id: int, slot: _Slot) -> KnowledgeView | None:
        """The newest sound generation on disk that is newer than what the slot holds."""
        folder = self._folder(kb_id)
        kb = self._kb(kb_id)
        above = slot.view.base.number if slot.view else 0
        for number in folder.numbers():
            if number <= above or number in slot.rejected:
                continue
            try:
                self._check(kb, folder.path / str(number), folder.manifest(number))
                base = folder.open(number, self._budgets.threads)
            except GenerationUnusable as error:
                log.warning("generation unusable", kb_id=kb_id, generation=number, reason=error.reason)
                slot.rejected.add(number)
                continue
            return self._over(kb_id, base)
        return None

    def _check(self, kb: Kb, path: Path, manifest: Manifest) -> None:
        """See whether a generation is made of this KB, by this encoder, and of the changes that SQL knows."""
        made_of = (manifest.kb, manifest.encoder, manifest.dim)
        if made_of != (_identity(kb), self._encoder.id, self._encoder.dim):
            raise GenerationUnusable(path, "it is of another KB or encoder")
        with reading(self._engine) as connection:
            if not TripleStore(connection).has_seen(kb.id, manifest.last_change):
                raise GenerationUnusable(path, f"it is of changes up to revision {manifest.revision} not all in SQL")

    def _agrees(self, kb_id: int, view: KnowledgeView) -> bool:
        """Whether a generation from disk, caught up, holds as many facts as SQL does at the same revision."""
        with reading(self._engine) as connection:
            store = TripleStore(connection)
            if store.revision(kb_id) != view.revision:
                return True
            count = store.counts(kb_id).triples
        if count != view.num_triples:
            log.warning("structures disagree with SQL", kb_id=kb_id, facts=view.num_triples, sql_facts=count)
        return count == view.num_triples

    def _built(self, kb_id: int, slot: _Slot) -> KnowledgeView:
        """Build a generation from SQL and open it; the caller holds the build lock."""
        started = time.perf_counter()
        slot.is_building = True
        try:
            previous = slot.view or self._opened(kb_id, slot)
            kb = self._kb(kb_id)
            builder = self._builder(previous)
            with builder, rare_collections(), reading(self._engine) as connection:
                store = TripleStore(connection)
                contents, manifest = builder.build(store, kb_id, _identity(kb))
                manifest = replace(manifest, token=store.last_change(kb_id).token)
            folder = self._folder(kb_id)
            give_back()
            base = self._written(folder, contents, manifest)
            del contents
            give_back()
            view = self._over(kb_id, base)
            with slot.lock:
                slot.view = view
            if base.number:
                folder.remove_all_but(base.number)
        finally:
            slot.is_building = False
        seconds = round(time.perf_counter() - started, 3)
        counts = {"facts": manifest.num_triples, "encoded_labels": builder.encoded_labels}
        log.info("generation built", kb_id=kb_id, generation=base.number, seconds=seconds, **counts)
        return self._caught_up(kb_id, slot) or view

    def _builder(self, previous: KnowledgeView | None) -> GenerationBuilder:
        return GenerationBuilder(self._encoder, previous, self._budgets.threads, self._encode_blocks)

    def _over(self, kb_id: int, base: Generation) -> KnowledgeView:
        """The view of a generation as it is."""
        source = self._source_of(base, self._folder(kb_id).path) if self._source_of and base.number else None
        return KnowledgeView(kb_id, base, Delta.empty(base), self._budgets.view, source)

    def _written(self, folder: GenerationFolder, contents: Contents, manifest: Manifest) -> Generation:
        """The generation on disk; one that the disk does not take stays in memory, if it is small enough.

        Raises:
            GenerationUnwritable: it is not.
        """
        threads = self._budgets.threads
        try:
            number = folder.write(
                contents, partial(write_fact_index, contents=contents, dim=manifest.dim, threads=threads), manifest
            )
        except GenerationUnwritable as error:
            if manifest.num_triples > self._budgets.memory_facts:
                raise
            log.error(
                "generation is in memory only, for the disk does not take it", kb=manifest.kb, reason=error.reason
            )
            return in_memory(contents, manifest, threads)
        return folder.open(number, threads)

    def _build_lock(self, kb_id: int, wait_seconds: float) -> "_BuildLock":
        path = self._folder(kb_id).path
        path.parent.mkdir(parents=True, exist_ok=True)
        return _BuildLock(kb_id, _lock_path(path), wait_seconds)

    @contextmanager
    def _slot(self, kb_id: int) -> Iterator[_Slot]:
        """What is held of a KB; not any more once the block finds that there is no such KB."""
        slot = self._slots.get(kb_id)
        if slot is None:
            if kb_id not in self.forget_deleted():
                raise KbNotFound(kb_id)
            with self._slots_lock:
                slot = self._slots.setdefault(kb_id, _Slot())
        try:
            yield slot
        except KbNotFound:
            self._forget(kb_id)
            raise

    def _forget(self, kb_id: int) -> None:
        with self._slots_lock:
            self._slots.pop(kb_id, None)

    def _known(self) -> set[int]:
        """The ids of all KBs."""
        with reading(self._engine) as connection:
            return {kb.id for kb in TripleStore(connection).kbs()}

    def _kb(self, kb_id: int) -> Kb:
        with reading(self._engine) as connection:
            for kb in TripleStore(connection).kbs():
                if kb.id == kb_id:
                    return kb
        raise KbNotFound(kb_id)

    def _root(self) -> Path:
        return self._data / "kbs"

    def _folder(self, kb_id: int) -> GenerationFolder:
        return GenerationFolder(self._root() / str(kb_id))


class _BuildLock:
    """One builder a KB, over all threads and processes; the lock file stands beside the KB's folder."""

    def __init__(self, kb_id: int, path: Path, wait_seconds: float) -> None:
        self._kb_id = kb_id
        self._wait_seconds = wait_seconds
        self._lock = FileLock(path, timeout=wait_seconds)

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StructuresBusy(self._kb_id, self._wait_seconds) from error
        except OSError as error:  # who can make no lock can write no generation either: nobody is in the way
            log.error("no lock for building", kb_id=self._kb_id, reason=str(error))

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _identity(kb: Kb) -> str:
    """What tells a KB from one of the same id in another database."""
    return f"{kb.id}:{kb.created_at.isoformat()}"
