"""Distils all-MiniLM-L6-v2 into the static table of token vectors: python -m models.distillation RECIPE --help.

A text's vector is the sum of its tokens' vectors at length 1; training moves the token vectors until it points where
the teacher's sentence vector does (after tokenlearn, https://github.com/MinishLab/tokenlearn). How we differ:

- A token's vector is `weight * (its own teacher vector @ projection) + residual`. The projection is shared, so that
  words which no text holds move along with those that do.
- Beside the angle to the teacher, the likeness of each text to the others of its batch is matched (Kullback-Leibler
  divergence of softmaxes), because choosing among relations needs the order of likenesses, not the vectors.
"""

import argparse
import hashlib
import logging
import shutil
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from kb.context import CLASSIFY, SEPARATE
from kb.encoding import MAX_TOKENS, TABLE_FILE, TOKENIZER_FILE, SentenceEncoder
from kb.quantised import quantise
from models.distillation_texts import corpus

log = logging.getLogger(__name__)

FloatArray = NDArray[np.float32]

CHUNK_TEXTS = 8192  # teacher vectors are kept in files of so many, so that a stopped run goes on
FIRST_WORD = 999  # tokens before it are [PAD], [unused1], [CLS] ...: their rows stay zero
WARM_UP = 0.1  # of all steps
LOG_EVERY_STEPS = 100


@dataclass(frozen=True)
class DistillationConfig:
    """How the table is trained; every field is a line of the recipe's [training]."""

    epochs: int
    batch_texts: int
    held_out_texts: int  # the first of the corpus: only their cosine is looked at
    learning_rate: float
    residual_learning_rate: float
    likeness_weight: float  # of the divergence between likenesses, beside 1 - cosine
    temperature: float  # of the softmax over likenesses
    frequency_floor: float  # a token of frequency p weighs floor / (floor + p) at first


