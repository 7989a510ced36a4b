"""Generations: one folder of arrays per built state of a KB, complete or absent, never written to again.

A generation is written under a temporary name, each file synced, the manifest with every file's checksum last, and the
folder renamed into place; the highest number whose manifest fits is the current one. A process that has an old
generation mapped keeps its files after they are unlinked (POSIX). Opening checks the xxh3 of every file: about 10 GB/s
from the page cache, so a KB of some hundred megabytes opens in well under a second and nothing is ever read unchecked.
Large files are mapped, small ones read: each mapping costs a descriptor, which Python keeps for as long as it is there.

Knows files and arrays; neither SQL nor how the arrays are computed.
"""

import json
import os
import resource
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64, xxh3_64_hexdigest

from kb.errors import KnowledgeError
from kb.graph import FactGraph, FloatArray, IntArray, LongArray
from kb.index import LabelVectors, VectorIndex
from kb.names import NameDictionary, TypoIndex
from kb.records import LastChange
from kb.texts import TextTable

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
FACTS_FILE = "facts.faiss"
_TEMPORARY = ".building-"
_SYNC_THREADS = 8
"""Files synced together share the disk's flushes: ten times faster than one after the other."""
MAPPED_BYTES = 1 << 20
"""Size from which on a file is mapped."""


class GenerationUnusable(KnowledgeError):
    """A generation is missing, damaged, or made of something else than was asked for."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"Generation {folder.name} of KB {folder.parent.name} cannot be used: {reason}.")
        self.folder = folder
        self.reason = reason


class GenerationUnwritable(KnowledgeError):
    """The disk takes no new generation; what was written of it is removed."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"The structures of KB {folder.name} cannot be written ({reason}): its facts are stored, "
            "and are answered from once the data folder's disk takes files again."
        )
        self.reason = reason


@dataclass(frozen=True)
class Manifest:
    """What a generation holds and of what it was made."""

    kb: str
    """Identity of the KB: its id and the moment of its making, so that another database's KB 1 is foreign."""
    revision: int
    encoder: str
    dim: int
    num_entities: int
    num_relations: int
    num_triples: int
    last_triple_id: int
    files: dict[str, list[int]]
    """Size and xxh3 of every file, by name."""
    token: int | None = None
    """Of the change to this revision, so that another change to it, after a backup was restored, makes it foreign."""
    format_version: int = FORMAT_VERSION

    @property
    def last_change(self) -> LastChange:
        """The last change that the generation is of."""
        return LastChange(self.revision, self.token)

    @cached_property
    def digest(self) -> str:
        """What tells a generation from any other, of the same number too: it is made of the checksums of its files."""
        return xxh3_64_hexdigest(json.dumps(asdict(self), sort_keys=True).encode())


@dataclass(frozen=True)
class Generation:
    """One state of a KB: arrays by position, the large ones memory-mapped when opened from a folder."""

    number: int
    """0 when it is in memory only."""
    manifest: Manifest
    entity_ids: LongArray
    literals: NDArray[np.bool_]
    labels: TextTable
    relation_ids: LongArray
    relation_labels: tuple[str, ...]
    triple_ids: LongArray
    triple_sources: IntArray
    source_names: tuple[str, ...]
    graph: FactGraph
    names: NameDictionary
    typos: TypoIndex
    label_vectors: LabelVectors
    relation_vectors: FloatArray
    facts: VectorIndex

    @classmethod
    def of(cls, contents: "Contents", facts: VectorIndex, manifest: Manifest) -> "Generation":
        """What a builder has made, in memory: on no disk."""
        return cls(
            number=0,
            manifest=manifest,
            entity_ids=contents.entity_ids,
            literals=contents.literals,
            labels=contents.names.labels,
            relation_ids=contents.relation_ids,
            relation_labels=_strings(contents.relation_labels),
            triple_ids=contents.triple_ids,
            triple_sources=contents.triple_sources,
            source_names=_strings(contents.source_names),
            graph=contents.graph,
            names=contents.names,
            typos=contents.typos,
            label_vectors=contents.label_vectors,
            relation_vectors=contents.relation_vectors,
            facts=facts,
        )

    def position(self, entity_id: int) -> int | None:
        """The position of an entity, if it was there."""
        place = int(self.entity_ids.searchsorted(entity_id))
        return place if place < len(self.entity_ids) and self.entity_ids[place] == entity_id else None


