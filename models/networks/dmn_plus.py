"""DMN+: Xiong, Merity, Socher, "Dynamic Memory Networks for Visual and Textual Question Answering" (ICML 2016).

With our names for the paper's letters:

    sentences   f_i = sum_j l_j * w_ij: word vectors weighed by position, as in MemN2N          (section 3.1)
    pictures    f_i = tanh(V x_i + b): regions x_i of a convolutional grid, row after row, every second one backwards
    facts       F = GRU(f) from the left + GRU(f) from the right                                (input fusion)
    question    q: last state of a GRU over its words
    gate        score of fact i in pass t = W2 tanh(W1 z + b1) + b2,  g = softmax over the facts  (b2 cancels)
                z = [F*q, F*m, |F - q|, |F - m|]                                                (section 3.3)
    context     c_t: last state of an attention GRU, where g stands for the update gate, or the sum of g_i F_i
    memory      m_t = relu(W_t [m_{t-1}, c_t, q] + b_t), an own W_t each pass (untied),  m_0 = q
    answer      softmax(W [q, m_T]), one row of W (`candidates`) a candidate

Dropout falls on the f_i and on the last memory.

Differences from the paper: the regions come from a small convolutional network that is trained along, each layer with
stride 2, group normalisation (Wu and He 2018) and rectified units, where the paper has VGG-19, trained on photographs
and not at hand; the row and column of a region, from -1 to 1, are appended to it (`coordinates`). A picture that
several questions of a batch are about is looked at once.

Known results: models/recipes/xiong2016_*.toml.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.encoders import sum_words
from models.network import Answered, Network
from models.packing import Batch, Sizes
from models.reading import attend, soft_read
from models.recurrence import AttentionGRU, TwoWayGRU, last_states
from models.vocabulary import PAD

FULL_COLOUR = 255.0
KERNEL = 3
GROUPS = 4  # of channels that are normalised together


@dataclass(frozen=True)
class DMNPlusConfig:
    """The settings of one network."""

    dim: int = 80
    passes: int = 3
    attention_gru: bool = True  # else soft attention
    gate_dim: int = 80
    channels: tuple[int, ...] = (24, 24, 24, 24)  # of each convolution, for pictures
    coordinates: bool = True  # appended to regions
    input_dropout: float = 0.1
    answer_dropout: float = 0.1


class DMNPlus(Network):
    """The network of this module's equations."""

    def __init__(self, config: DMNPlusConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.words = nn.Parameter(torch.empty(sizes.words, dim).uniform_(-(3**0.5), 3**0.5))  # as the authors' code
        self.regions = Regions(config, sizes.picture[-1]) if sizes.picture else None
        self.fusion = TwoWayGRU(dim, dim)
        self.question = nn.GRU(dim, dim, batch_first=True)
        self.compared = nn.Linear(4 * dim, config.gate_dim)
        self.score = nn.Linear(config.gate_dim, 1, bias=False)
        self.context = AttentionGRU(dim, dim, updating=False) if config.attention_gru else None
        self.updates = nn.ModuleList(nn.Linear(3 * dim, dim) for _ in range(config.passes))
        self.candidates = nn.Linear(2 * dim, sizes.candidates)

    def forward(self, batch: Batch) -> Answered:
        """Read in several passes, then score the candidates."""
        facts, filled = self._facts(batch)
        words, present = functional.embedding(batch.question, self.words), batch.question != PAD
        question = last_states(self.question(words)[0], present) * present.any(-1, keepdim=True)
        of_question, of_memory = self.compared.weight.chunk(2, -1)
        fixed = functional.linear(compare(facts, question), of_question, self.compared.bias)
        projected = None if self.context is None else self.context.project(facts)
        memory, attentions = question, []
        for update in self.updates:
            hidden = fixed + functional.linear(compare(facts, memory), of_memory)
            scores = self.score(hidden.tanh())[..., 0]
            attention = attend(scores, filled)
            attentions.append(attention)
            context = soft_read(attention, facts) if self.context is None else self.context(projected, attention)
            memory = update(torch.cat([memory, context, question], -1)).relu()
        memory = functional.dropout(memory, self.config.answer_dropout, self.training)
        return Answered(self.candidates(torch.cat([question, memory], -1)), torch.stack(attentions, 1))

    def _facts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Give the facts, batch slots dim, and which are filled."""
        if self.regions is None:
            sentences = sum_words(self.words, batch.slots, by_position=True)
            sentences = functional.dropout(sentences, self.config.input_dropout, self.training)
            return self.fusion(sentences, batch.filled), batch.filled
        pictures, picture_of = torch.unique(batch.picture_of, return_inverse=True)
        places = torch.arange(len(picture_of), device=picture_of.device)
        one_of = torch.empty_like(pictures).scatter_(0, picture_of, places)
        regions = self.regions(batch.pictures[one_of])
        regions = functional.dropout(regions, self.config.input_dropout, self.training)
        filled = torch.ones(regions.shape[:2], dtype=torch.bool, device=regions.device)
        return self.fusion(regions, filled)[picture_of], filled[picture_of]


class Regions(nn.Module):
    """Pictures to regions in snake order: pictures regions dim."""

    def __init__(self, config: DMNPlusConfig, colours: int) -> None:
        super().__init__()
        self._coordinates = config.coordinates
        layers: list[nn.Module] = []
        for inputs, outputs in zip((colours, *config.channels), config.channels, strict=False):
            layers += [
                nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=1, bias=False),
                nn.GroupNorm(GROUPS, outputs),
                nn.ReLU(),
            ]
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Linear(config.channels[-1] + 2 * config.coordinates, config.dim)

    def forward(self, pictures: Tensor) -> Tensor:
        """Look at pictures: pictures rows columns colours, 0 to 255."""
        grid = self.convolutions(pictures.permute(0, 3, 1, 2) / FULL_COLOUR).permute(0, 2, 3, 1)
        if self._coordinates:
            rows, columns = (torch.linspace(-1, 1, size, device=grid.device) for size in grid.shape[1:3])
            places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)
            grid = torch.cat([grid, places.expand(len(grid), *places.shape)], -1)
        return self.project(snake(grid)).tanh()  # type: ignore[no-any-return]


def compare(facts: Tensor, state: Tensor) -> Tensor:
    """Give half of z: batch slots 2*dim."""
    wide = state[:, None]
    return torch.cat([facts * wide, (facts - wide).abs()], -1)


def snake(grid: Tensor) -> Tensor:
    """Read a grid row after row, every second one backwards: batch regions units. grid: batch rows columns units."""
    turned = torch.arange(grid.shape[1], device=grid.device)[:, None, None] % 2 == 1
    return torch.where(turned, grid.flip(2), grid).flatten(1, 2)
