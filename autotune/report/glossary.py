"""The words of the page, each in one sentence."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "accuracy cost": "How far the outputs move when this operator alone is int8: squared error over their variance.",
    "best float": "The fastest float model within the tolerance on this machine: what int8 has to beat.",
    "calibration": "Running the float model on some samples to see which values occur where, before quantising.",
    "clipped": "A value outside a quantiser's range, which int8 moves to the nearest end of it.",
    "drop": "How much worse the metric is than that of float f32 on the same samples; positive is worse.",
    "drop at most": "The one-sided upper bound of the drop on unseen data at the confidence asked for, corrected for "
    "the number of finalists.",
    "expected": "The estimated drop on unseen data is within the tolerance, its upper bound is not.",
    "finalist": "One of the few candidates that were timed again together and judged on the holdout.",
    "float f32": "The model as it came, computing in 32-bit floats: the reference for every comparison.",
    "graph form": "An equal rewriting of the float graph that is quantised, or runs, better.",
    "guide": "Proposes which operators stay float, from what was found out about their time and accuracy.",
    "holdout": "Samples that the search never saw; each finalist is looked at once on them.",
    "int4-dynamic": "As int8-dynamic, with weights of 4 bits and a scale for each group of inputs; the last layer "
    "has 8.",
    "int4-weights": "As int8-weights, with weights of 4 bits and a scale for each group of inputs; the last layer "
    "has 8.",
    "int8-dynamic": "Weights are int8, activations are quantised while the model runs; nothing is calibrated.",
    "int8-static": "Weights and activations are int8, with ranges fixed by calibration.",
    "int8-weights": "Only the weights are stored as int8; the computation stays float.",
    "interleaved pairs": "Models are timed in turn, one right after the other, so that whatever else the machine does "
    "meets all of them alike.",
    "interval": "The range that holds the true value at the confidence asked for.",
    "kernel": "The routine of OpenVINO that really ran, read back from the compiled model.",
    "ladder": "What costs least is tried first: float, int8 weights (4 bits where asked for), static int8, training.",
    "Pareto front": "The trials that no other trial beats in both speed and drop.",
    "peers": "The settings that OpenVINO's and NNCF's own tools ship as defaults.",
    "placement": "Where NNCF puts quantisers: plain, or its setting for transformers.",
    "precision": "What float operators compute in: f32, or bf16 and f16 where this CPU really executes them.",
    "preset": "NNCF's choice of ranges for activations: performance is symmetric, mixed is affine.",
    "proven": "The upper bound of the drop on unseen data is within the tolerance.",
    "quantiser": "The place where values become 8-bit integers of a fixed range.",
    "range estimator": "The rule that makes a range out of the values seen in calibration.",
    "sampler": "Optuna's sampler, which proposes configurations from the trials so far.",
    "search split": "The samples that the search scores its trials on.",
    "tolerance": "The largest drop that was allowed.",
    "training": "The model learns, with its quantisers in it, to give the float model's outputs again.",
    "trial": "One configuration, built and measured.",
}
