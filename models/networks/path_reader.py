"""A key-value memory network that reads relations instead of memorising them, and hops by paths.

Builds on Miller et al., "Key-Value Memory Networks for Directly Reading Documents" (EMNLP 2016, section 3): hashed
facts with a key (entity, relation) and a value, addressed anew at each hop; on Xu et al., "Enhancing Key-Value Memory
Neural Networks for Knowledge Based Question Answering" (NAACL 2019): a STOP key; and on the attention over question
words at each hop of Shi et al., "TransferNet" (EMNLP 2021, section 3). The paper's q (question), k (key), R_j (update
of the query) are `query`, `keys.vectors` and `advance` here.

    words      h_i  = transformer(W_in e_i/|e_i| + W_c norm(c_i) + marks)  e_i: a row of a frozen table of token vectors
                                                                         c_i: the token's frozen state in its text
               m_i  = e_i + D e_i                                        D: what training adds to the table's metric
    keys       k    = norm(p + M_d(p + W_v + W_f f)),  p = mean_i h_i of the label   d: direction, v: its values' kind
                                                       f: mean vectors of some values, and of their types;
                                                          the same of what the key is read from
    attention  a_i  = softmax_i(v . tanh(W_h h_i + W_s s + w_r r_i))      r: attention spent at earlier hops
    query      q_m  = norm((M_q + D_m M_q')([sum_i a_i h_i, s]))         m: the manner in which a key is used
    overlap    o    = sum_n c_n cos(sum_i a_ni m_i, sum_j g_j m_j of the label),  g_j = 2 sigmoid(u . h_j);  a_1 = a
                      + sum_np c_np cos(sum_i a_ni m_i, f_p + D f_p)
    scores          = q_m . k / sqrt(dim) + o + b_m;  STOP, REJECT, b: M_e([sum_i a_i h_i, s])
    state      s'   = gru(k + w_m, s),  r' = r + a
    asked           = W_a h_0                                           h_0: the question's start

Differences from the papers: keys hold no entity (the memory gives the keys in reach of the entities at hand); a key's
vector comes from its label by the first layers of the question's encoder, its direction by a map of its own; the state
is read keys, entities are moved outside the network; a cosine of word vectors as they came stands beside the learned
score, because it holds for words that training never showed; REJECT says that nothing in reach fits.
Known result: recipes/path_reader.toml. Services read with `path_inference`, the same equations in numpy.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.batching import KeyTokens, Tokens
from models.episodes import Asked, End, Manner
from models.kinds import Kind
from models.networks.path_config import PathReaderConfig
from models.texts import KEY_PARTS, NUM_MARKS, PROFILE_PARTS, WORD

NUM_DIRECTIONS = 2


class Question(NamedTuple):
    """Encoded questions."""

    words: Tensor  # batch tokens dim
    energies: Tensor  # batch tokens dim: W_h h_i, used at each hop
    static: Tensor  # batch tokens word_dim
    present: Tensor  # batch tokens, bool

    def rows(self, index: Tensor) -> "Question":
        """Give the questions at `index`, in that order."""
        return Question(self.words[index], self.energies[index], self.static[index], self.present[index])


class Labels(NamedTuple):
    """Encoded relation labels."""

    pooled: Tensor  # labels dim
    static: Tensor  # labels word_dim, unit length

    @staticmethod
    def join(parts: "Sequence[Labels]") -> "Labels":
        """Put labels one after the other."""
        return Labels(torch.cat([part.pooled for part in parts]), torch.cat([part.static for part in parts]))


class Keys(NamedTuple):
    """Encoded keys: relations read in one direction."""

    vectors: Tensor  # keys dim
    static: Tensor  # keys 1+parts word_dim, unit length: of the label, and of the parts of the profile


class State(NamedTuple):
    """What was read so far."""

    vector: Tensor  # batch dim
    spent: Tensor  # batch tokens


class Glimpse(NamedTuple):
    """One look at the question."""

    attention: Tensor  # batch tokens
    query: Tensor  # batch manners dim
    static: Tensor  # batch overlaps word_dim, unit length
    manners: Tensor  # batch manners
    ends: Tensor  # batch ends

    def rows(self, index: Tensor) -> "Glimpse":
        """Give the looks at `index`, in that order."""
        return Glimpse(*(part[index] for part in self))


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, config: PathReaderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(config.dim)
        self.inputs = nn.Linear(config.dim, 3 * config.dim)
        self.output = nn.Linear(config.dim, config.dim)
        self.norm_feedforward = nn.LayerNorm(config.dim)
        self.widen = nn.Linear(config.dim, config.feedforward)
        self.narrow = nn.Linear(config.feedforward, config.dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, words: Tensor, present: Tensor) -> Tensor:
        """Mix words that are present; words: batch tokens dim."""
        batch, tokens, dim = words.shape
        mixed = self.inputs(self.norm_attention(words)).view(batch, tokens, 3, self.heads, dim // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)  # each: batch heads tokens dim/heads
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        words = words + self.output(read.transpose(1, 2).reshape(batch, tokens, dim))
        hidden = functional.gelu(self.widen(self.norm_feedforward(words)))
        narrowed: Tensor = self.dropout(self.narrow(hidden))
        return words + narrowed


class PathReader(nn.Module):
    """The network of this module's equations."""

    def __init__(self, config: PathReaderConfig, table: Tensor) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.table: Tensor
        self.register_buffer("table", table, persistent=False)  # vocab word_dim
        self.inputs = nn.Linear(config.word_dim, dim)
        self.context = nn.Linear(config.context_dim, dim, bias=False)
        self.marks = nn.Embedding(NUM_MARKS, dim)
        self.positions = nn.Embedding(config.max_tokens, dim)
        self.distances = nn.Embedding(2 * config.max_distance + 1, dim)
        self.texts = nn.Embedding(2, dim)  # a question, a label
        self.values = nn.Embedding(len(Kind), dim)
        self.profile = nn.Linear(KEY_PARTS * config.word_dim, dim, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(dim)
        self.directions = nn.ModuleList(_perceptron(dim, dim, dim) for _ in range(NUM_DIRECTIONS))
        self.norm_key = nn.LayerNorm(dim)
        self.start = nn.Parameter(torch.zeros(dim))
        self.attend_words = nn.Linear(dim, dim, bias=False)
        self.attend_state = nn.Linear(dim, dim)
        self.attend_spent = nn.Parameter(torch.zeros(dim))
        self.attend = nn.Linear(dim, config.overlaps, bias=False)
        self.query = _perceptron(2 * dim, dim, dim)
        self.query_manners = _perceptron(2 * dim, dim, len(Manner) * dim)
        self.norm_query = nn.LayerNorm(dim)
        self.ends = _perceptron(2 * dim, dim, len(End) + len(Manner))
        self.asked = nn.Linear(dim, len(Asked))
        self.used = nn.Embedding(len(Manner), dim)
        self.overlap = nn.Parameter(torch.linspace(5.0, 1.0, config.overlaps))
        self.profile_overlap = nn.Parameter(torch.zeros(KEY_PARTS, config.overlaps))
        self.metric = nn.Linear(config.word_dim, config.word_dim, bias=False)
        self.say = nn.Linear(dim, 1)
        self.update = nn.GRUCell(dim, dim)
        for embedding in (self.marks, self.positions, self.distances, self.texts, self.values, self.used):
            nn.init.normal_(embedding.weight, std=0.02)
        for weight in (self.metric.weight, self.say.weight, self.say.bias, self.profile.weight):
            nn.init.zeros_(weight)
        nn.init.ones_(self.profile_overlap[:PROFILE_PARTS])

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Give what a checkpoint keeps: all weights by name, without the encoder's table."""
        return {name: weight.detach().contiguous().numpy() for name, weight in self.state_dict().items()}

    def _encode(self, tokens: Tokens, text: int, layers: int) -> tuple[Tensor, Tensor]:
        static = self.table[tokens.ids] * (tokens.marks == WORD)[..., None]  # batch tokens word_dim
        shifted = tokens.distances.clamp(-self.config.max_distance, self.config.max_distance) + self.config.max_distance
        words = self.inputs(functional.normalize(static, dim=-1)) + self.marks(tokens.marks) + self.distances(shifted)
        words = words + self.context(functional.layer_norm(tokens.states, tokens.states.shape[-1:]))
        words = self.dropout(words + self.positions.weight[: words.shape[1]] + self.texts.weight[text])
        for layer in self.layers[:layers]:
            words = layer(words, tokens.present)
        static = (static + self.metric(static)) * tokens.present[..., None]
        return self.norm(words), static

    def encode_questions(self, tokens: Tokens) -> Question:
        """Encode questions once for all hops."""
        words, static = self._encode(tokens, 0, self.config.layers)
        return Question(words, self.attend_words(words), static, tokens.present)

    def encode_labels(self, tokens: Tokens) -> Labels:
        """Encode relation labels."""
        words, static = self._encode(tokens, 1, self.config.label_layers)
        present = tokens.present[..., None]
        pooled = (words * present).sum(1) / present.sum(1)
        said = 2 * torch.sigmoid(self.say(words))  # labels tokens 1
        return Labels(pooled, functional.normalize((said * static).sum(1), dim=-1))

    def keys(self, labels: Labels, tokens: KeyTokens) -> Keys:
        """Make keys of encoded labels."""
        pooled = labels.pooled[tokens.labels]  # keys dim
        mixed = pooled + self.values(tokens.kinds) + self.profile(tokens.profiles.flatten(1))
        turned = torch.stack([turn(mixed) for turn in self.directions], 1)  # keys directions dim
        chosen = turned[torch.arange(len(pooled)), tokens.directions]
        profiles = functional.normalize(tokens.profiles + self.metric(tokens.profiles), dim=-1)
        static = torch.cat([labels.static[tokens.labels][:, None], profiles], 1)
        return Keys(self.norm_key(pooled + chosen), static)

    def begin(self, question: Question) -> State:
        """Give the state before the first hop."""
        batch, tokens = question.present.shape
        return State(self.start.expand(batch, -1), question.words.new_zeros(batch, tokens))

    def look(self, question: Question, state: State) -> Glimpse:
        """Attend to the question given what was read so far."""
        mixed = (
            question.energies + self.attend_state(state.vector)[:, None] + state.spent[..., None] * self.attend_spent
        )
        energies = self.attend(torch.tanh(mixed)).transpose(1, 2)  # batch overlaps tokens
        attentions = energies.masked_fill(~question.present[:, None], -math.inf).softmax(-1)
        attention = attentions[:, 0]
        read = torch.cat([torch.bmm(attention[:, None], question.words)[:, 0], state.vector], -1)
        static = functional.normalize(torch.bmm(attentions, question.static), dim=-1)
        queries = self.query_manners(read).unflatten(-1, (len(Manner), -1)) + self.query(read)[:, None]
        ends = self.ends(read)
        return Glimpse(attention, self.norm_query(queries), static, ends[:, len(End) :], ends[:, : len(End)])

    def score(self, glimpse: Glimpse, keys: Keys) -> Tensor:
        """Score every key in every manner, then STOP and REJECT: batch manners*keys+2."""
        learned = glimpse.query @ keys.vectors.T / math.sqrt(self.config.dim)  # batch manners keys
        weights = torch.cat([self.overlap[None], self.profile_overlap])  # 1+parts overlaps
        overlap = torch.einsum("pn,bnd->bpd", weights, glimpse.static).flatten(1) @ keys.static.flatten(1).T
        scores = learned + overlap[:, None] + glimpse.manners[..., None]
        return torch.cat([scores.flatten(1), glimpse.ends], -1)

    def advance(self, state: State, glimpse: Glimpse, key_vectors: Tensor, manners: Tensor) -> State:
        """Update the state with the keys used and their manners; key_vectors: batch dim."""
        return State(self.update(key_vectors + self.used(manners), state.vector), state.spent + glimpse.attention)

    def ask(self, question: Question) -> Tensor:
        """Score what is wanted of the entities that the path ends in: batch asked."""
        scores: Tensor = self.asked(question.words[:, 0])
        return scores


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