def allow_many_files() -> None:
    """Let this process open as many files as the system allows it at most, not as few as shells begin with (1,024)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


_GRAPH = ("subjects", "relations", "objects", "codes", "starts", "targets", "triples")


@dataclass(frozen=True)
class Contents:
    """What a builder hands over to be written: as a generation, before it has a number and checksums."""

    entity_ids: LongArray
    literals: NDArray[np.bool_]
    relation_ids: LongArray
    relation_labels: TextTable
    triple_ids: LongArray
    triple_sources: IntArray
    source_names: TextTable
    graph: FactGraph
    names: NameDictionary
    typos: TypoIndex
    label_vectors: LabelVectors
    relation_vectors: FloatArray

    def arrays(self) -> Iterable[tuple[str, NDArray[np.generic]]]:
        """Every array, by the name of its file."""
        yield from (("entity_ids", self.entity_ids), ("literals", self.literals), ("relation_ids", self.relation_ids))
        yield from (("triple_ids", self.triple_ids), ("triple_sources", self.triple_sources))
        yield from ((f"graph_{name}", array) for name, array in self.graph.arrays())
        tables = (self.names.labels, self.names.aliases, self.relation_labels, self.source_names)
        for name, table in zip(("labels", "aliases", "relation_labels", "source_names"), tables, strict=True):
            yield from ((f"{name}_blob", table.blob), (f"{name}_offsets", table.offsets))
        yield from (("name_hashes", self.names.hashes), ("name_numbers", self.names.numbers))
        yield "name_heads", self.names.heads
        yield "alias_entities", self.names.alias_entities
        for field in fields(TypoIndex):
            yield f"typo_{field.name}", getattr(self.typos, field.name)
        yield from (("label_codes", self.label_vectors.codes), ("label_scales", self.label_vectors.scales))
        yield "relation_vectors", self.relation_vectors


class GenerationFolder:
    """The generations of one KB on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def numbers(self) -> list[int]:
        """Numbers of the generations in place, highest first."""
        if not self.path.is_dir():
            return []
        return sorted((int(entry.name) for entry in self.path.iterdir() if entry.name.isdigit()), reverse=True)

    def has(self, number: int) -> bool:
        """Whether a generation is in place."""
        return self._folder(number).is_dir()

    def manifest(self, number: int) -> Manifest:
        """The manifest of a generation.

        Raises:
            GenerationUnusable: it is missing, unreadable or of another format.

        """
        folder = self._folder(number)
        try:
            held = json.loads((folder / MANIFEST).read_bytes())
            if held.get("format_version") != FORMAT_VERSION:
                raise GenerationUnusable(folder, f"its format is {held.get('format_version')}, not {FORMAT_VERSION}")
            return Manifest(**held)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise GenerationUnusable(folder, f"its manifest cannot be read ({error})") from error

    def write(self, contents: Contents, write_facts: Callable[[Path], None], manifest: Manifest) -> int:
        """Write, sync and put in place a new generation; the manifest's `files` are filled in here.

        `write_facts` writes the index of the facts to a path.

        Raises:
            GenerationUnwritable: the disk does not take it.
        """
        draft = self.path / f"{_TEMPORARY}{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return self.place(draft, write_files(draft, contents, write_facts), manifest)
        except (OSError, RuntimeError) as error:  # FAISS raises the latter
            raise GenerationUnwritable(self.path, str(error)) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def place(self, draft: Path, files: dict[str, list[int]], manifest: Manifest) -> int:
        """Make a generation of a folder that `write_files` has written on the same disk; its number."""
        self.path.mkdir(parents=True, exist_ok=True)
        number = max(self.numbers(), default=0) + 1
        (draft / MANIFEST).write_text(json.dumps({**asdict(manifest), "files": files}, indent=1))
        _seal(draft / MANIFEST)
        _sync(draft)
        draft.rename(self._folder(number))
        _sync(self.path)
        return number

    def open(self, number: int, threads: int, *, checked: bool = True) -> Generation:
        """Map a generation for reading, after checking every file, unless another process has.

        Raises:
            GenerationUnusable: a file is missing, cut or changed.

        """
        manifest = self.manifest(number)
        folder = self._folder(number)
        if checked:
            self.check(number, manifest)
        try:
            return _opened(number, folder, manifest, threads)
        except (OSError, ValueError, RuntimeError) as error:
            raise GenerationUnusable(folder, f"it cannot be mapped ({error})") from error

    def check(self, number: int, manifest: Manifest) -> None:
        """Compare every file with its size and checksum; raises GenerationUnusable at the first that differs."""
        folder = self._folder(number)
        for name, (size, checksum) in manifest.files.items():
            path = folder / name
            try:
                if path.stat().st_size != size:
                    raise GenerationUnusable(folder, f"{name} has {path.stat().st_size} bytes, not {size}")
                if _checksum(path) != checksum:
                    raise GenerationUnusable(folder, f"the checksum of {name} does not match")
            except OSError as error:
                raise GenerationUnusable(folder, f"{name} cannot be read ({error})") from error

    def remove_all_but(self, number: int) -> None:
        """Unlink the other generations and what crashed builds left; mapped files stay readable to who has them."""
        for entry in self.path.iterdir():
            is_other = entry.name.isdigit() and int(entry.name) != number
            if is_other or entry.name.startswith(_TEMPORARY):
                shutil.rmtree(entry, ignore_errors=True)

    def _folder(self, number: int) -> Path:
        return self.path / f"{number:08d}"


