"""Tune one recipe with this CPU restricted to each instruction set it can be restricted to.

    python benchmarks/instruction_sets.py [RECIPE.yaml ...]

One row per recipe and instruction set goes to benchmarks/results/<CPU>/instruction_sets.csv: "this CPU restricted to
X", not another CPU. Run it on a quiet machine. An observation is recorded anew under every restriction.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from autotune import hardware

HERE = Path(__file__).parent


def tune(recipe: Path, isa: str) -> dict[str, object]:
    """Run the command line in its own process and return the row."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "run"
        command = [sys.executable, "-m", "autotune", "tune", str(recipe), "--isa", isa]
        subprocess.run([*command, "--output", str(output), "--quiet"], check=True)
        run = json.loads((output / "run.json").read_text())
    verdict, speedup, best_float = run["verdict"], run["speedup"], run["speedup_best_float"]
    climbed = [rung["name"] for rung in (run["ladder"] or {"rungs": ()})["rungs"] if rung["trials"]]
    return {
        "recipe": recipe.stem,
        "instruction_set": isa,
        "winner": run["winner"]["label"],
        "speedup": round(speedup["ratio"], 3),
        "speedup_low": round(speedup["low"], 3),
        "speedup_high": round(speedup["high"], 3),
        "speedup_best_float": round(best_float["ratio"], 3),
        "verdict": verdict["status"],
        "drop": round(verdict["drop"], 5),
        "drop_upper": round(verdict["drop_upper"], 5),
        "n": verdict["n"],
        "tolerance": round(verdict["tolerance"], 5),
        "rung": climbed[-1] if climbed else None,
        "trials": run["trials"],
        "wall_seconds": round(run["wall_seconds"], 1),
    }


def results_folder() -> Path:
    """Return this CPU's folder of results, with a file that says which CPU it is."""
    machine = hardware.fingerprint(None)
    folder = HERE / "results" / re.sub(r"[^\w]+", "-", f"{machine.cpu} {machine.isa[-1]}").strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"cpu": machine.cpu, "isa": machine.isa, "cores": machine.cores, "versions": machine.versions}
    (folder / "machine.json").write_text(json.dumps(facts, indent=1) + "\n")
    return folder


def main() -> None:
    recipes = [Path(r) for r in sys.argv[1:]] or [HERE.parent / "recipes" / "file-type.yaml"]
    rows = []
    for recipe in recipes:
        for isa in hardware.offered_isas(hardware.flags()):
            print(f"== {recipe.stem} on {isa}", flush=True)
            rows.append(tune(recipe, isa))
            print(pd.DataFrame(rows).to_string(index=False), flush=True)
    pd.DataFrame(rows).to_csv(results_folder() / "instruction_sets.csv", index=False)


if __name__ == "__main__":
    main()
