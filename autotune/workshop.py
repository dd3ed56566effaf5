"""Building and measuring, inside the child process.

The compiled model that gives the accuracy is the one that gives the latency: both happen here, on one object.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any

import numpy as np

from autotune import data, decide, deploy, hardware, stats
from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.graph.inspect import candidate_digest, model_digest
from autotune.graph.normalise import normalise
from autotune.measure.compiled import Compiled, compile_model, deploy_properties, probe_precisions
from autotune.measure.latency import measure_pairs, rounds
from autotune.protocol import (
    Build,
    Built,
    Export,
    Judge,
    Measure,
    Measured,
    Observe,
    Observed,
    Prepared,
    Race,
    Raced,
    Setup,
)
from autotune.quantize.factory import CandidateFactory
from autotune.record import Failure, InputInfo, Latency, Measurement, ModelInfo, Verdict
from autotune.scoring import Scorer
from autotune.sources.model import read
from autotune.stages import StageFailed, stage
from autotune.tasks import metrics

LATENCY_SAMPLES = 16
TARGET_WIDTH = 0.03
CHECKED_SAMPLES = 8


class Workshop:
    """Holds the source model, the baseline and the observation, and answers requests.

    Raises:
        UserError: model, data and metric do not fit together.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        splits = data.load_saved(setup.splits)
        self._metric = metrics.get(setup.metric, setup.base, setup.trust_code)
        source, notes = read(setup.model, setup.inputs, splits.search)
        self._float, note = normalise(source)
        notes = [*notes, *([note] if note else [])]
        self._threads = setup.threads or hardware.usable_cores()
        self._baseline = compile_model(self._float, "f32", self._threads)
        self._search = Scorer(self._metric, splits.search, self._baseline, setup.seed)
        self._holdout = splits.holdout
        self._holdout_scorer: Scorer | None = None
        self._factory = CandidateFactory(self._float, splits.calibration, setup.cache, self._threads)
        self._factory.prepare()
        self._built: tuple[Configuration, Any] | None = None
        self._samples = [splits.search.row(i) for i in range(min(LATENCY_SAMPLES, len(splits.search)))]
        self.prepared = self._prepare(notes)
