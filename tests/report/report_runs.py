"""Runs made by hand: one per outcome that the report must show."""

from __future__ import annotations

from dataclasses import replace

from autotune.configuration import ActivationChoice, Configuration, Estimator, Quantization
from autotune.findings import (
    ChoiceImportance,
    EstimatedRange,
    FrameFindings,
    Importances,
    OperatorFinding,
    QuantizerRecord,
)
from autotune.outcome import Finalist, Fingerprint, Goal, RunRecord, SplitSizes, Verdict
from autotune.record import (
    Duel,
    Failure,
    InputInfo,
    Interval,
    Latency,
    Measurement,
    ModelInfo,
    OperatorRun,
    Seconds,
    Trial,
)

EVIL = "<img src=x onerror=alert(1)>/conv<b>1</b>"

FLOAT = Configuration()
BF16 = Configuration(precision="bf16")
DEFAULT = Configuration(quantization=Quantization())
TRANSFORMER = Configuration(quantization=Quantization(placement="transformer", preset="mixed"))
MSE = Configuration(
    quantization=Quantization(
        placement="transformer",
        activation=ActivationChoice(Estimator("mse"), "affine"),
        overrides=((f"{EVIL}/fq_output_0", ActivationChoice(Estimator("percentile", 0.9999), "symmetric")),),
        float_operators=("/dense/MatMul", EVIL),
    )
)
AVERAGE = Configuration(
    quantization=Quantization(
        placement="transformer",
        activation=ActivationChoice(Estimator("moving-average", 0.04372819371)),
        weights="per-tensor",
        bias_correction=False,
        overflow_fix="first-layer",
    )
)
MIXED_BF16 = Configuration("bf16", Quantization(preset="mixed"))

GOAL = Goal(
    metric="accuracy",
    higher_is_better=True,
    max_drop="1%",
    tolerance=0.00895,
    max_latency_ms=None,
    confidence=0.95,
    assurance="expected",
)

MODEL = ModelInfo(
    name="standard_v3_3",
    digest="5f7b7e1c" * 8,
    inputs=(InputInfo("bytes", (1, 2048), "int32"),),
    outputs=("target_label",),
    operators={"/conv/Conv": "Convolution", "/dense/MatMul": "MatMul", EVIL: "Convolution"},
    activation_quantizers=("/conv/Conv/fq_output_0",),
    precisions=("f32", "bf16"),
    can_saturate=False,
    size_bytes=3_125_000,
    nncf_path="fast",
    notes=("Input 'bytes': dynamic shape [?,2048] fixed to [1,2048].",),
)

MACHINE = Fingerprint(
    cpu="AMD EPYC 9R14",
    isa=("avx2", "avx512f", "avx512_vnni", "avx512_bf16"),
    instruction_set="native",
    cores=2,
    threads=2,
    memory_gib=15.6,
    system="Linux 6.1 x86_64",
    versions={"python": "3.11.15", "openvino": "2026.4.1", "nncf": "3.4.0", "optuna": "5.0.0", "autotune": "0.1.0"},
)

SOLVED = f"""version: 1
name: file-type
space:
  precision: f32
  operators: {{"{EVIL}": float}}
"""

BASELINE_OPERATORS = (
    OperatorRun("/conv/Conv", "Convolution", "float", "brgconv_avx512", "f32", 410.0),
    OperatorRun("/dense/MatMul", "FullyConnected", "float", "brgemm_avx512", "f32", 300.0),
    OperatorRun(EVIL, "Convolution", "float", "brgconv_avx512", "f32", 200.0),
    OperatorRun("/add", "Eltwise", "float", "jit_avx512", "f32", 90.0),
)
INT8_OPERATORS = (
    OperatorRun("/dense/MatMul", "FullyConnected", "int8-static", "brgemm_avx512_vnni", "i8", 60.0),
    OperatorRun("/conv/Conv", "Convolution", "int8-static", "brgconv_avx512_vnni", "u8", 100.0),
    OperatorRun(EVIL, "Convolution", "float", "brgconv_avx512", "f32", 200.0),
    OperatorRun("/convert", "Convert", "float", "ref_any", "f32", 40.0),
)


def pairs(baseline: float, candidate: float, count: int = 21) -> Latency:
    """Latencies that scatter evenly around the two medians."""
    wobble = [1 + 0.02 * ((i * 7) % 11 - 5) / 5 for i in range(count)]
    ratio = baseline / candidate
    return Latency(
        tuple(baseline * w for w in wobble),
        tuple(candidate * w for w in wobble),
        Interval(ratio, ratio * 0.97, ratio * 1.02),
    )


