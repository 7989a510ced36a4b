"""DMN: Kumar et al., "Ask Me Anything: Dynamic Memory Networks for Natural Language Processing" (ICML 2016), section 2.

With our names for the paper's letters:

    input       facts c_t: states of a GRU over all words of the memory, taken at the end of each slot
    question    q: last state of a GRU over the question's words; both read the same word vectors (L)
    gate        score of fact t in pass i = W2 tanh(W1 z + b1) + b2                       (G)
                z = [c, m, q, c*q, c*m, |c - q|, |c - m|, c W q, c W m]                   (m: memory before the pass)
    episode     e_i: last state of an attention GRU over the facts with these gates
    memory      m_i = GRU(e_i, m_{i-1}),  m_0 = q
    answer      a = GRU([y, q], m), y the answer before it;  softmax(W a), one row of W (`candidates`) a candidate

A sequence of answers, one a slot (`sequence`): each word asks by itself, with its fact as question, and reads the facts
at most `window` slots away. The cost grows with the words, not with their square.

Supporting facts, where there are any, train the gates (section 2.3): in pass i the i-th one, the last one again when
they have run out. In the first epochs of training (`start`) nothing else is learnt.

Differences from the paper: gates are a softmax over the facts (`gates = "softmax"`, as Xiong et al. 2016 have it; there
b2 cancels and is left out) or the paper's sigmoids; what is reported as attention is the softmax of these scores. The
number of passes is fixed: no end-of-passes fact. `two_way` adds a second GRU to the input, from the other end. A slot
of several tokens can be read as one (`facts = "slots"`: the sum of their vectors is one step of the input GRU). In a
sequence of answers, y is always zero, and the memory of a word is a window, not the sentence.

Known results: models/recipes/kumar2016_*.toml.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network, answer_nats
from models.packing import Batch, Sizes
from models.reading import attend
from models.recurrence import AttentionGRU, TwoWayGRU, last_states, take_slots
from models.vocabulary import PAD

FACTS = ("words", "slots")
GATES = ("softmax", "sigmoid")


class SettingUnknown(Exception):
    """A recipe gives a setting a value that does not exist."""

    def __init__(self, setting: str, value: str, known: tuple[str, ...]) -> None:
        self.setting = setting
        self.value = value
        super().__init__(f"no {setting} {value!r}; there are {', '.join(known)}")


@dataclass(frozen=True)
class DMNConfig:
    """The settings of one network."""

    word_dim: int = 50
    word_std: float = 0.1  # of the units of word vectors at the start
    dim: int = 80
    passes: int = 3
    facts: str = "words"  # what the input GRU steps over: all words, or slots, each the sum of its words
    gates: str = "softmax"
    gate_dim: int = 40
    two_way: bool = False
    sequence: bool = False
    window: int = 2  # facts on either side that a word of a sequence reads
    gate_loss: float = 1.0  # weight of the loss of the gates beside that of the answers
    word_dropout: float = 0.0  # of the units of word vectors
    dropout: float = 0.0  # of the units of the last memory

    def __post_init__(self) -> None:
        for setting, known in (("facts", FACTS), ("gates", GATES)):
            if getattr(self, setting) not in known:
                raise SettingUnknown(setting, getattr(self, setting), known)


class Read(NamedTuple):
    """What questions read: as many rows as there are questions."""

    facts: Tensor  # batch slots dim
    filled: Tensor  # batch slots
    question: Tensor  # batch dim


class DMN(Network):
    """The network of this module's equations."""

    def __init__(self, config: DMNConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        dim, self._gating_only = config.dim, False
        self.words = nn.Parameter(torch.randn(sizes.words, config.word_dim) * config.word_std)
        self.input = (
            TwoWayGRU(config.word_dim, dim) if config.two_way else nn.GRU(config.word_dim, dim, batch_first=True)
        )
        self.question = None if config.sequence else nn.GRU(config.word_dim, dim, batch_first=True)
        self.gate = Gate(dim, config.gate_dim, biased=config.gates == "sigmoid")
        self.episode = AttentionGRU(dim, dim)
        self.memory = nn.GRUCell(dim, dim)
        self.answer = nn.GRUCell(dim, dim)
        self.candidates = nn.Linear(dim, sizes.candidates, bias=False)

    def start(self, *, starting: bool) -> None:
        """Learn the gates alone in the first epochs."""
        self._gating_only = starting

    def forward(self, batch: Batch) -> Answered:
        """Read in several passes, then score the candidates."""
        facts = self._facts(batch)
        if self.question is None:
            return self._answer_each(facts, batch.filled)
        words, present = self._embed(batch.question), batch.question != PAD
        question = last_states(self.question(words)[0], present) * present.any(-1, keepdim=True)
        return Answered(*self._answer(Read(facts, batch.filled, question)))

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss of the answers, and that of the gates where supporting facts are known."""
        scores, attention = self(batch)
        loss = scores.new_zeros(()) if self._gating_only else answer_nats(scores, batch.answers).mean()
        if batch.supporting.shape[1] == 0:
            return loss
        return loss + self.config.gate_loss * gate_nats(attention, batch.supporting)

    def num_losses(self, batch: Batch) -> int:
        """Count what the loss of a batch is the mean of: answers, if each slot has one; in the first epochs, gates.

        Where it is two means, that of the gates counts as much: bAbI tells the supporting facts of each question.
        """
        if self._gating_only and batch.supporting.shape[1]:
            return int((batch.supporting >= 0).any(-1).sum())
        return int((batch.answers >= 0).sum()) if self.config.sequence else super().num_losses(batch)

    def _embed(self, tokens: Tensor) -> Tensor:
        return functional.dropout(functional.embedding(tokens, self.words), self.config.word_dropout, self.training)

    def _facts(self, batch: Batch) -> Tensor:
        """Give the facts: batch slots dim."""
        if self.config.facts == "slots":
            summed = functional.dropout(sum_words(self.words, batch.slots), self.config.word_dropout, self.training)
            return self._read(summed, batch.filled)
        words, ends = join_words(batch.slots)
        return take_slots(self._read(self._embed(words), words != PAD), ends)

    def _read(self, sequence: Tensor, present: Tensor) -> Tensor:
        if isinstance(self.input, TwoWayGRU):
            return self.input(sequence, present)  # type: ignore[no-any-return]
        return self.input(sequence)[0]  # type: ignore[no-any-return]

    def _answer(self, read: Read) -> tuple[Tensor, Tensor]:
        """Give scores and attention: batch candidates; batch passes slots."""
        score, projected = self.gate.scorer(read.facts, read.question), self.episode.project(read.facts)
        memory, attentions = read.question, []
        for _ in range(self.config.passes):
            scores = score(memory)
            attention = attend(scores, read.filled)
            attentions.append(attention)
            gates = attention if self.config.gates == "softmax" else scores.sigmoid() * read.filled
            memory = self.memory(self.episode(projected, gates), memory)
        memory = functional.dropout(memory, self.config.dropout, self.training)
        return self.candidates(self.answer(read.question, memory)), torch.stack(attentions, 1)

    def _answer_each(self, facts: Tensor, filled: Tensor) -> Answered:
        """Answer for each filled slot; the attention is the mean of what the answers of an episode attended to."""
        window, slots = self.config.window, filled.shape[1]
        arange = partial(torch.arange, device=facts.device)
        near = arange(slots)[:, None] + arange(-window, window + 1)  # slots window
        inside = (near >= 0) & (near < slots)
        near = near.clamp(0, max(slots - 1, 0))
        row, slot = filled.nonzero(as_tuple=True)
        read = Read(facts[row[:, None], near[slot]], inside[slot] & filled[row[:, None], near[slot]], facts[row, slot])
        scores, attention = self._answer(read)
        each = scores.new_zeros(*filled.shape, scores.shape[-1]).index_put((row, slot), scores)
        shares = attention / filled.sum(-1)[row][:, None, None]
        places = (row[:, None] * slots + near[slot]).flatten()
        mean = shares.new_zeros(self.config.passes, filled.numel())
        mean = mean.index_add(1, places, shares.transpose(0, 1).flatten(1))
        return Answered(each, mean.view(-1, *filled.shape).transpose(0, 1))


class Gate(nn.Module):
    """The two layers that score facts; what does not change from pass to pass is computed once."""

    def __init__(self, dim: int, hidden: int, *, biased: bool) -> None:
        super().__init__()
        self.fact = nn.Linear(dim, hidden)
        self.state = nn.Linear(2 * dim, hidden, bias=False)  # of [m, q]
        self.likeness = nn.Linear(4 * dim, hidden, bias=False)  # of [c*q, |c - q|, c*m, |c - m|]
        self.bilinear = nn.Linear(dim, dim, bias=False)  # W of c W q and c W m
        self.crossed = nn.Linear(2, hidden, bias=False)  # of [c W q, c W m]
        self.score = nn.Linear(hidden, 1, bias=biased)

    def scorer(self, facts: Tensor, question: Tensor) -> "_Scorer":
        """Give what scores these facts for a memory."""
        return _Scorer(self, facts, question)


class _Scorer:
    """Scores facts: batch slots. Called with a memory, batch dim."""

    def __init__(self, gate: Gate, facts: Tensor, question: Tensor) -> None:
        self._gate = gate
        self._facts = facts
        self._question = question
        self._turned = gate.bilinear(facts)
        self._of_question, self._of_memory = gate.likeness.weight.chunk(2, -1)
        self._fixed = gate.fact(facts) + self._compare(question, self._of_question)

    def _compare(self, state: Tensor, weight: Tensor) -> Tensor:
        wide = state[:, None]
        likeness = torch.cat([self._facts * wide, (self._facts - wide).abs()], -1)
        return functional.linear(likeness, weight)

    def __call__(self, memory: Tensor) -> Tensor:
        gate = self._gate
        pair = torch.stack([self._question, memory], -1)  # batch dim 2
        hidden = self._fixed + self._compare(memory, self._of_memory) + gate.crossed(self._turned @ pair)
        hidden = hidden + gate.state(torch.cat([memory, self._question], -1))[:, None]
        return gate.score(hidden.tanh())[..., 0]  # type: ignore[no-any-return]


def join_words(slots: Tensor) -> tuple[Tensor, Tensor]:
    """Join the words of the slots to one text: its tokens, PAD after them, and where each slot ends: batch slots."""
    tokens, present = slots.flatten(1), slots != PAD
    order = present.flatten(1).logical_not().sort(stable=True, dim=-1).indices
    lengths = present.sum(-1)
    longest = max(int(lengths.sum(-1).max()), 1) if len(slots) else 1
    return tokens.gather(1, order[:, :longest]), (lengths.cumsum(-1) - 1).clamp(min=0)


def gate_nats(attention: Tensor, supporting: Tensor) -> Tensor:
    """Give the mean nats of the fact that each pass is to read; 0 if no episode has one."""
    known = supporting >= 0
    passes = torch.arange(attention.shape[1], device=attention.device).expand(len(attention), -1)
    at = torch.minimum(passes, known.sum(-1, keepdim=True) - 1).clamp(min=0)
    picked = attention.gather(-1, supporting.clamp(min=0).gather(1, at)[..., None])[..., 0]
    nats = -picked.clamp(min=1e-9).log() * known.any(-1, keepdim=True)
    return nats.sum() / (known.any(-1).sum() * attention.shape[1]).clamp(min=1)