def write_files(folder: Path, contents: Contents, write_facts: Callable[[Path], None]) -> dict[str, list[int]]:
    """Write and sync all files of a generation but its manifest to a new folder; their sizes and checksums."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, array in contents.arrays():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    write_facts(folder / FACTS_FILE)
    paths = sorted(folder.iterdir())
    with ThreadPoolExecutor(_SYNC_THREADS) as sync:
        return {path.name: list(sealed) for path, sealed in zip(paths, sync.map(_seal, paths), strict=True)}


def _opened(number: int, folder: Path, manifest: Manifest, threads: int) -> Generation:
    def array(name: str) -> Any:  # noqa: ANN401 - each file has the type of its field
        return _array(folder / f"{name}.npy")

    def table(name: str) -> TextTable:
        return TextTable(array(f"{name}_blob"), array(f"{name}_offsets"))

    labels = table("labels")
    parts = {name: array(f"graph_{name}") for name in _GRAPH}
    return Generation(
        number=number,
        manifest=manifest,
        entity_ids=array("entity_ids"),
        literals=array("literals"),
        labels=labels,
        relation_ids=array("relation_ids"),
        relation_labels=_strings(table("relation_labels")),
        triple_ids=array("triple_ids"),
        triple_sources=array("triple_sources"),
        source_names=_strings(table("source_names")),
        graph=FactGraph(num_keys=2 * manifest.num_relations, **parts),
        names=NameDictionary(
            hashes=array("name_hashes"),
            numbers=array("name_numbers"),
            heads=array("name_heads"),
            labels=labels,
            aliases=table("aliases"),
            alias_entities=array("alias_entities"),
        ),
        typos=TypoIndex(**{field.name: array(f"typo_{field.name}") for field in fields(TypoIndex)}),
        label_vectors=LabelVectors(array("label_codes"), array("label_scales")),
        relation_vectors=array("relation_vectors"),
        facts=VectorIndex.load(folder / FACTS_FILE, manifest.dim, threads),
    )


def _array(path: Path) -> NDArray[np.generic]:
    """The array of a file, for reading only."""
    if path.stat().st_size >= MAPPED_BYTES:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    array: NDArray[np.generic] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    return array


def _strings(table: TextTable) -> tuple[str, ...]:
    return tuple(table[number] for number in range(len(table)))


def _seal(path: Path) -> tuple[int, int]:
    """Sync a written file to disk; its size and checksum."""
    _sync(path)
    return path.stat().st_size, _checksum(path)


def _checksum(path: Path) -> int:
    digest = xxh3_64()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.intdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
