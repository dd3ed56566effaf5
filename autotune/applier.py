"""Rebuild the one candidate of a solved recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autotune import recipe
from autotune.configuration import Training
from autotune.errors import AutotuneError, UserError, WorkerDied
from autotune.onnx_qdq.refusal import check_installed
from autotune.protocol import Export, Exported, Observe, Prepared
from autotune.restoring import restored
from autotune.runner import Runner
from autotune.sources.folders import companions
from autotune.space import Space
from autotune.stages import StageFailed


@dataclass(frozen=True)
class Applied:
    """Whether the rebuilt candidate equals the one that was judged, and a sentence that says so."""

    identical: bool
    sentence: str


def apply(solved: recipe.Recipe, output: Path, trust_code: bool, note: Callable[[str], None]) -> Applied:
    """Build the candidate of a solved recipe into ``output``.

    Raises:
        UserError: the recipe leaves a choice open, or ``output`` exists.
    """
    if solved.export.onnx:
        check_installed(solved.where("export", "onnx"))
    if output.exists():
        raise UserError(f"--output {output}: exists already; choose another folder.")
    travelling = companions(solved, trust_code)
    trained = None if solved.trained is None else (solved.base / solved.trained.path).parent
    with restored(solved, trust_code, note, companions=travelling, trained=trained) as again:
        try:
            prepared, exported = _rebuild(solved, again.runner, output.absolute())
        except (StageFailed, WorkerDied) as error:
            kept = output.with_name(f"{output.name}.log")
            shutil.copyfile(again.log, kept)
            raise AutotuneError(f"{error}; what the measuring process said is in {kept}.") from error
    if exported.note:
        note(exported.note)
    if exported.onnx is not None:
        note(exported.onnx.sentence)
    return _compare(solved.expect, prepared.model.digest, again.data, exported.digest, output)


def _rebuild(solved: recipe.Recipe, runner: Runner, output: Path) -> tuple[Prepared, Exported]:
    prepared: Prepared = runner.prepare()
    configuration = Space(solved.space, prepared.model).solved()
    if configuration is None:
        keys = ", ".join(solved.space.open_keys)
        raise UserError(
            f"{solved.where('space')}: leaves choices open ({keys}); 'autotune apply' needs a solved recipe "
            "(solved.yaml)."
        )
    if solved.trained is not None:
        configuration = replace(configuration, training=Training(solved.trained.sha256, solved.trained.steps))
    elif configuration.quantization is not None:
        runner.call(Observe())
    request = Export(configuration, output, "Rebuilt from a solved recipe.", onnx=solved.export.onnx)
    exported: Exported = runner.call(request)
    return prepared, exported


def _compare(expect: recipe.Expect | None, model: str, data_: str, candidate: str, output: Path) -> Applied:
    if expect is None:
        return Applied(True, f"Built {output} (the recipe names no expected candidate to compare with).")
    if expect.candidate == candidate:
        return Applied(True, f"Built {output}: identical to the candidate that was judged.")
    causes = [
        name for name, before, now in (("model", expect.model, model), ("data", expect.data, data_)) if before != now
    ]
    why = f"the {' and the '.join(causes)} changed" if causes else "same model and data, other CPU or versions"
    return Applied(False, f"Built {output}, but it DIFFERS from the candidate that was judged: {why}.")
