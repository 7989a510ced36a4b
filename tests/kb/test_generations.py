from pathlib import Path

import numpy as np
import pytest

from kb.generations import FORMAT_VERSION, MANIFEST, GenerationFolder, GenerationUnusable
from tests.kb.structures import Knowledge, triple


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    knowledge = Knowledge(tmp_path_factory.mktemp("generations"))
    knowledge.write([triple("Heat", "directed by", "Michael Mann"), triple("Heat", "year", "=1995")])
    knowledge.view()
    knowledge.engine.dispose()
    return knowledge.generation_folder()


def names() -> list[str]:
    graph = [f"graph_{name}" for name in ("subjects", "relations", "objects", "codes", "starts", "targets", "triples")]
    tables = [f"{name}_{part}" for name in ("labels", "relation_labels") for part in ("blob", "offsets")]
    arrays = ["entity_ids", "literals", "triple_ids", "name_hashes", "typo_words", "label_codes", *graph, *tables]
    return [*(f"{name}.npy" for name in arrays), "facts.faiss", MANIFEST]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "one bit", "longer"])
def test_no_damaged_file_is_opened(generation: Path, name: str, damage: str) -> None:
    folder, number = GenerationFolder(generation.parent), int(generation.name)
    path = generation / name
    held = path.read_bytes()
    last = held[-1:] if name != MANIFEST else b"!"
    damaged = {
        "emptied": b"",
        "cut": held[: len(held) // 2],
        "one bit": held[:-1] + bytes([last[0] ^ 1]),
        "longer": held + b"more",
    }
    path.unlink()
    if damage in damaged:
        path.write_bytes(damaged[damage])

    try:
        with pytest.raises(GenerationUnusable, match=r"00000001|KB"):
            folder.open(number, 1)
    finally:
        path.write_bytes(held)
    assert folder.open(number, 1).manifest.num_triples == 2


def test_every_file_is_in_the_manifest(generation: Path) -> None:
    manifest = GenerationFolder(generation.parent).manifest(int(generation.name))

    assert {path.name for path in generation.iterdir()} == {*manifest.files, MANIFEST}


def test_a_manifest_of_another_format_is_refused(generation: Path) -> None:
    path = generation / MANIFEST
    held = path.read_text()
    path.write_text(held.replace(f'"format_version": {FORMAT_VERSION}', '"format_version": 0'))

    try:
        with pytest.raises(GenerationUnusable, match="format"):
            GenerationFolder(generation.parent).manifest(int(generation.name))
    finally:
        path.write_text(held)


def test_a_folder_that_is_not_there_has_no_generations(tmp_path: Path) -> None:
    assert GenerationFolder(tmp_path / "none").numbers() == []


@pytest.mark.parametrize("from_bytes", [0, 1 << 20])
def test_what_is_opened_cannot_be_written_to(
    generation: Path, from_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.generations.MAPPED_BYTES", from_bytes)
    opened = GenerationFolder(generation.parent).open(int(generation.name), 1)

    assert [array.tolist() for array in (opened.graph.objects, opened.triple_ids)] == [[1, 2], [1, 2]]
    for array in (opened.entity_ids, opened.labels.blob, *(array for _, array in opened.graph.arrays())):
        assert isinstance(array, np.ndarray)
        assert not array.flags.writeable
