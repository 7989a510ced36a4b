from pathlib import Path

import pytest

from models import checkpoints
from models.adaptation import SETTINGS, AskedTask, adapt, share_right
from models.calibration import Calibration
from models.training import TrainingConfig
from tests.models.factories import TinyEncoder, make_episodes, make_network

QUICK = TrainingConfig(steps=60, batch=8, optimizer="adamw", learning_rate=5e-3, clip=1.0)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    network, path = make_network(), tmp_path / "base.safetensors"
    checkpoints.save(path, network.config, network.weights(), TinyEncoder.id, {"recipe": "tiny", "seed": 3})
    checkpoints.calibrate(path, Calibration(0.5, 0.1, -0.2))
    return path


def test_a_reader_learns_the_questions_that_were_asked(base: Path, tmp_path: Path) -> None:
    episodes = make_episodes()[:4]
    out = adapt(base, tmp_path / "own.safetensors", [(AskedTask(episodes), 1.0)], TinyEncoder(), QUICK)
    assert share_right(out, episodes, TinyEncoder()) > share_right(base, episodes, TinyEncoder())
    assert share_right(out, episodes, TinyEncoder()) > 0.7


def test_an_adapted_reader_keeps_its_calibration_and_says_where_it_comes_from(base: Path, tmp_path: Path) -> None:
    before = base.read_bytes()
    out = adapt(base, tmp_path / "own.safetensors", [(AskedTask(make_episodes()), 1.0)], TinyEncoder(), QUICK)
    info = checkpoints.read_info(out)
    assert info.calibration == Calibration(0.5, 0.1, -0.2)
    assert info.provenance == {"recipe": "tiny", "seed": 3, "base": checkpoints.name_of(base)}
    assert base.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{n}.{e}" for n in ("base", "own") for e in ("json", "safetensors")
    }


def test_a_checkpoint_for_another_encoder_is_refused(base: Path, tmp_path: Path) -> None:
    class OtherEncoder(TinyEncoder):
        id = "other"

    with pytest.raises(checkpoints.CheckpointUnusable, match="encoder"):
        adapt(base, tmp_path / "own.safetensors", [(AskedTask(make_episodes()), 1.0)], OtherEncoder(), SETTINGS)
