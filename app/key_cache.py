"""Key vectors of the relations of KBs, made anew where the relations or what they lead to are others.

They depend on the view and the reader alone, not on what was asked before. A write costs the profiles of the keys that
lead to what it touched, and the vectors of the relations whose profiles are others then.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple
from weakref import ReferenceType, ref

from kb.source import Source
from kb.view import KnowledgeView
from models.networks.path_inference import Keys
from models.profiles import SAMPLED, Profile, keys_to_types, profile_of, profiles_of
from models.reader import Reader

CACHED_KBS = 64


class _Known(NamedTuple):
    """The keys of a view, as a reader encodes them."""

    view: ReferenceType[KnowledgeView]
    source: ReferenceType[Source]
    reader: str
    labels: dict[int, str]
    """Those that the view's changes gave to entities."""
    profiles: dict[tuple[bytes, int], Profile]
    """By sample and its footprint."""
    keys: Keys


class KeyCache:
    """Remembers the key vectors of the KBs asked last; safe to use from several threads."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self, view: KnowledgeView, reader: Reader) -> Keys:
        """The keys of a view's relations, both directions each, as a reader encodes them."""
        with self._lock:
            known = self._keys.get(view.kb_id)
            if known is None or known.view() is not view or known.reader != reader.name:
                known = self._keys[view.kb_id] = _known(view, reader, known)
            self._keys.move_to_end(view.kb_id)
            while len(self._keys) > CACHED_KBS:
                self._keys.popitem(last=False)
            return known.keys


def _known(view: KnowledgeView, reader: Reader, before: _Known | None) -> _Known:
    """The keys of a view, with as much as holds of those of another view of the KB."""
    samples, types = view.key_samples(SAMPLED), keys_to_types(view.relation_labels)
    told = before.profiles if before is not None and _has_all_names(view, before) else {}
    places = [
        (sample.tobytes(), footprint) for sample, footprint in zip(samples, view.footprints(samples), strict=True)
    ]
    profiles = [
        told.get(place) or profile_of(view, sample, types) for place, sample in zip(places, samples, strict=True)
    ]
    keys = before.keys if before is not None and before.reader == reader.name else None
    return _Known(
        ref(view),
        ref(view.source),
        reader.name,
        view.delta.labels,
        dict(zip(places, profiles, strict=True)),
        reader.key_vectors(view.relation_labels, profiles, keys),
    )


def _has_all_names(view: KnowledgeView, before: _Known) -> bool:
    """Whether all that was there goes by the same name and number, of those that are there still."""
    relations, labels = before.keys.labels, view.delta.labels
    if before.source() is not view.source or view.relation_labels[: len(relations)] != relations:
        return False
    if not before.labels.items() <= labels.items():
        return False
    known = len(view.base.entity_ids)
    return all(position >= known for position in labels.keys() - before.labels.keys())


def keys_of(view: KnowledgeView, reader: Reader) -> Keys:
    """The keys of a view's relations, encoded anew."""
    return reader.key_vectors(view.relation_labels, profiles_of(view))
