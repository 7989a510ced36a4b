"""A reader on disk: weights in safetensors, configuration and provenance in JSON beside them.

The frozen table of token vectors is not part of it: the encoder's id is, and loading checks it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.calibration import Calibration
from models.networks.path_reader import PathReader, PathReaderConfig

FORMAT_VERSION = 1
DEFAULT_CHECKPOINT = Path(__file__).parent / "weights" / "reader.safetensors"

Provenance = Mapping[str, str | int | float]


class CheckpointUnusable(Exception):
    """A checkpoint cannot be used here, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself."""

    config: PathReaderConfig
    encoder_id: str
    provenance: Provenance
    calibration: Calibration


def save(network: PathReader, path: Path, encoder_id: str, provenance: Provenance) -> None:
    """Write weights and description under new names, then rename."""
    description = {
        "format": FORMAT_VERSION,
        "network": "path_reader",
        "encoder": encoder_id,
        "config": asdict(network.config),
        "provenance": dict(provenance),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file(weights, partial)
    partial.replace(path)
    partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    partial.replace(path.with_suffix(".json"))


def read_info(path: Path) -> CheckpointInfo:
    """Read the description beside a checkpoint.

    Raises:
        CheckpointUnusable: there is none, or it is of another format.
    """
    try:
        description = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if description["format"] != FORMAT_VERSION:
            raise CheckpointUnusable(path, f"format {description['format']}, not {FORMAT_VERSION}")
        return CheckpointInfo(
            PathReaderConfig(**description["config"]),
            description["encoder"],
            description["provenance"],
            Calibration(**description.get("calibration", {})),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointUnusable(path, f"no readable description: {error}") from error


def calibrate(path: Path, calibration: Calibration) -> None:
    """Write a calibration into the description of a checkpoint.

    Raises:
        CheckpointUnusable: there is no such checkpoint.
    """
    read_info(path)
    described = path.with_suffix(".json")
    description = json.loads(described.read_text(encoding="utf-8")) | {"calibration": asdict(calibration)}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    partial.replace(described)


def name_of(path: Path) -> str:
    """Name a checkpoint by its file and the beginning of its weights' hash: `reader-1f0c2ab3`."""
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"


def load(path: Path, table: Tensor, encoder_id: str) -> PathReader:
    """Read a network, ready for inference.

    Raises:
        CheckpointUnusable: a file is missing or broken, or the network was trained over another encoder.
    """
    info = read_info(path)
    if info.encoder_id != encoder_id:
        raise CheckpointUnusable(path, f"made for encoder {info.encoder_id}, not {encoder_id}")
    with torch.device("meta"):
        network = PathReader(info.config, torch.empty(0, info.config.word_dim))
    try:
        weights = {name: tensor.clone() for name, tensor in load_file(path).items()}  # out of the file, and aligned
        network.load_state_dict(weights, assign=True)
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise CheckpointUnusable(path, f"no readable weights: {error}") from error
    network.table = table
    return network.eval().requires_grad_(False)
