"""Key vectors of the relations of KBs, encoded once for as long as the relations stay what they are."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from kb.view import KnowledgeView
from models.networks.path_inference import Keys
from models.profiles import profiles_of
from models.reader import Reader

CACHED_KBS = 64


class _State(NamedTuple):
    """What keys depend on: a write that brings no relation, nor doubles the facts, costs no encoding."""

    labels: tuple[str, ...]
    size: int
    reader: str

    @classmethod
    def of(cls, view: KnowledgeView, reader: Reader) -> "_State":
        return cls(view.relation_labels, view.num_triples.bit_length(), reader.name)


class KeyCache:
    """Remembers the key vectors of the KBs asked last; safe to use from several threads."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, tuple[_State, Keys]] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self, view: KnowledgeView, reader: Reader) -> Keys:
        """The keys of a view's relations, both directions each, as a reader encodes them."""
        with self._lock:
            state = _State.of(view, reader)
            known = self._keys.get(view.kb_id)
            if known is None or known[0] != state:
                known = (state, keys_of(view, reader))
                self._keys[view.kb_id] = known
            self._keys.move_to_end(view.kb_id)
            while len(self._keys) > CACHED_KBS:
                self._keys.popitem(last=False)
            return known[1]


def keys_of(view: KnowledgeView, reader: Reader) -> Keys:
    """The keys of a view's relations, encoded anew."""
    return reader.key_vectors(view.relation_labels, profiles_of(view))
