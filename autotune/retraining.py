"""The last rung: train the best static int8 configuration where no candidate is good enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from autotune import decide, hardware
from autotune.configuration import Configuration, Quantization, Training
from autotune.counts import counted
from autotune.errors import UserError, WorkerDied
from autotune.evaluator import Evaluated, Evaluator
from autotune.events import Events
from autotune.findings import StartingPoint
from autotune.protocol import Patience
from autotune.recipe import TrainingSpec
from autotune.record import Trial
from autotune.runner import Runner
from autotune.search.driver import ADOPTED, Proposal, Search
from autotune.setting import Lessons, Setting
from autotune.sources.training import save_training
from autotune.stages import StageFailed
from autotune.training.messages import Ready, Train, Trained, TrainingSetup

CHILD = "autotune.training.child"
# PyTorch's threads wait for each other after every operator. By default they do so busily, and where other processes
# want the processors, too, each waits for one that the others' waiting keeps from running: 2 threads on a busy machine
# of 2 trained 55 steps in 180 s. Where they sleep at once, to wake them takes as long as what they do in a cache. So
# they wait for some microseconds first.
ENVIRONMENT = {"GOMP_SPINCOUNT": "1000"}
# A model is written and measured so often while it is trained.
ROUNDS = 5
# Rounds without a smaller drop after which no more is expected.
PATIENCE = 2
# Loading PyTorch and quantising the module, then training that is worth it.
LEAST_SECONDS = 30.0


def retrain(
    setting: Setting,
    search: Search,
    evaluator: Evaluator,
    *,
    tell: Callable[[Proposal, Evaluated], None],
    note: Callable[[str], None],
    events: Events,
    left: float,
) -> str:
    """Train, if that is needed and can help; each round is a trial. Return a sentence: why not, or why it ended.

    Args:
        tell: takes each proposal and what came of it.
        left: seconds that the timeout leaves.

    Raises:
        KeyboardInterrupt: what was measured until then is told.
    """
    spec, lessons = setting.recipe.training, setting.lessons
    if spec is None or lessons is None:
        return "Not climbed: the recipe has no training."
    found = [t for t in search.trials if t.origin not in ADOPTED]
    if decide.is_served(found, setting.goal, surely=True):
        return "Not climbed: static int8 or a lower rung surely has what was asked for."
    start = decide.to_train(found, setting.goal)
    if start is None or start.configuration.quantization is None:
        return "Not climbed: no static int8 model is fast enough, and training makes none faster."
    if left < LEAST_SECONDS:
        return "Not climbed: the timeout leaves no time to train."
    begun = time.monotonic()
    events.stage("training")
    note(f"Training starts from trial {start.number} ({start.configuration.label}).")
    base = decide.trainable(start.configuration)
    for remark in left_out(start.configuration, base):
        note(remark)
    given = decide.taught(base)
    if given != base:
        note("Training has its float operators in f32, in any kernels; what is measured of it is in theirs again.")
    assert given.quantization is not None
    try:
        setup = _setup(setting, spec, lessons, given.quantization, evaluator.starting_point(given), left=left)
        save_training(lessons.samples, setup.samples)
        sizes = setting.sizes
        patience = Patience(sizes.calibration, sizes.search, sizes.holdout, setting.prepared.baseline.size_bytes)
        with Runner(setup, setting.folder.log, module=CHILD, environment=ENVIRONMENT, patience=patience) as runner:
            ready: Ready = runner.prepare()
            for sentence in ready.remarks:
                note(sentence)
            return _rounds(
                setting,
                search,
                evaluator,
                runner,
                tell=tell,
                note=note,
                start=start.configuration,
                base=base,
                done=ready.steps,
                ends=min(time.monotonic() + ready.seconds, begun + left),
            )
    except (UserError, StageFailed, WorkerDied) as error:  # what the search found is not lost for it
        return f"Training failed: {str(error).rstrip('.')}."


def _rounds(
    setting: Setting,
    search: Search,
    evaluator: Evaluator,
    runner: Runner,
    *,
    tell: Callable[[Proposal, Evaluated], None],
    note: Callable[[str], None],
    start: Configuration,
    base: Configuration,
    done: int,
    ends: float,
) -> str:
    """Train a part of the steps, measure, and so on, until it is good enough or no better any more.

    Args:
        start: the trial's, which is in the space. ``base``: the part of it that a trained model has.
        done: steps that a killed run trained.
    """
    spec = setting.recipe.training
    assert spec is not None
    each = max(1, -(-spec.steps // ROUNDS))
    told = {t.configuration.training.steps for t in search.trials if t.configuration.training is not None}
    until = done if done and done not in told else min(done + each, spec.steps)  # what a killed run trained and lost
    while True:
        rounds = [t for t in search.trials if t.origin == "training"]
        # Surely: there is time left, and once the holdout refuses it there is none.
        if decide.is_served(rounds, setting.goal, surely=True):
            return f"Trained {counted(done, 'step')}: trial {rounds[-1].number} is surely within the tolerance."
        if no_better(rounds):
            return f"Trained {counted(done, 'step')}: the drop gets no smaller any more."
        if done >= spec.steps and until in told:
            return f"Trained to the end, {counted(done, 'step')}."
        if (left := ends - time.monotonic()) <= 0:
            return f"The time for training is used up after {counted(done, 'step')}."
        trained: Trained = runner.call(Train(until, left / 2))
        done = trained.steps
        told.add(done)
        until = min(done + each, spec.steps)
        given = decide.taught(base)
        for kind in dict.fromkeys((base, given)):
            made = replace(kind, training=Training(trained.digest, done))
            proposal = search.adopt(start, made, "training")
            found = evaluator.evaluate(proposal.number, made, "training", search.trials)
            tell(proposal, found)
            if found.trial.state != "failed":
                break
            if kind != given:
                note(f"Trial {proposal.number} failed: the trained model is measured without types and kernels, too.")


def no_better(rounds: list[Trial]) -> bool:
    """Tell whether the last rounds brought no smaller drop than those before."""
    drops = [t.measurement.drop for t in rounds if t.measurement and t.measurement.drop is not None]
    return len(drops) > PATIENCE and min(drops[-PATIENCE:]) >= min(drops[:-PATIENCE])


def left_out(start: Configuration, base: Configuration) -> list[str]:
    """Say what training does not take over: what a PyTorch module cannot be given, and corrected biases.

    Args:
        start: what training starts from. base: the part of it that is trained.
    """
    left = [
        name
        for name, value in (
            ("graph forms other than smoothing and kernels", set(start.forms).difference(base.forms)),
            ("int8 weights of linear layers", start.compression),
        )
        if value
    ]
    said = [f"Training leaves out what a PyTorch module cannot be given: {', '.join(left)}."] if left else []
    if base.quantization is not None and base.quantization.bias_correction:
        said.append("Training starts from the module's own biases, and corrects them by itself.")
    return said


def _setup(
    setting: Setting,
    spec: TrainingSpec,
    lessons: Lessons,
    quantization: Quantization,
    start: StartingPoint,
    *,
    left: float,
) -> TrainingSetup:
    folder = setting.folder
    return TrainingSetup(
        source=dict(lessons.source),
        quantization=quantization,
        start=start,
        samples=folder.training_samples.absolute(),
        splits=folder.splits.absolute(),
        checkpoint=folder.checkpoint.absolute(),
        results=folder.trained.absolute(),
        output=setting.recipe.metric.output,
        loss=spec.loss,
        steps=spec.steps,
        time=spec.time,
        left=left,
        learning_rate=spec.learning_rate,
        batch=spec.batch,
        seed=setting.recipe.seed,
        threads=hardware.usable_cores(),  # how many it is served with says nothing of training
    )
