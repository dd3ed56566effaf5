"""The child process is replaced when it hangs or outgrows its memory; the parent goes on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from autotune import data, stats
from autotune.child import Child
from autotune.configuration import Configuration, Quantization
from autotune.decide import placed
from autotune.errors import UserError, WorkerDied
from autotune.protocol import Build, Built, Measure, Measured, Observe, Prepared, Race, Rival, Setup
from autotune.recipe import Recipe
from autotune.record import Interval
from autotune.runner import Runner
from autotune.sources.datasets import load_data
from autotune.sources.model import locate
from autotune.stages import StageFailed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def setup(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    recipe = Recipe.quick(str(tiny / "model.xml"), str(tiny / "data.npz"), "accuracy")
    folder = tmp_path_factory.mktemp("setup")
    data.save(load_data(recipe, False, print), folder / "splits.npz")
    return Setup.of(
        recipe, model=locate(recipe), splits=folder / "splits.npz", trust_code=False, cache=folder / "cache"
    )


INT8 = Configuration(quantization=Quantization())


def test_a_hanging_child_is_replaced_and_goes_on_where_it_was(setup: Setup, tmp_path: Path) -> None:
    with Runner(setup, tmp_path / "run.log") as runner:
        prepared: Prepared = runner.prepare()
        assert prepared.model.threads >= 1
        runner.call(Observe(), 120)
        before: Built = runner.call(Build(INT8), 60)
        with pytest.raises(WorkerDied, match="no answer within") as died:
            runner.call(Race((Configuration(),), rounds=10**6, max_seconds=60), 0.5)
        assert died.value.kind == "timeout"
        after: Built = runner.call(Build(INT8), 60)
        assert after.digest == before.digest
        assert runner.restarts == 1
        measured: Measured = runner.call(Measure(INT8, tolerance=None, slowest=None), 120)
        assert measured.per_sample is not None
        assert len(measured.per_sample) == measured.measurement.samples
        ran = {o.name: o for o in measured.measurement.operators}
        assert ran["conv2"].scheme == "int8-static"
        alone: Measured = runner.call(Measure(replace(INT8, threads=1), tolerance=None, slowest=None), 120)
        assert alone.measurement.threads == 1
        assert alone.measurement.score == measured.measurement.score
        stopped: Measured = runner.call(Measure(INT8, tolerance=None, slowest=1e6), 120)
        assert "too slow" in stopped.stopped
        assert stopped.measurement.score is None


def test_what_a_child_says_before_it_knows_its_log_is_kept(tmp_path: Path) -> None:
    """It is started before there is a run folder; ``this`` prints and ends, as what cannot be imported would."""
    log = tmp_path / "run.log"
    log.write_text("before\n")
    first = Child("this")
    for runner in (Runner(None, log, module="this", first=first), Runner(None, log, module="this")):
        with runner, pytest.raises(WorkerDied, match="exit code 0"):
            runner.prepare()
    said = log.read_text()
    assert said.startswith("before\n")
    assert said.count("Beautiful is better than ugly.") == 2


def test_a_child_that_outgrows_its_memory_is_ended(setup: Setup, tmp_path: Path) -> None:
    with Runner(setup, tmp_path / "run.log", memory_limit=1 << 20) as runner, pytest.raises(WorkerDied) as died:
        runner.prepare()
    assert died.value.kind == "memory"
    assert "GiB allowed" in str(died.value)


def test_a_candidate_that_cannot_be_compiled_says_so(setup: Setup, tmp_path: Path) -> None:
    wrong = Configuration(precision="f7")  # what OpenVINO refuses
    with Runner(setup, tmp_path / "run.log") as runner:
        runner.prepare()
        with pytest.raises(StageFailed) as failed:
            runner.call(Measure(wrong, tolerance=None, slowest=None), 60)
        assert failed.value.failure.stage == "compile"
        assert runner.call(Build(INT8), 60)
        assert runner.restarts == 0


def test_a_candidate_is_timed_beside_a_rival_that_is_close(setup: Setup, tmp_path: Path) -> None:
    float_but_one = Configuration(quantization=Quantization(float_operators=("conv1", "depthwise", "fc")))
    near, far = Interval(1.0, 0.3, 3.0), Interval(100.0, 99.0, 101.0)
    with Runner(setup, tmp_path / "run.log") as runner:
        runner.prepare()
        runner.call(Observe(), 120)

        def rival(speedup: Interval, tolerance: float = 1.0) -> Rival:
            # Not a number: whatever else runs here, the machine is in no other state than it was.
            return Rival(3, float_but_one, speedup, baseline_ms=math.nan, tolerance=tolerance)

        def measure(rival: Rival, slowest: float | None = None) -> Measured:
            measured: Measured = runner.call(Measure(INT8, None, slowest, rival), 120)
            return measured

        compared = measure(rival(near)).measurement
        assert compared.duel is not None and compared.latency is not None
        assert compared.duel.against == 3
        pairs = zip(compared.latency.baseline_ms, compared.latency.candidate_ms, strict=True)
        own = stats.median_interval([a / b for a, b in pairs], setup.confidence)
        assert compared.latency.speedup == placed(own, near, compared.duel.ratio)
        fought = zip(compared.duel.rival_ms, compared.duel.own_ms, strict=True)
        assert stats.median_interval([a / b for a, b in fought], setup.confidence) == compared.duel.ratio
        # What is far behind, or beyond the tolerance, is not worth it.
        assert measure(rival(far)).measurement.duel is None
        assert measure(rival(near, tolerance=-1.0)).measurement.duel is None
        # Nor where such comparisons have taken enough.
        assert measure(replace(rival(near), duels=False)).measurement.duel is None
        # Before it is given up as too slow it is compared as well.
        hopeless = measure(rival(near, tolerance=-1.0), slowest=1000.0)
        assert hopeless.measurement.duel is not None
        assert hopeless.stopped.startswith("too slow")
        # A rival that cannot be made leaves the speed as it was, and that is told.
        impossible = Configuration(precision="f7")  # type: ignore[arg-type]
        missing = measure(replace(rival(near), number=5, configuration=impossible)).measurement
        assert missing.duel is None
        assert missing.notes[-1].startswith("It could not be timed beside trial 5: ")
        assert missing.score == compared.score


def test_a_rival_of_a_busier_machine_is_timed_again(setup: Setup, tmp_path: Path) -> None:
    """While float f32 took ten times as long, the rival seemed a hundred times as fast: nothing could be faster."""
    fast = Interval(100.0, 99.0, 101.0)
    rival = Rival(3, Configuration(precision="bf16"), fast, baseline_ms=1e4, tolerance=1.0)
    with Runner(setup, tmp_path / "run.log") as runner:
        runner.prepare()
        runner.call(Observe(), 120)
        measured: Measured = runner.call(Measure(INT8, tolerance=None, slowest=99.0, rival=rival), 120)
        assert measured.rival is not None and measured.rival.speedup.estimate < 50
        slow = measured.measurement.latency
        assert slow is not None
        assert (measured.measurement.score is None) == (slow.speedup.high < measured.rival.speedup.low)


def test_operators_in_bf16_are_measured_as_such(setup: Setup, tmp_path: Path) -> None:
    with Runner(setup, tmp_path / "run.log") as runner:
        offered = runner.prepare().model.bf16_operators
        if not offered:
            pytest.skip("this CPU does not compute in bf16")
        measured: Measured = runner.call(Measure(Configuration(bf16_operators=offered), None, None), 120)
        ran = {run.name: run.precision for run in measured.measurement.operators}
        assert {ran[name] for name in offered} == {"bf16"}
        assert measured.measurement.precision == "f32"


def test_a_mistake_of_the_user_passes_through(setup: Setup, tmp_path: Path) -> None:
    missing = replace(setup, model=tmp_path / "gone.xml")
    with Runner(missing, tmp_path / "run.log") as runner, pytest.raises(UserError, match=r"gone\.xml"):
        runner.prepare()
