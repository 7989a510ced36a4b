"""English words by the shipped tokeniser's vocabulary: what is written like one of them is hardly a damaged name."""

import json
from functools import cache

from kb.encoding import TOKENIZER_FILE, WEIGHTS

LEAST_LETTERS = 3


@cache
def english_words() -> frozenset[str]:
    """Whole words of the vocabulary, in small letters; read once."""
    content = json.loads((WEIGHTS / TOKENIZER_FILE).read_text(encoding="utf-8"))
    return frozenset(word for word in content["model"]["vocab"] if word.isalpha() and len(word) >= LEAST_LETTERS)
