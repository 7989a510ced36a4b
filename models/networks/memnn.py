"""MemNN: Weston, Chopra, Bordes, "Memory Networks" (ICLR 2015), sections 3.1 to 3.5.

With the additions of Weston et al. 2015, "Towards AI-Complete Question Answering" (arXiv 1502.05698), section 4:
adaptive memories, N-grams and a nonlinear match.

A memory that is read hard, one supporting fact at a time. With our names for the paper's letters:

    I, G   a text is the bag of its features (`_features`), a slot is kept as it is
    O      best fact m_o = argmax_i s_O(x, m_i), where x is the question with the facts read so far
    R      best answer r = argmax_w s_R(x, w), where x is the question with all facts read
    match  s(x, y) = E(x) . E(y), with E(x) = x U, or tanh(W tanh(x U)) if nonlinear (W: `fact_match`, `answer_match`)
    time   s_Ot(x, y, y') = s_O(x, y) - s_O(x, y') + E(x) . sum of t_1 if x is older than y, t_2 if x is older than y',
           and t_3 if y is older than y' but -t_3 if newer (t: `times`); x is as old as the fact read last, the question
           is newer than all

U_O and U_R have a part for the question, one for facts already read and one for what is matched (`questions`, `facts`,
`candidates`); U_R also has one for the fact read last, so that R knows more of order than a bag of facts does. Features
are words; the 2- and 3-grams, if so configured; and for an unseen word, its left and its right neighbour. Training
takes a random share of the words for unseen, so that neighbours are learnt.

Of the facts, the paper's loop over memory keeps the winner of each pair. Where one fact wins against all others, that
loop ends with it, wherever it begins; it is the fact whose least s_Ot is highest, which is how it is found here, for
all slots at once. An adaptive network reads until it chooses the stop fact, older than all others, or to the last hop.

Learning needs the supporting facts: the margin ranking loss of each hop, both s_Ot(m_o, f) > margin and
s_Ot(f, m_o) < -margin for the right fact and each other one, and of the answer. No gradient passes a hard read: O
learns from its own losses alone, with the right facts as reads, and R from the answer's.

Differences from the papers: the third feature of time is 1 or -1, not 1 or 0, which could not tell the newer of equal
texts from both sides; U_R has a part for the fact read last (without it bAbI's task 11 is right on 54 % of validation,
with it on all); all other facts and candidates are ranked below the right one, not sampled ones; N-grams share a table
of fixed size by their hash, zero at first, so that those not in training add nothing; an unseen word is known by its
neighbours in the same text only, not by those of other texts where it stood; an answer of several words is one
candidate.

Known results: models/recipes/weston2015_memnn_babi.toml.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network
from models.packing import ABSENT, Batch, Sizes
from models.vocabulary import PAD, UNKNOWN

_STOP = 0
"""Place of the stop fact before the slots, in an adaptive network."""
_HASH = 1_000_003


@dataclass(frozen=True)
class MemNNConfig:
    """The settings of one network."""

    dim: int = 50
    hops: int = 2  # most facts read; the paper's k
    adaptive: bool = False  # read until the stop fact, else exactly `hops` facts
    ngrams: int = 1  # longest
    ngram_rows: int = 4096
    nonlinear: bool = False
    timed: bool = True
    unseen: float = 0.0  # share of words that training takes for unseen; 0 gives all unseen words one vector
    margin: float = 0.1
    init_std: float = 0.1


class Memory(NamedTuple):
    """The slots of a batch, the stop fact before them in an adaptive network."""

    matched: Tensor  # batch places dim: E of each fact, to be matched
    read: Tensor  # batch places 2*dim: what a fact adds to the x of O and of R once it is read
    latest: Tensor  # batch places dim: what it adds to the x of R if it is read last
    filled: Tensor  # batch places


class Ranking(NamedTuple):
    """s_Ot of facts i and j, in parts: winning_i - losing_j, plus `older` if i is older than j, minus it if newer."""

    winning: Tensor  # batch places
    losing: Tensor  # batch places
    older: Tensor  # batch 1


class MemNN(Network):
    """The network of this module's equations."""

    def __init__(self, config: MemNNConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        contexts = 2 if config.unseen > 0 else 0
        self._ngrams_from = sizes.words * (1 + contexts)
        rows = self._ngrams_from + (config.ngram_rows if config.ngrams > 1 else 0)
        self.questions = nn.Parameter(torch.empty(rows, 2 * config.dim))  # for O, for R
        self.facts = nn.Parameter(torch.empty(rows, 4 * config.dim))  # matched in O, read in O, in R, last in R
        self.candidates = nn.Parameter(torch.empty(sizes.candidates, config.dim))
        if config.nonlinear:
            self.fact_match = nn.Parameter(torch.empty(config.dim, config.dim))
            self.answer_match = nn.Parameter(torch.empty(config.dim, config.dim))
        if config.timed:
            self.times = nn.Parameter(torch.empty(3, config.dim))
        if config.adaptive:
            self.stop = nn.Parameter(torch.empty(config.dim))
        for name, weight in self.named_parameters():
            nn.init.normal_(weight, std=config.dim**-0.5 if name.endswith("match") else config.init_std)
        with torch.no_grad():
            for weight in (self.questions, self.facts):
                weight[self._ngrams_from :] = 0.0

    def forward(self, batch: Batch) -> Answered:
        """Read one fact after the other, then score the candidates."""
        memory, state, offset = self._memory(batch), self._question(batch), int(self.config.adaptive)
        last = torch.full_like(batch.question[:, 0], memory.filled.shape[1])
        stopped = torch.zeros_like(last, dtype=torch.bool)
        attentions: list[Tensor] = []
        for hop in range(self.config.hops):
            chosen = self._winner(self._rank(memory, state, last), memory.filled, may_stop=hop > 0)
            stopped = stopped | (chosen == _STOP) if self.config.adaptive else stopped
            if stopped.all():
                break
            last = torch.where(stopped, last, chosen)
            state = state + _pick(memory.read, chosen) * ~stopped[:, None]
            one = functional.one_hot(last, memory.filled.shape[1])[:, offset:] * batch.filled
            attentions.append(one.to(state.dtype))
        return Answered(self._answer(state, _pick(memory.latest, last)), torch.stack(attentions, 1))

    def loss(self, batch: Batch) -> Tensor:
        """Give the ranking losses of the supporting facts, each with those before it as reads, and of the answer."""
        memory, state, offset = self._memory(batch), self._question(batch), int(self.config.adaptive)
        last = torch.full_like(batch.question[:, 0], memory.filled.shape[1])
        facts = functional.pad(batch.supporting, (0, offset), value=ABSENT)
        counts = (facts != ABSENT).sum(-1)
        total = state.new_zeros(())
        for hop in range(min(self.config.hops, facts.shape[1])):
            there, ends = facts[:, hop] != ABSENT, (counts == hop) & (hop > 0) & self.config.adaptive
            right = torch.where(there, facts[:, hop] + offset, _STOP)
            losses = self._fact_loss(self._rank(memory, state, last), memory.filled, right, may_stop=hop > 0)
            total = total + (losses * (there | ends)).sum()
            state = state + _pick(memory.read, right) * there[:, None]
            last = torch.where(there, right, last)
        latest = _pick(memory.latest, last.clamp(max=memory.filled.shape[1] - 1)) * (counts > 0)[:, None]
        return (total + self._answer_loss(self._answer(state, latest), batch.answers).sum()) / len(state)

    def num_losses(self, batch: Batch) -> int:
        """Count what the loss of a batch is the mean of: all its episodes."""
        return len(batch.question)

    def _memory(self, batch: Batch) -> Memory:
        dim, adaptive = self.config.dim, self.config.adaptive
        encoded = sum_words(self.facts, self._features(batch.slots))
        matched, read, filled = encoded[..., :dim], encoded[..., dim:], batch.filled
        if adaptive:
            matched = torch.cat([self.stop.expand(len(matched), 1, dim), matched], 1)
            read, filled = functional.pad(read, (0, 0, 1, 0)), functional.pad(filled, (1, 0), value=True)
        return Memory(self._bend(matched, answer=False), read[..., : 2 * dim], read[..., 2 * dim :], filled)

    def _question(self, batch: Batch) -> Tensor:
        """Give the x of O and that of R before any read: batch 2*dim."""
        return sum_words(self.questions, self._features(batch.question))

    def _features(self, tokens: Tensor) -> Tensor:
        """Give the rows of U that a text is the sum of: ... features, for tokens: ... tokens."""
        config, words, present = self.config, self.sizes.words, tokens != PAD
        if config.unseen > 0 and self.training:
            unseen = torch.rand(words, device=tokens.device) < config.unseen
            tokens = torch.where(unseen[tokens] & present, UNKNOWN, tokens)
        features = [tokens]
        if config.unseen > 0:
            unseen, before, after = tokens == UNKNOWN, _shifted(tokens, -1), _shifted(tokens, 1)
            features = [torch.where(unseen, PAD, tokens)]
            features.append(torch.where(unseen & (before != PAD), words + before, PAD))
            features.append(torch.where(unseen & (after != PAD), 2 * words + after, PAD))
        grams = tokens
        for length in range(2, config.ngrams + 1):
            later = _shifted(tokens, length - 1)
            grams = (grams * _HASH + later) % (2**31 - 1)
            features.append(torch.where(later != PAD, self._ngrams_from + grams % config.ngram_rows, PAD))
        return torch.cat(features, -1)

    def _bend(self, vectors: Tensor, *, answer: bool) -> Tensor:
        """Give E of sums of rows of U."""
        if not self.config.nonlinear:
            return vectors
        return (vectors.tanh() @ (self.answer_match if answer else self.fact_match).T).tanh()

    def _rank(self, memory: Memory, state: Tensor, last: Tensor) -> Ranking:
        """Compare the facts, given the place of the fact read last."""
        asked = self._bend(state[:, : self.config.dim], answer=False)
        scores = (memory.matched @ asked[..., None])[..., 0]
        if not self.config.timed:
            return Ranking(scores, scores, scores.new_zeros(len(scores), 1))
        newer_first, newer_second, older = (asked @ self.times.T)[..., None].unbind(1)
        after = torch.arange(scores.shape[1], device=scores.device) > last[:, None]  # x is older than the fact
        return Ranking(scores + newer_first * after, scores - newer_second * after, older)

    def _winner(self, ranking: Ranking, filled: Tensor, *, may_stop: bool) -> Tensor:
        """Give the place of the fact that wins against all others, or else loses least: batch."""
        allowed = filled.clone()
        if self.config.adaptive:
            allowed[:, _STOP] &= may_stop
        losing = ranking.losing.masked_fill(~allowed, -math.inf)
        older = _shifted(losing.cummax(-1).values, -1, -math.inf)
        newer = _shifted(losing.flip(-1).cummax(-1).values.flip(-1), 1, -math.inf)
        least = ranking.winning - torch.maximum(older + ranking.older, newer - ranking.older)
        return least.masked_fill(~allowed, -math.inf).argmax(-1)

    def _fact_loss(self, ranking: Ranking, filled: Tensor, right: Tensor, *, may_stop: bool) -> Tensor:
        """Rank the right fact above each other one, from both sides: batch."""
        places = torch.arange(filled.shape[1], device=filled.device)
        others = filled & (places != right[:, None])
        if self.config.adaptive:
            others[:, _STOP] &= may_stop
        time = torch.where(right[:, None] < places, ranking.older, -ranking.older)
        ahead = ranking.winning.gather(1, right[:, None]) - ranking.losing + time
        behind = ranking.winning - ranking.losing.gather(1, right[:, None]) - time
        hinges = (self.config.margin - ahead).relu() + (self.config.margin + behind).relu()
        return (hinges * others).sum(-1)

    def _answer(self, state: Tensor, latest: Tensor) -> Tensor:
        """Give s_R of each candidate: batch candidates."""
        asked = self._bend(state[:, self.config.dim :] + latest, answer=True)
        return asked @ self._bend(self.candidates, answer=True).T

    def _answer_loss(self, scores: Tensor, answers: Tensor) -> Tensor:
        """Rank each right answer above all candidates that are none: batch."""
        known = answers >= 0
        right = torch.zeros_like(scores).scatter_add(1, answers.clamp(min=0), known.to(scores.dtype)) > 0
        behind = scores[:, None] - scores.gather(1, answers.clamp(min=0))[..., None]  # batch answers candidates
        hinges = (self.config.margin + behind).relu() * ~right[:, None]
        return (hinges.sum(-1) * known).sum(-1)


def _pick(memory: Tensor, places: Tensor) -> Tensor:
    """Give one slot of each memory: batch dim."""
    return memory[torch.arange(len(memory), device=memory.device), places]


def _shifted(row: Tensor, by: int, fill: float = PAD) -> Tensor:
    """Give each entry's neighbour `by` places on, `fill` beyond the ends."""
    width = row.shape[-1]
    by = max(-width, min(width, by))
    return functional.pad(row[..., max(0, by) : width + min(0, by)], (max(0, -by), max(0, by)), value=fill)
