"""Check what the README's main job promises: a verdict within tolerance and files that hold together."""

import json
import sys
from pathlib import Path

run = Path(sys.argv[1])
summary = json.loads((run / "run.json").read_text())
print(
    json.dumps({key: summary[key] for key in ("sentence", "verdict", "speedup", "wall_seconds", "seconds")}, indent=1)
)
assert summary["verdict"]["status"] in ("expected", "proven"), summary["verdict"]
assert summary["wall_seconds"] < 240, summary["wall_seconds"]
for name in ("model/openvino_model.xml", "model/openvino_model.bin", "model/deploy.json", "model/README.md"):
    assert (run / name).exists(), name
for name in (
    "solved.yaml",
    "trials.csv",
    "pareto.csv",
    "sensitivity.csv",
    "latency.csv",
    "report.html",
    "study.db",
    "run.log",
):
    assert (run / name).exists(), name
