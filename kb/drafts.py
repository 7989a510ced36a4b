"""A draft: the structures of a KB's first upload, made while SQL takes in the triples, kept when that is committed.

SQL stays the truth: a draft is put in place after the commit only, and dropped whenever anything goes wrong; then the
structures are built from SQL as ever.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Self

import structlog
from sqlalchemy import Connection

from kb.building import GenerationBuilder, Terms, write_fact_index
from kb.errors import KnowledgeError
from kb.garbage import give_back
from kb.generations import GenerationFolder, Manifest, write_files
from kb.records import Facts, Kb
from kb.store import TripleStore

log = structlog.get_logger("hopfact.drafts")

DRAFT_FOLDER = "draft"
"""What it is written to in a job's work folder, which is on the disk of the generations."""


class DraftStopped(Exception):
    """The draft is not wanted any more."""


class Draft:
    """Structures that are begun in a merge, and gone at the end of the block if they were not kept."""

    def __init__(
        self,
        kb: Kb,
        identity: str,
        builder: GenerationBuilder,
        work_folder: Path,
        folder: GenerationFolder,
        build_lock: Callable[[], AbstractContextManager[None]],
        least_facts: int,
    ) -> None:
        self.least_facts = least_facts
        """Facts from which on a draft is worth it."""
        self._kb_id = kb.id
        self._identity = identity
        self._builder = builder
        self._path = work_folder / DRAFT_FOLDER
        self._folder = folder
        self._build_lock = build_lock
        self._held = ExitStack()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._rows: list[tuple[Terms, Facts]] = []
        self._token: int | None = None
        self._made: tuple[Manifest, dict[str, list[int]]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._builder.__exit__()
        if self._thread is not None:
            self._thread.join()
        rmtree(self._path, ignore_errors=True)
        self._held.close()

    def begin(self, connection: Connection, facts: Facts) -> None:
        """Read the terms, on the connection that has added them, and make the rest in a thread."""
        store = TripleStore(connection)
        self._rows.append((self._builder.read_terms(store, self._kb_id), facts))
        revision = store.revision(self._kb_id) + 1
        self._thread = threading.Thread(target=self._make, args=(revision,), name="draft", daemon=True)
        self._thread.start()

    def hold(self, connection: Connection) -> None:
        """Keep others from building the same from the moment of the commit on; without the lock there is no draft."""
        if self._thread is None:
            return
        self._token = TripleStore(connection).last_change(self._kb_id).token
        try:
            self._held.enter_context(self._build_lock())
        except KnowledgeError as error:
            log.info("draft dropped", kb_id=self._kb_id, reason=str(error))
            self._stopped.set()

    def keep(self) -> None:
        """Put it in place, after the commit of what it was made of."""
        if self._thread is None:
            return
        self._thread.join()
        if self._made is None or self._stopped.is_set():
            return
        manifest, files = self._made
        try:
            number = self._folder.place(self._path, files, replace(manifest, token=self._token))
            self._folder.remove_all_but(number)
        except OSError as error:
            log.warning("draft not kept", kb_id=self._kb_id, reason=str(error))

    def _make(self, revision: int) -> None:
        try:
            contents = self._builder.contents(*self._rows.pop())
            manifest = self._builder.manifest(contents, self._identity, revision)
            give_back()
            write = partial(
                write_fact_index,
                contents=contents,
                dim=manifest.dim,
                threads=self._builder.threads,
                between=self._check,
            )
            self._made = manifest, write_files(self._path, contents, write)
        except Exception as error:  # whatever it is: the structures can be built from SQL
            if not self._stopped.is_set():
                log.warning("draft failed", kb_id=self._kb_id, reason=repr(error))

    def _check(self) -> None:
        if self._stopped.is_set():
            raise DraftStopped
