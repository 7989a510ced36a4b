"""Key vectors of the relations of KBs, encoded once for as long as the relations stay the same."""

import threading
from collections import OrderedDict

from kb.view import KnowledgeView
from models.networks.path_reader import Keys
from models.reader import Reader

CACHED_KBS = 64


class KeyCache:
    """Remembers the key vectors of the KBs asked last; a write that brings no new relation costs no encoding."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._keys: OrderedDict[int, tuple[tuple[str, ...], Keys]] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self, view: KnowledgeView) -> Keys:
        """The keys of a view's relations, both directions each."""
        with self._lock:
            labels, keys = self._keys.get(view.kb_id, ((), None))
            if keys is None or labels != view.relation_labels:
                labels, keys = view.relation_labels, self._reader.key_vectors(view.relation_labels)
                self._keys[view.kb_id] = (labels, keys)
            self._keys.move_to_end(view.kb_id)
            while len(self._keys) > CACHED_KBS:
                self._keys.popitem(last=False)
            return keys
