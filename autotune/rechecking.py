"""A deployed model against the floats, on the same samples in the same process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotune import deploy
from autotune.configuration import Configuration
from autotune.errors import UserError
from autotune.measure.compiled import Compiled
from autotune.protocol import Judge, Recheck, Rechecked
from autotune.scoring import Scorer
from autotune.stages import stage
from autotune.timing import Timing


def read_deployed(directory: Path) -> Compiled:
    """Compile a deployed model as its ``deploy.json`` says.

    Raises:
        UserError: OpenVINO cannot read or compile it.
    """
    import openvino

    properties = deploy.properties(directory)
    try:
        model = openvino.Core().read_model(directory / deploy.MODEL)
        return Compiled(model, properties, buckets=deploy.shapes(directory).buckets)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise UserError(f"{directory / deploy.MODEL}: OpenVINO cannot load it ({text}).") from error


def recheck(models: Sequence[Compiled], request: Recheck, timing: Timing, holdout: Scorer, seed: int) -> Rechecked:
    """Time the models in common rounds and judge each on the holdout.

    Args:
        models: the deployed one first, then float f32, then other floats.

    Raises:
        StageFailed: one cannot be run, or gives outputs that are not finite.
    """
    judge = Judge(Configuration(), request.max_drop, request.relative, request.confidence, finalists=1)
    with stage("latency"):
        milliseconds = timing.common(models, request.rounds, request.max_seconds)
    with stage("score"):
        verdicts = [
            holdout.of_the_reference(judge) if i == 1 else holdout.verdict(holdout.score(model, None), judge, seed)
            for i, model in enumerate(models)
        ]
    notes = dict.fromkeys(note for model in models for note in model.notes)
    return Rechecked(milliseconds, tuple(verdicts), tuple(notes))
