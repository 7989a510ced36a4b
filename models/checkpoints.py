"""A reader on disk: weights in safetensors, configuration and provenance in JSON beside them.

The frozen table of token vectors is not part of it: the encoder's id is, and loading checks it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.calibration import Calibration
from models.networks.path_config import PathReaderConfig

FORMAT_VERSION = 3
DEFAULT_CHECKPOINT = Path(__file__).parent / "weights" / "reader.safetensors"

Weights = Mapping[str, NDArray[np.float32]]
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


def save(path: Path, config: PathReaderConfig, weights: Weights, encoder_id: str, provenance: Provenance) -> None:
    """Write weights and description under new names, then rename."""
    description = {
        "format": FORMAT_VERSION,
        "network": "path_reader",
        "encoder": encoder_id,
        "config": asdict(config),
        "provenance": dict(provenance),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(dict(weights), partial)
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


def load(path: Path, encoder_id: str) -> tuple[CheckpointInfo, Weights]:
    """Read a network's description and weights.

    Raises:
        CheckpointUnusable: a file is missing or broken, or the network was trained over another encoder.
    """
    info = read_info(path)
    if info.encoder_id != encoder_id:
        raise CheckpointUnusable(path, f"made for encoder {info.encoder_id}, not {encoder_id}")
    try:
        return info, load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointUnusable(path, f"no readable weights: {error}") from error