def measured(
    candidate_ms: float, score: float, drop: float, size: int, operators: tuple[OperatorRun, ...] = ()
) -> Measurement:
    return Measurement(pairs(1.0, candidate_ms), score, drop, 750, size, 2, operators)


def trial(number: int, configuration: Configuration, origin: str, measurement: Measurement) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="complete",
        origin=origin,
        measurement=measurement,
        candidate=f"{number:02x}" * 32,
        seconds=Seconds(build=0.05, compile=0.4, score=1.25, latency=0.8),
        finished_at=1_790_000_000.0 + number,
        ended_seconds=5.0 + 2 * number,
    )


TRIALS = (
    trial(0, FLOAT, "plain", measured(1.0, 0.895, 0.0, 3_100_000, BASELINE_OPERATORS)),
    trial(1, BF16, "plain", measured(0.45, 0.857, 0.038, 3_100_000)),
    trial(2, DEFAULT, "plain", measured(0.25, 0.739, 0.156, 800_000)),
    trial(3, TRANSFORMER, "plain", measured(0.32, 0.8905, 0.0045, 810_000)),
    trial(4, MSE, "neighbour", measured(0.284, 0.8938, 0.0012, 812_345, INT8_OPERATORS)),
    Trial(
        5,
        MIXED_BF16,
        "failed",
        "plain",
        failure=Failure("compile", "error", "RuntimeError: Arguments do not have the same element type <u8 & f32>"),
        reason="compile: RuntimeError: Arguments do not have the same element type <u8 & f32>",
        finished_at=1_790_000_005.0,
    ),
    Trial(
        6,
        AVERAGE,
        "stopped",
        "sampler",
        measurement=Measurement(pairs(1.0, 0.3), 0.80, 0.1, 125, 805_000, 2),
        candidate="06" * 32,
        reason="drop 0.1000 after 125 of 750 samples is beyond the tolerance with near certainty",
        seconds=Seconds(build=0.05, compile=0.4, score=0.2, latency=0.8),
        finished_at=1_790_000_006.0,
    ),
    Trial(
        7,
        MSE,
        "duplicate",
        "sampler",
        measurement=measured(0.284, 0.8938, 0.0012, 812_345, INT8_OPERATORS),
        candidate="04" * 32,
        duplicate_of=4,
        reason="builds the same model as trial 4",
        finished_at=1_790_000_007.0,
    ),
)


def verdict(status: str, drop: float, upper: float, more: int | None = None) -> Verdict:
    return Verdict(
        status=status,  # type: ignore[arg-type]
        drop=drop,
        drop_upper=upper,
        tolerance=0.00895,
        confidence=0.95,
        n=1800,
        method="exact paired",
        score=0.8951 - drop,
        float_score=0.8951,
        more_samples=more,
    )


def rounds(median: float) -> tuple[float, ...]:
    wobble = [1 + 0.03 * ((i * 37) % 101 - 50) / 50 for i in range(100)]
    return (*(median * w for w in wobble), 4 * median)


def finalist(number: int, configuration: Configuration, speedup: float, best: float, judged: Verdict) -> Finalist:
    return Finalist(
        trial=number,
        configuration=configuration,
        speedup=Interval(speedup, speedup * 0.98, speedup * 1.02),
        speedup_best_float=Interval(best, best * 0.98, best * 1.02),
        milliseconds=rounds(1.0 / speedup),
        verdict=judged,
    )


# Trial 4 beside trial 2.
DUEL = Duel(2, Interval(1.04, 1.01, 1.07), 0.25, (1.04, 1.05), (1.0, 1.0))

