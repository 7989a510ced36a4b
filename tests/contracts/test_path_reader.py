"""What the service's reader promises, whatever it is trained on."""

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor

from models import checkpoints
from models.batching import KeyTokens, PathBatch, Tokens, pad, path_batch
from models.episodes import MENTION, End, Manner
from models.kinds import Kind
from models.networks.path_reader import Keys, Labels, Layer, PathReader, State
from models.path_training import ChoiceConfig, PathCourse, path_loss
from models.profiles import Profile
from models.reader import Reader
from models.training import Training, TrainingConfig
from tests.models.factories import TinyEncoder, make_cutter, make_episodes, make_inference, make_network


def make_batch() -> PathBatch:
    return path_batch(make_episodes(), make_cutter())


def keys_of(network: PathReader, batch: PathBatch) -> Keys:
    labels = Labels.join([network.encode_labels(part) for part in batch.labels])
    return network.keys(labels, batch.keys)


def all_scores(network: PathReader, batch: PathBatch) -> Tensor:
    """Scores of every hop along the gold path, batch hops manners*keys+2."""
    question, keys = network.encode_questions(batch.questions), keys_of(network, batch)
    state, scores = network.begin(question), []
    for hop in range(batch.gold.shape[1]):
        glimpse = network.look(question, state)
        scores.append(network.score(glimpse, keys))
        gold, num_keys = batch.gold[:, hop], len(keys.vectors)
        used = (gold % num_keys, (gold // num_keys).clamp(0, len(Manner) - 1))
        state = network.advance(state, glimpse, keys.vectors[used[0]], used[1])
    return torch.stack(scores, 1)


def padded(tokens: Tokens, more: int) -> Tokens:
    wider = [torch.nn.functional.pad(part.long(), (0, more)) for part in tokens[:4]]
    states = torch.nn.functional.pad(tokens.states, (0, 0, 0, more), value=3.0)
    return Tokens(wider[0], wider[1], wider[2], wider[3].bool(), states)


def test_padding_adds_nothing() -> None:
    network, batch = make_network(), make_batch()
    wide = batch._replace(questions=padded(batch.questions, 5), labels=tuple(padded(part, 3) for part in batch.labels))
    torch.testing.assert_close(all_scores(network, wide), all_scores(network, batch))


def test_order_of_the_batch_is_irrelevant() -> None:
    network, batch = make_network(), make_batch()
    order = torch.randperm(len(batch.gold), generator=torch.Generator().manual_seed(1))
    turned = batch._replace(questions=Tokens(*(part[order] for part in batch.questions)), gold=batch.gold[order])
    torch.testing.assert_close(all_scores(network, turned), all_scores(network, batch)[order])


def test_attention_sums_to_one_over_present_words() -> None:
    network, batch = make_network(), make_batch()
    question = network.encode_questions(batch.questions)
    attention = network.look(question, network.begin(question)).attention
    torch.testing.assert_close(attention.sum(-1), torch.ones(len(attention)))
    assert (attention[~batch.questions.present] == 0).all()


def test_gradients_reach_all_parameters() -> None:
    network, batch = make_network().train(), make_batch()
    loss, _ = path_loss(network, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


def save(path: Path, network: PathReader) -> None:
    checkpoints.save(path, network.config, network.weights(), TinyEncoder().id, {"seed": 3})


def test_checkpoint_round_trip_is_equal(tmp_path: Path) -> None:
    network = make_network()
    save(tmp_path / "reader.safetensors", network)
    info, weights = checkpoints.load(tmp_path / "reader.safetensors", TinyEncoder().id)
    assert info.config == network.config
    assert weights.keys() == network.weights().keys()
    for name, weight in network.weights().items():
        np.testing.assert_array_equal(weights[name], weight)


def test_a_checkpoint_of_another_encoder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "reader.safetensors", make_network())
    with pytest.raises(checkpoints.CheckpointUnusable, match="made for encoder tiny, not other"):
        checkpoints.load(tmp_path / "reader.safetensors", "other")


def test_a_cut_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reader.safetensors"
    save(path, make_network())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(checkpoints.CheckpointUnusable, match="no readable weights"):
        checkpoints.load(path, "tiny")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path, network = tmp_path / "reader.safetensors", make_network()
    few = {name: weight for name, weight in network.weights().items() if not name.startswith("layers.1")}
    checkpoints.save(path, network.config, few, TinyEncoder().id, {})
    with pytest.raises(checkpoints.CheckpointUnusable, match="do not fit its description"):
        Reader.load(path, encoder=TinyEncoder())


@torch.no_grad()
def test_reading_in_numpy_agrees_with_the_network() -> None:
    network, cutter = make_network(), make_cutter()
    inference = make_inference(network)
    texts = cutter.cut([f"who directed {MENTION}", f"when were the films of {MENTION} released", "how"])
    labels, kinds = cutter.cut(["directed by", "year", "born in the town of"]), [Kind(n % 4) for n in range(6)]
    asked, keys = network.encode_questions(pad(texts, cutter)), torch.arange(6)
    state = network.begin(asked)
    profiles = [Profile(kind, ("paris", "the town")[: n % 3], ("town",)[n % 2 :]) for n, kind in enumerate(kinds)]
    vectors = cutter.key_vectors([(profile, profiles[n ^ 1]) for n, profile in enumerate(profiles)])
    numbers = KeyTokens(keys // 2, keys % 2, torch.tensor(kinds), torch.tensor(vectors))
    encoded = network.keys(network.encode_labels(pad(labels, cutter)), numbers)
    asked_too, encoded_too = (
        inference.encode_questions(cutter.pad(texts)),
        inference.encode_keys(cutter.pad(labels), profiles, vectors),
    )
    np.testing.assert_allclose(asked_too.asked, network.ask(asked).softmax(-1).numpy(), rtol=1e-4, atol=1e-5)
    state_too, read, manners = inference.begin(asked_too), [0, 3, 4], [Manner.READ, Manner.KEEP, Manner.LEAST]
    for _ in range(3):
        glimpse, glimpse_too = network.look(asked, state), inference.look(asked_too, state_too)
        scores, scores_too = network.score(glimpse, encoded), inference.score(glimpse_too, encoded_too)
        joined = np.concatenate([scores_too.reshape(len(read), -1), glimpse_too.ends], 1)
        np.testing.assert_allclose(joined, scores.numpy(), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(glimpse_too.attention, glimpse.attention.numpy(), rtol=1e-4, atol=1e-5)
        state = network.advance(state, glimpse, encoded.vectors[read], torch.tensor(manners))
        state_too = inference.advance(state_too, glimpse_too, encoded_too.updates[read], np.array(manners))


def test_a_tiny_task_is_learnt_by_heart_and_attention_finds_the_words() -> None:
    class Fixed:
        name = "fixed"

        def episode(self, random: Random) -> object:
            return random.choice(make_episodes())

    config = TrainingConfig(
        seed=5,
        steps=240,
        batch=16,
        optimizer="adamw",
        schedule="cosine",
        learning_rate=1e-2,
        warmup_steps=10,
        weight_decay=0.02,
        clip=1.0,
    )
    tasks, choices = [(Fixed(), 1.0)], ChoiceConfig(label_smoothing=0.0)
    course = PathCourse(make_network(dim=32), make_cutter(), tasks, config, choices)  # type: ignore[arg-type]
    run = Training(course, config)
    rights = [run.advance()[1]["right"] for _ in range(config.steps)]
    assert min(rights[-5:]) == 1.0


def naive_words(
    network: PathReader, ids: list[int], marks: list[int], distances: list[int], text: int, layers: int, states: Tensor
) -> Tensor:
    """The encoder for one unpadded text, token by token and head by head."""
    rows = []
    for at, (token, mark, distance) in enumerate(zip(ids, marks, distances, strict=True)):
        spread = ((states[at] - states[at].mean()) ** 2).mean()
        state = (states[at] - states[at].mean()) / (spread + 1e-5).sqrt()
        static = network.table[token] if mark == 0 else torch.zeros(network.config.word_dim)
        unit = static / static.norm() if mark == 0 else static
        rows.append(
            network.inputs(unit)
            + network.context.weight @ state
            + network.marks.weight[mark]
            + network.distances.weight[max(-16, min(16, distance)) + 16]
            + network.positions.weight[at]
            + network.texts.weight[text]
        )
    for layer in list(network.layers)[:layers]:
        assert isinstance(layer, Layer)
        size = network.config.dim // network.config.heads
        parts = [layer.inputs(layer.norm_attention(row)) for row in rows]
        mixed = []
        for own in parts:
            read = []
            for head in range(network.config.heads):
                first = head * size
                query = own[first : first + size]
                keys = [part[network.config.dim + first :][:size] for part in parts]
                values = [part[2 * network.config.dim + first :][:size] for part in parts]
                weights = torch.tensor([float(query @ key) / math.sqrt(size) for key in keys]).softmax(0)
                read.append(sum((w * v for w, v in zip(weights, values, strict=True)), torch.zeros(size)))
            mixed.append(torch.cat(read))
        rows = [row + layer.output(read) for row, read in zip(rows, mixed, strict=True)]
        rows = [row + layer.narrow(torch.nn.functional.gelu(layer.widen(layer.norm_feedforward(row)))) for row in rows]
    return torch.stack([network.norm(row) for row in rows])


def naive_metric(network: PathReader, ids: list[int], marks: list[int]) -> list[Tensor]:
    """Word vectors in the metric of the overlap; the mention and the start have none."""
    rows = [network.table[token] if mark == 0 else torch.zeros(16) for token, mark in zip(ids, marks, strict=True)]
    return [row + network.metric.weight @ row for row in rows]


def naive_cosine(left: Tensor, right: Tensor) -> float:
    lengths = float(left.norm()) * float(right.norm())
    return float(left @ right) / lengths if lengths else 0.0


@torch.no_grad()
def test_the_network_agrees_with_its_equations_written_as_loops() -> None:
    network, cutter = make_network(), make_cutter()
    text = pad(cutter.cut(["who directed \N{OBJECT REPLACEMENT CHARACTER} in berlin"]), cutter)
    labels = [pad(cutter.cut([label]), cutter) for label in ("directed by", "year")]
    question = network.encode_questions(text)
    profiles = torch.randn(4, 4, 16)
    rows = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1]), torch.tensor([1, 0, 2, 3]), profiles
    keys = network.keys(Labels.join([network.encode_labels(label) for label in labels]), KeyTokens(*rows))
    state = State(torch.randn(1, 16), torch.rand(1, 6))
    glimpse = network.look(question, state)
    scores = network.score(glimpse, keys)[0]

    ids, marks, distances = (part[0].tolist() for part in text[:3])
    words = naive_words(network, ids, marks, distances, 0, network.config.layers, text.states[0])
    energies = [
        network.attend(
            torch.tanh(
                network.attend_words(word)
                + network.attend_state(state.vector[0])
                + state.spent[0, at] * network.attend_spent
            )
        )
        for at, word in enumerate(words)
    ]
    attentions = torch.stack(energies).softmax(0).T
    read = torch.cat(
        [sum((a * w for a, w in zip(attentions[0], words, strict=True)), torch.zeros(16)), state.vector[0]]
    )
    turned = network.query_manners(read).reshape(len(Manner), -1)
    queries = [network.norm_query(network.query(read) + turn) for turn in turned]
    ends = network.ends(read)
    own = naive_metric(network, ids, marks)
    statics = [sum((a * m for a, m in zip(row, own, strict=True)), torch.zeros(16)) for row in attentions]
    matched: list[list[float]] = []
    kinds = [(1, 0), (2, 3)]
    for label in labels:
        label_ids, label_marks, label_distances = (part[0].tolist() for part in label[:3])
        read_as = label_ids, label_marks, label_distances, 1, network.config.label_layers, label.states[0]
        label_words = naive_words(network, *read_as)
        said = [2 * torch.sigmoid(network.say(word)) for word in label_words]
        total = sum(
            (g * m for g, m in zip(said, naive_metric(network, label_ids, label_marks), strict=True)), torch.zeros(16)
        )
        pooled = label_words.mean(0)
        overlap = sum(
            float(c) * naive_cosine(static, total) for c, static in zip(network.overlap, statics, strict=True)
        )
        for turn, kind in zip(network.directions, kinds.pop(0), strict=True):
            profile = profiles[len(matched)]
            given = network.values.weight[kind] + network.profile.weight @ profile.flatten()
            key = network.norm_key(pooled + turn(pooled + given))
            alike = sum(
                float(c) * naive_cosine(static, part + network.metric.weight @ part)
                for weights, part in zip(network.profile_overlap, profile, strict=True)
                for c, static in zip(weights, statics, strict=True)
            )
            matched.append([float(query @ key) / 4 + overlap + alike for query in queries])
    biases = ends[len(End) :].tolist()
    expected = [key[manner] + biases[manner] for manner in Manner for key in matched] + ends[: len(End)].tolist()
    torch.testing.assert_close(scores, torch.tensor(expected), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(glimpse.attention[0], attentions[0], rtol=1e-4, atol=1e-5)