class TokenTable(nn.Module):
    """Token vectors before they are frozen into a table."""

    def __init__(self, base: Tensor, projection: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("base", base)
        self.base: Tensor
        self.projection = nn.Parameter(projection)
        self.log_weights = nn.Parameter(weights.clamp_min(1e-6).log())
        self.residual = nn.Embedding(len(base), projection.shape[1], sparse=True)
        nn.init.zeros_(self.residual.weight)

    def rows(self, numbers: Tensor) -> Tensor:
        """Vectors of tokens, (tokens, dim)."""
        shared = self.base[numbers] @ self.projection
        vectors: Tensor = shared * self.log_weights[numbers].exp()[:, None] + self.residual(numbers)
        return vectors

    def forward(self, texts: Sequence[NDArray[np.int64]]) -> Tensor:
        """Sums of the token vectors of each text at length 1, (texts, dim)."""
        distinct, inverse = np.unique(np.concatenate(texts), return_inverse=True)
        rows = self.rows(torch.from_numpy(distinct))
        starts = np.cumsum([0] + [len(text) for text in texts[:-1]])
        bags = nn.functional.embedding_bag(
            torch.from_numpy(inverse), rows, torch.from_numpy(starts), mode="sum"
        )  # (texts, dim)
        return nn.functional.normalize(bags, dim=1)


def teacher_vectors(texts: Sequence[str], teacher: SentenceEncoder, folder: Path) -> FloatArray:
    """The teacher's vectors of the texts; chunks that an earlier run left in the folder are not computed again."""
    place = folder / hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    chunks = []
    for start in range(0, len(texts), CHUNK_TEXTS):
        path = place / f"{start // CHUNK_TEXTS:04d}.npy"
        if not path.exists():
            unfinished = path.with_suffix(".tmp.npy")
            np.save(unfinished, teacher.encode(texts[start : start + CHUNK_TEXTS]).astype(np.float16))
            unfinished.replace(path)
            log.info("teacher: %d of %d texts", min(start + CHUNK_TEXTS, len(texts)), len(texts))
        chunks.append(np.load(path).astype(np.float32))
    return np.concatenate(chunks)


def token_vectors(tokenizer: Tokenizer, teacher: SentenceEncoder, folder: Path) -> FloatArray:
    """The teacher's vector of each token of the vocabulary alone, (vocabulary, hidden)."""
    path = folder / "tokens.npy"
    if not path.exists():
        rows = [[CLASSIFY, number, SEPARATE] for number in range(tokenizer.get_vocab_size())]
        np.save(path, teacher.encode_tokens(rows))
    vectors: FloatArray = np.load(path)
    return vectors


def principal_axes(vectors: FloatArray, dim: int) -> FloatArray:
    """The directions that keep most of the vectors' inner products, (hidden, dim): not centred, so angles stay."""
    axes: FloatArray = np.linalg.svd(vectors.T @ vectors)[0][:, :dim]
    return np.ascontiguousarray(axes)


def frequency_weights(size: int, floor: float) -> FloatArray:
    """Smooth inverse frequency (Arora et al. 2017) with Zipf's law: WordPiece numbers words from frequent to rare."""
    ranks = np.maximum(np.arange(size) - FIRST_WORD + 1, 1).astype(np.float64)
    frequencies = 1.0 / ranks / np.sum(1.0 / np.arange(1, size - FIRST_WORD + 1))
    return (floor / (floor + frequencies)).astype(np.float32)


def likeness_divergence(student: Tensor, target: Tensor, temperature: float) -> Tensor:
    """How far the student's likenesses within the batch, as softmaxes, are from the teacher's."""
    itself = torch.eye(len(student), dtype=torch.bool)
    ours = (student @ student.T / temperature).masked_fill(itself, -1e4).log_softmax(dim=1)  # (texts, texts)
    theirs = (target @ target.T / temperature).masked_fill(itself, -1e4).log_softmax(dim=1)
    return nn.functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def train(table: TokenTable, texts: list[NDArray[np.int64]], full: FloatArray, config: DistillationConfig) -> None:
    """Move the table's vectors towards the teacher's; `full` are the teacher's vectors of the texts."""
    axes = table.projection.detach().clone()
    held_out, learning = texts[: config.held_out_texts], texts[config.held_out_texts :]
    target = torch.from_numpy(full[config.held_out_texts :])
    goal = nn.functional.normalize(torch.from_numpy(full[: config.held_out_texts]) @ axes, dim=1)
    steps = config.epochs * (len(learning) // config.batch_texts)
    dense = torch.optim.Adam([table.projection, table.log_weights])
    sparse = torch.optim.SparseAdam(list(table.residual.parameters()))
    paces = [
        torch.optim.lr_scheduler.OneCycleLR(dense, config.learning_rate, steps, pct_start=WARM_UP),
        torch.optim.lr_scheduler.OneCycleLR(sparse, config.residual_learning_rate, steps, pct_start=WARM_UP),
    ]
    for step, chosen in enumerate(batches(len(learning), config.batch_texts, config.epochs)):
        student = table([learning[text] for text in chosen])
        loss = distance(student, target[chosen], axes, config)
        dense.zero_grad()
        sparse.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        dense.step()
        sparse.step()  # type: ignore[no-untyped-call]
        for pace in paces:
            pace.step()
        if step % LOG_EVERY_STEPS == 0 or step == steps - 1:
            with torch.no_grad():
                cosine = (table(held_out) * goal).sum(dim=1).mean().item()
            log.info("step %d of %d: loss %.4f, held-out cosine %.4f", step, steps, loss.item(), cosine)


def batches(size: int, batch: int, epochs: int) -> Iterator[Tensor]:
    """Numbers of the texts of each step: whole batches, in a new order each epoch."""
    for _ in range(epochs):
        order = torch.randperm(size)
        for start in range(0, size - batch + 1, batch):
            yield order[start : start + batch]


def distance(student: Tensor, target: Tensor, axes: Tensor, config: DistillationConfig) -> Tensor:
    """What training lessens: the angle to the teacher's projected vectors, and the divergence of likenesses."""
    cosine = (student * nn.functional.normalize(target @ axes, dim=1)).sum(dim=1).mean()
    return 1.0 - cosine + config.likeness_weight * likeness_divergence(student, target, config.temperature)


def save(table: TokenTable, tokenizer_file: Path, folder: Path) -> None:
    """Write the table as it is now, with its tokenizer, as a folder that `StaticEncoder` loads."""
    with torch.no_grad():
        rows = table.rows(torch.arange(len(table.base))).numpy()
    rows[:FIRST_WORD] = 0.0
    folder.mkdir(parents=True, exist_ok=True)
    table_rows, scales = quantise(rows)
    safetensors.numpy.save_file({"table": table_rows, "scales": scales}, folder / TABLE_FILE)
    shutil.copyfile(tokenizer_file, folder / TOKENIZER_FILE)


def distil(recipe: Path, teacher_folder: Path, datasets: Path, out: Path, threads: int) -> None:
    """Follow a recipe: texts, teacher vectors, training; the tables are `out/untrained` and `out/trained`."""
    started = time.monotonic()
    settings = tomllib.loads(recipe.read_text(encoding="utf-8"))
    config = DistillationConfig(**settings["training"])
    torch.manual_seed(settings["seed"])
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    texts = corpus(datasets, settings["texts"], settings["seed"])[: settings["most_texts"]]
    tokenizer_file = teacher_folder / TOKENIZER_FILE
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    teacher = SentenceEncoder(teacher_folder, threads)
    full = teacher_vectors(texts, teacher, out)
    base = token_vectors(tokenizer, teacher, out)
    numbers = [encoding.ids[:MAX_TOKENS] for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    filled = [row for row, ids in enumerate(numbers) if ids]
    weights = frequency_weights(len(base), config.frequency_floor)
    axes = principal_axes(full, settings["dim"])
    table = TokenTable(torch.from_numpy(base), torch.from_numpy(axes), torch.from_numpy(weights))
    save(table, tokenizer_file, out / "untrained")
    train(table, [np.array(numbers[row], dtype=np.int64) for row in filled], full[filled], config)
    save(table, tokenizer_file, out / "trained")
    log.info("%s after %.0f s", out / "trained" / TABLE_FILE, time.monotonic() - started)


def main() -> None:
    """Read the command line and follow the recipe."""
    parser = argparse.ArgumentParser(description="Distil all-MiniLM-L6-v2 into a static table of token vectors.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--teacher", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--datasets", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the table and for what a stopped run keeps")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    distil(arguments.recipe, arguments.teacher, arguments.datasets, arguments.out, arguments.threads)


if __name__ == "__main__":
    main()