FRAMES = (
    FrameFindings(
        frame=Configuration(quantization=Quantization(placement="transformer")),
        placed=("/conv/Conv", "/dense/MatMul", EVIL),
        operators=(
            OperatorFinding(("/conv/Conv",), 0.00021, 310.0, 0.0000003),
            OperatorFinding(("/dense/MatMul",), 0.0013, 240.0, -0.0021),
            OperatorFinding((EVIL,), 0.081, 65.0),
        ),
    ),
)
QUANTIZERS = (
    QuantizerRecord(
        name=f"{EVIL}/fq_output_0",
        tensor=f"{EVIL}:0",
        per_channel=False,
        lowest=-2.0,
        highest=6.0,
        histogram=(0.01, 0.9, 0.0, 0.09),
        chosen=EstimatedRange(Estimator("percentile", 0.9999), -1.5, 1.5, 0.09),
        others=(
            EstimatedRange(Estimator("min-max"), -6.05, 6.0, 0.0),
            EstimatedRange(Estimator("mse"), -2.0, 4.0, 0.02),
        ),
    ),
    QuantizerRecord(
        name="/conv/Conv/fq_output_0",
        tensor="/conv/Conv:0",
        per_channel=True,
        lowest=0.0,
        highest=4.0,
        histogram=(0.5, 0.25, 0.125, 0.125),
        chosen=EstimatedRange(Estimator("mse"), 0.0, 4.0, 0.0),
        others=(),
    ),
)
IMPORTANCES = Importances(
    trials=12,
    choices=(ChoiceImportance("placement", 0.02, 0.7), ChoiceImportance("preset", 0.05, 0.1)),
    noise_speed=0.2,
    noise_drop=0.15,
)

FLOAT_FINALIST = finalist(0, FLOAT, 1.0, 1.0, verdict("proven", 0.0, 0.0))
INT8_FINALIST = finalist(4, MSE, 3.5, 3.5, verdict("expected", 0.0022, 0.0096, 410))
STEADY_FINALIST = finalist(3, TRANSFORMER, 3.1, 3.1, verdict("proven", 0.0011, 0.0067))
BF16_FINALIST = finalist(1, BF16, 2.2, 2.2, verdict("beyond", 0.0372, 0.0471))

INT8_WINS = RunRecord(
    name="file-type",
    outcome="winner",
    sentence="int8 is 3.50x as fast as float f32 (3.43 to 3.57) and expected to lose 0.0022 accuracy, "
    "0.0096 at most, where 0.0090 (1%) was allowed.",
    why_float="",
    model=MODEL,
    data="python-files",
    splits=SplitSizes(450, 750, 1800, 12),
    goal=GOAL,
    trials=TRIALS,
    front=(0, 2, 4),
    finalists=(INT8_FINALIST, STEADY_FINALIST, FLOAT_FINALIST, BF16_FINALIST),
    winner=4,
    best_float=0,
    fastest_proven=3,
    baseline_score=0.895,
    seconds=Seconds(
        observe=1.0, inference=5.0, build=0.4, compile=3.2, score=8.0, latency=6.4, search=20.0, report=0.7
    ),
    wall_seconds=80.0,
    fingerprint=MACHINE,
    started="2026-11-24T13:05:00+00:00",
    solved=SOLVED,
    command="autotune tune recipes/file-type.yaml --seed 0",
    notes=MODEL.notes,
    frames=FRAMES,
    quantizers=QUANTIZERS,
    quantizers_of=4,
    importances=IMPORTANCES,
)

WITH_DUEL = replace(
    INT8_WINS,
    trials=tuple(
        replace(t, measurement=replace(t.measurement, duel=DUEL)) if t.number == 4 and t.measurement else t
        for t in TRIALS
    ),
)

FLOAT_WINS = replace(
    INT8_WINS,
    sentence="float f32 stays: nothing faster keeps the accuracy.",
    why_float="The fastest int8 candidate is beyond the tolerance on the holdout.",
    finalists=(FLOAT_FINALIST, replace(BF16_FINALIST, speedup_best_float=Interval(2.2, float("nan"), float("inf")))),
    winner=0,
    best_float=0,
    fastest_proven=0,
)

CONSTRAINT_UNMET = replace(
    INT8_WINS,
    outcome="constraint-unmet",
    sentence="No candidate is as fast as 0.1 ms; the best effort takes 0.286 ms.",
    goal=replace(GOAL, max_latency_ms=0.1),
    finalists=tuple(replace(f, meets_latency=False) for f in INT8_WINS.finalists),
)

INTERRUPTED = replace(
    INT8_WINS,
    outcome="interrupted",
    sentence="Interrupted before any finalist was judged.",
    trials=TRIALS[:1],
    front=(0,),
    finalists=(),
    winner=-1,
    best_float=-1,
    fastest_proven=None,
    solved="",
)

NOTHING = replace(INTERRUPTED, trials=(), front=())

OUTCOMES = {
    "int8-wins": INT8_WINS,
    "float-wins": FLOAT_WINS,
    "constraint-unmet": CONSTRAINT_UNMET,
    "interrupted": INTERRUPTED,
    "nothing": NOTHING,
}
