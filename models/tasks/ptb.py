"""PTB: the Penn Treebank as a language model's text, each word to be told from those before it.

Source: Marcus et al. 1993, in the split and the 10,000-word vocabulary of Mikolov et al. 2010; research use only. With
one end mark a line: train 929,589 words, valid 73,760, test 82,430.
Example: ` mr. <unk> is chairman of <unk> n.v. the dutch publishing group `. Scored by perplexity over all words, end
marks among them; the first word of a split has nothing before it and is not asked for.
"""

import gzip
from pathlib import Path

from models.episodes import Split, Windows, Words
from models.metrics import Counts, perplexity
from models.vocabulary import Vocabulary

END = "<eos>"
PART = "ptb"


class PtbTask:
    """One text, in runs of words; the memory of each word is the `width` words before it, across lines."""

    def __init__(self, datasets: Path, width: int, run: int = 1) -> None:
        self._folder = datasets / "ptb"
        self._width = width
        self._run = run
        self.groups = {PART: (PART,)}

    def episodes(self, part: str, split: Split) -> Windows:
        """Give every word of a split but the first."""
        return Windows(self._text(split), self._width, self._run)

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words of train, all of them candidates."""
        return Vocabulary(self._text(Split.train), ())

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the perplexity."""
        return {"perplexity": perplexity(counts)}

    def cost(self, counts: Counts) -> float:
        """Give the perplexity."""
        return perplexity(counts)

    def _text(self, split: Split) -> Words:
        with gzip.open(self._folder / f"ptb.{split}.txt.gz", "rt", encoding="utf-8") as file:
            return tuple(word for line in file for word in (*line.split(), END))
