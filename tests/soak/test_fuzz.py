"""Requests made from the OpenAPI document, valid and not, alone and in sequences: declared replies only, no fault."""

import logging
import subprocess
import sys
from pathlib import Path

from tests.processes import serving

logger = logging.getLogger(__name__)

KEY = "a-key-for-all-of-the-fuzzing"
UNCHECKED = ("positive_data_acceptance", "use_after_free", "ensure_resource_availability")
"""A request of the right form may name what is not there (422; 404 for a model); a cancelled job can be looked at."""


def test_the_document_and_the_service_agree(tmp_path: Path, soak_calls: int, soak_seed: int) -> None:
    with serving(tmp_path, HOPFACT_API_KEY=KEY, HOPFACT_TRAINING_STEPS="1") as service:
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        for kb in ("movies", "films"):
            service.client.post("/v1/kbs", json={"name": kb})
            triples = [{"subject": "Heat", "relation": "directed by", "object": "Michael Mann"}]
            service.client.post(f"/v1/kbs/{kb}/triples", json={"triples": triples})
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.client.base_url}/openapi.json",
            "-H", f"Authorization: Bearer {KEY}", "--max-examples", str(max(1, soak_calls // 100)),
            "--phases", "examples,coverage,fuzzing,stateful", "--exclude-checks", ",".join(UNCHECKED),
            "--exclude-path", "/v1/jobs/{job_id}/events", "--seed", str(soak_seed), "--no-color",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        logger.info("seed %d: %s", soak_seed, done.stdout.rpartition("SUMMARY")[2])
        assert done.returncode == 0, done.stdout
        assert service.process.poll() is None
    faults = [line for line in (tmp_path / "log").read_text().splitlines() if '"level":"error"' in line]
    assert faults == []
