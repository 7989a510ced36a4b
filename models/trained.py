"""A trained network of the literature on disk: weights in safetensors, all else in JSON beside them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.checkpoints import CheckpointUnusable
from models.network import Network
from models.networks.bigru import BiGRU, BiGRUConfig
from models.networks.dmn import DMN, DMNConfig
from models.networks.dmn_plus import DMNPlus, DMNPlusConfig
from models.networks.keyvalue import KeyValueConfig, KeyValueNetwork
from models.networks.memn2n import MemN2N, MemN2NConfig
from models.networks.memn2n_language import MemN2NLanguage, MemN2NLanguageConfig
from models.networks.memnn import MemNN, MemNNConfig
from models.packing import Sizes
from models.vocabulary import Vocabulary

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Kind:
    """A network's class and the class of its configuration."""

    network: type[Network]
    config: type[Any]

    def build(self, settings: Mapping[str, Any], sizes: Sizes) -> Network:
        """Make a network of settings."""
        return self.network(self.config(**settings), sizes)


NETWORKS: Mapping[str, Kind] = {
    "bigru": Kind(BiGRU, BiGRUConfig),
    "dmn": Kind(DMN, DMNConfig),
    "dmn_plus": Kind(DMNPlus, DMNPlusConfig),
    "keyvalue": Kind(KeyValueNetwork, KeyValueConfig),
    "memn2n": Kind(MemN2N, MemN2NConfig),
    "memn2n_language": Kind(MemN2NLanguage, MemN2NLanguageConfig),
    "memnn": Kind(MemNN, MemNNConfig),
}


class NetworkUnknown(Exception):
    """A recipe or a checkpoint names a network that does not exist."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no network {name!r}; there are {', '.join(NETWORKS)}")


@dataclass(frozen=True)
class Trained:
    """A network with what it needs to be asked, and where it comes from."""

    name: str
    settings: Mapping[str, Any]
    sizes: Sizes
    vocabulary: Vocabulary
    network: Network
    provenance: Mapping[str, Any]

    @classmethod
    def new(cls, name: str, settings: Mapping[str, Any], sizes: Sizes, vocabulary: Vocabulary) -> "Trained":
        """Make an untrained one.

        Raises:
            NetworkUnknown: there is none of that name.
        """
        if name not in NETWORKS:
            raise NetworkUnknown(name)
        return cls(name, settings, sizes, vocabulary, NETWORKS[name].build(settings, sizes), {})

    def save(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write weights, then the description, each under a new name and renamed: with the description it is whole."""
        description = {
            "format": FORMAT_VERSION,
            "network": self.name,
            "config": dict(self.settings),
            "sizes": asdict(self.sizes),
            "provenance": dict(provenance),
            "candidates": self.vocabulary.candidates,
            "words": self.vocabulary.words,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file({name: weight.contiguous() for name, weight in self.network.state_dict().items()}, partial)
        partial.replace(path)
        partial.write_text(json.dumps(description, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path.with_suffix(".json"))

    @classmethod
    def load(cls, path: Path) -> "Trained":
        """Read one, ready to be asked.

        Raises:
            CheckpointUnusable: a file is missing, broken, or of something else.
        """
        try:
            description = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if description["format"] != FORMAT_VERSION:
                raise CheckpointUnusable(path, f"format {description['format']}, not {FORMAT_VERSION}")
            sizes = Sizes(**{**description["sizes"], "picture": tuple(description["sizes"]["picture"])})
            vocabulary = Vocabulary(description["candidates"], description["words"])
            trained = cls.new(description["network"], description["config"], sizes, vocabulary)
            trained.network.load_state_dict(load_file(path))
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, NetworkUnknown, SafetensorError) as error:
            raise CheckpointUnusable(path, f"unreadable: {error}") from error
        trained.network.eval().requires_grad_(False)
        return cls(trained.name, trained.settings, sizes, vocabulary, trained.network, description["provenance"])


def seeded(seed: int, name: str, settings: Mapping[str, Any], sizes: Sizes, vocabulary: Vocabulary) -> Trained:
    """Make an untrained network whose weights depend on a seed alone."""
    torch.manual_seed(seed)
    return Trained.new(name, settings, sizes, vocabulary)
