"""Hypothesis strategies of valid recipes."""

from __future__ import annotations

from typing import get_args

from choice_strategies import parameters, some
from hypothesis import strategies as st

from autotune import recipe
from autotune.configuration import Granularity, OverflowFix, PlacementName, Precision, Preset, Scheme, Symmetry
from autotune.recipe import EstimatorChoice

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
paths = st.from_regex(r"[a-z]{1,4}(/[a-z]{1,4}){0,2}\.(onnx|xml|npz)", fullmatch=True)
functions = st.from_regex(r"[a-z]{1,5}\.py:[a-z_]{1,6}", fullmatch=True)
names = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,11}", fullmatch=True)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-6, max_value=1e6)
scalars = st.booleans() | st.integers() | numbers | texts | st.none()


plain_estimators = st.sampled_from([EstimatorChoice(n) for n in ("min-max", "mean-min-max", "mse", "entropy")])
estimator_choices = (
    plain_estimators
    | parameters(0.0).map(lambda p: EstimatorChoice("moving-average", p))
    | parameters(0.5).map(lambda p: EstimatorChoice("percentile", p))
)
estimators = st.lists(estimator_choices, min_size=1, max_size=5, unique=True).map(tuple)
schemes = st.lists(st.sampled_from(get_args(Scheme)), min_size=1, unique=True).map(tuple)
quantizers = st.builds(recipe.QuantizerSpace, estimator=estimators, symmetry=some(Symmetry) | st.none())
spaces = st.builds(
    recipe.Space,
    precision=some(Precision),
    schemes=schemes,
    placement=some(PlacementName),
    preset=some(Preset),
    operators=st.dictionaries(texts, schemes, max_size=3),
    activations=st.builds(
        recipe.ActivationSpace,
        estimator=estimators,
        symmetry=some(Symmetry),
        quantizers=st.dictionaries(texts, quantizers, max_size=2),
    ),
    weights=st.builds(recipe.WeightSpace, granularity=some(Granularity)),
    bias_correction=st.sampled_from([(True,), (False,), (True, False), (False, True)]),
    overflow_fix=some(OverflowFix),
)

options = st.dictionaries(texts, scalars | st.lists(scalars, max_size=3), max_size=3)
sources = (
    st.fixed_dictionaries({"builtin": texts, "options": options})
    | paths.map(lambda p: {"path": p})
    | functions.map(lambda f: {"function": f})
)
shares = st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)).map(
    lambda s: recipe.Shares(calibration=s[0], search=s[1], holdout=1 - s[0] - s[1])
)
data = st.one_of(
    st.tuples(sources, shares).map(lambda s: recipe.Data(**s[0], split=s[1])),
    sources.map(lambda s: recipe.Data(**s)),
    st.tuples(sources, sources, sources).map(
        lambda s: recipe.Data(
            calibration=recipe.DataSource(**s[0]),
            search=recipe.DataSource(**s[1]),
            holdout=recipe.DataSource(**s[2]),
        )
    ),
)
models = paths.map(lambda p: recipe.Model(path=p)) | st.builds(
    recipe.Model, package=names.map(lambda n: f"{n}==1.0"), file=paths, sha256=digests
)
outputs = st.none() | texts
metrics = st.builds(recipe.MetricSpec, name=st.sampled_from(["rmse", "mae"]), output=outputs) | st.builds(
    recipe.MetricSpec, function=functions, output=outputs, direction=st.sampled_from(["higher", "lower"])
)
drops = st.floats(0, 99).map(lambda p: recipe.parse_drop(f"{p!r}%")) | positive.map(recipe.parse_drop)
tolerances = st.builds(
    recipe.Tolerance,
    max_drop=drops,
    max_latency=st.none() | positive,
    min_speedup=st.none() | positive.map(lambda more: 1.0 + more).filter(lambda times: times > 1),
    max_size=st.none() | st.integers(1, 10**12) | st.integers(1, 999).map(lambda n: n * 10**6),
    max_memory=st.none() | st.integers(1, 10**12),
    confidence=st.floats(0.51, 0.999),
    assurance=st.sampled_from(["expected", "proven"]),
)
strategies = st.builds(
    recipe.Strategy,
    prior=st.booleans(),
    neighbours=st.booleans(),
    sampler=st.sampled_from(get_args(recipe.SamplerName)),
    early_stopping=st.booleans(),
    candidates=st.sampled_from(get_args(recipe.CandidateWay)),
    settle=st.booleans(),
)
recipes = st.builds(
    recipe.Recipe,
    version=st.just(1),
    name=names,
    model=models,
    inputs=st.dictionaries(texts, st.lists(st.integers(1, 4096), max_size=4).map(tuple), max_size=2),
    data=data,
    metric=metrics,
    tolerance=tolerances,
    budget=st.builds(recipe.Budget, trials=st.integers(1, 999), timeout=st.none() | positive),
    threads=st.none() | st.integers(1, 128),
    seed=st.integers(0, 2**32 - 1),
    strategy=strategies,
    space=spaces,
    export=st.builds(recipe.ExportSpec, onnx=st.booleans()),
    expect=st.none() | st.builds(recipe.Expect, model=digests, data=digests, candidate=digests),
)
