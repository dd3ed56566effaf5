"""Hypothesis strategies: models, the spaces of recipes for them, and sources of random answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from choice_strategies import parameters, some
from hypothesis import strategies as st

from autotune import recipe
from autotune.configuration import (
    ActivationChoice,
    Compression,
    Configuration,
    DynamicGroup,
    Estimator,
    FloatWeights,
    FormChoice,
    Granularity,
    OverflowFix,
    PlacementName,
    Precision,
    Preset,
    Quantization,
    Scheme,
    Symmetry,
    WeightBits,
    WeightForm,
    WeightGroup,
    WeightSymmetry,
)
from autotune.recipe import EstimatorChoice
from autotune.record import ModelInfo

OPERATORS = {
    "/stem/Conv": "Convolution",
    "dw": "GroupConvolution",
    "add": "Add",
    "12": "MatMul",
    "/head/Gemm: x": "MatMul",
}
WEIGHTED = ("/stem/Conv", "dw", "12", "/head/Gemm: x")
FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "smoothing": {"12": ("12", "/head/Gemm: x")},
    "cross-layer-equalisation": {"/stem/Conv": ("/stem/Conv", "dw")},
    "linear-as-convolution": {"12": ("12",), "/head/Gemm: x": ("/head/Gemm: x",)},
    "direct-convolution": {"/stem/Conv": ("/stem/Conv",), "dw": ("dw",)},
}
# The second layer has fewer inputs than the largest group.
COMPRESSIBLE = {"12": (128, 64, 32), "/head/Gemm: x": (64, 32)}
# The head, as the last layer, has no 4 bits.
FINER = {"int4/32": {"12": (32,)}, "int8/64": {"12": (64, 32), "/head/Gemm: x": ()}, "int4": {"12": (128, 64, 32)}}
QUANTIZERS = ("/stem/Conv/fq_input_0", "dw/fq_output_0", "12/fq_output_0")


def model_info(**changes: Any) -> ModelInfo:
    fields: dict[str, Any] = {
        "name": "m",
        "digest": "0" * 64,
        "inputs": (),
        "outputs": ("y",),
        "operators": OPERATORS,
        "activation_quantizers": QUANTIZERS,
        "precisions": ("f32", "bf16", "f16"),
        "can_saturate": True,
        "size_bytes": 1,
        "nncf_path": "fast",
        "bf16_operators": WEIGHTED,
        "direct_kernels": True,
    }
    return ModelInfo(**{**fields, **changes})


estimator_choices = (
    st.sampled_from([EstimatorChoice(n) for n in ("min-max", "mean-min-max", "mse", "entropy")])
    | parameters(0.0).map(lambda p: EstimatorChoice("moving-average", p))
    | parameters(0.5).map(lambda p: EstimatorChoice("percentile", p))
)
estimators = st.lists(estimator_choices, min_size=1, max_size=5, unique=True).map(tuple)
schemes = some(Scheme)
uses = st.sampled_from([(True,), (False,), (True, False), (False, True)])


def form_spaces(name: str, kind: type[recipe.FormSpace] = recipe.FormSpace, **more: Any) -> st.SearchStrategy[Any]:
    groups = st.dictionaries(st.sampled_from(sorted(FORMS[name])), uses)
    return st.builds(kind, use=uses, groups=groups, **more)


alphas = st.lists(st.floats(0, 1), min_size=1, max_size=3, unique=True).map(tuple)
forms = st.builds(
    recipe.Forms,
    smoothing=form_spaces("smoothing", recipe.SmoothingSpace, alpha=alphas),
    cross_layer_equalisation=form_spaces("cross-layer-equalisation"),
    linear_as_convolution=form_spaces("linear-as-convolution"),
    direct_convolution=form_spaces("direct-convolution"),
)
quantizer_spaces = st.builds(
    recipe.QuantizerSpace, estimator=estimators | st.none(), symmetry=some(Symmetry)
) | st.builds(recipe.QuantizerSpace, estimator=estimators)
spaces = st.builds(
    recipe.Space,
    precision=some(Precision),
    schemes=schemes,
    placement=some(PlacementName),
    preset=some(Preset),
    operators=st.dictionaries(st.sampled_from(sorted(OPERATORS)), some(Literal["float", "int8-static"]))
    | st.dictionaries(st.sampled_from(sorted(COMPRESSIBLE)), schemes),
    activations=st.builds(
        recipe.ActivationSpace,
        estimator=estimators,
        symmetry=some(Symmetry),
        quantizers=st.dictionaries(st.sampled_from(QUANTIZERS), quantizer_spaces),
    ),
    weights=st.builds(recipe.WeightSpace, granularity=some(Granularity)),
    bias_correction=st.sampled_from([(True,), (False,), (True, False), (False, True)]),
    overflow_fix=some(OverflowFix),
    forms=forms,
    bf16_operators=st.builds(
        recipe.Bf16Space, use=uses, operators=st.dictionaries(st.sampled_from(sorted(WEIGHTED)), uses)
    ),
    compression=st.builds(
        recipe.CompressionSpace,
        symmetry=some(WeightSymmetry),
        dynamic_group=some(DynamicGroup),
        bits=some(WeightBits),
        weight_group=st.none() | some(WeightGroup),
    ),
    float_weights=some(FloatWeights),
    threads=st.lists(st.sampled_from(["all", "fewer", 1, 3]), min_size=1, unique=True).map(tuple),
)
models = st.builds(
    model_info,
    can_saturate=st.booleans(),
    direct_kernels=st.booleans(),
    threads=st.sampled_from([1, 2, 8]),
    forms=st.just(FORMS),
    compressible=st.sampled_from([COMPRESSIBLE, dict.fromkeys(COMPRESSIBLE, ()), {"12": (128,)}]),
    finer=st.sampled_from([{}, {"int4/32": {"12": (32,)}}, {"int4/128": {"12": ()}, "int8/64": {"12": (64, 32)}}]),
)


fixed_estimators = (
    st.sampled_from([Estimator(n) for n in ("min-max", "mean-min-max", "mse", "entropy")])
    | st.floats(0, 1, exclude_min=True).map(lambda p: Estimator("moving-average", p))
    | st.floats(0.5, 1, exclude_min=True).map(lambda p: Estimator("percentile", p))
)
activation_choices = st.builds(
    ActivationChoice, estimator=fixed_estimators, symmetry=st.sampled_from(get_args(Symmetry))
)


def bf16_operators(precision: str, possible: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    if precision != "f32" or not possible:
        return st.just(())
    return st.sets(st.sampled_from(sorted(possible))).map(lambda names: tuple(sorted(names)))


@st.composite
def form_choices(draw: st.DrawFn, name: Any) -> list[FormChoice]:
    groups = draw(st.sets(st.sampled_from(sorted(FORMS[name]))))
    alpha = draw(st.floats(0, 1)) if name == "smoothing" else None
    return [FormChoice(name, tuple(groups), alpha)] if groups else []


@st.composite
def compressions(draw: st.DrawFn, floats: Sequence[str], forms: Sequence[FormChoice]) -> Compression | None:
    rewritten = {g for form in forms if form.name == "linear-as-convolution" for g in form.groups}
    possible = [name for name in COMPRESSIBLE if name in floats and name not in rewritten]
    chosen = draw(st.sets(st.sampled_from(possible))) if possible else ()
    model = model_info(compressible=COMPRESSIBLE, finer=FINER)
    form = draw(st.sampled_from([WeightForm(), WeightForm(4, 32), WeightForm(8, 64), WeightForm(4)]))
    groups = [g for g in get_args(DynamicGroup) if any(g in model.dynamic_groups(n, form) for n in chosen)]
    group = draw(st.sampled_from((0, *(g for g in groups if any(g in gs for gs in model.layers(form).values())))))
    symmetry = draw(st.sampled_from(get_args(WeightSymmetry)))
    other = tuple(name for name in chosen if name not in model.layers(form))
    if len(other) == len(chosen):
        form, other = WeightForm(), ()
    return Compression(tuple(chosen), symmetry, group, form.bits, form.group, other) if chosen else None


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Any configuration of the model above, in its one form: no override repeats the choice for all."""
    precision = draw(st.sampled_from(get_args(Precision)))
    chosen = [form for name in FORMS for form in draw(form_choices(name))]
    if draw(st.booleans()):
        layout = tuple(f for f in chosen if f.name == "linear-as-convolution")
        compression = draw(compressions(WEIGHTED, layout))
        typed = [name for name in WEIGHTED if compression is None or name not in compression.operators]
        return Configuration(precision, None, layout, draw(bf16_operators(precision, typed)), compression)
    activation = draw(activation_choices)
    overrides = draw(st.dictionaries(st.sampled_from(QUANTIZERS), activation_choices))
    floats = tuple(draw(st.sets(st.sampled_from(sorted(OPERATORS)), max_size=len(OPERATORS) - 1)))
    compression = draw(compressions(floats, chosen))
    left = [name for name in floats if compression is None or name not in compression.operators]
    return Configuration(
        precision,
        Quantization(
            placement=draw(st.sampled_from(get_args(PlacementName))),
            preset=draw(st.sampled_from(get_args(Preset))),
            float_operators=floats,
            activation=activation,
            overrides=tuple((name, choice) for name, choice in overrides.items() if choice != activation),
            weights=draw(st.sampled_from(get_args(Granularity))),
            bias_correction=draw(st.booleans()),
            overflow_fix=draw(st.sampled_from(get_args(OverflowFix))),
        ),
        tuple(chosen),
        draw(bf16_operators(precision, [name for name in left if name in WEIGHTED])),
        compression,
    )


class Drawn:
    """``space.Suggest`` whose answers hypothesis chooses; remembers every question."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.questions: dict[str, tuple[Any, ...]] = {}
        self.answers: dict[str, Any] = {}

    def categorical(self, name: str, choices: Sequence[str | float | int | bool]) -> Any:
        assert name not in self.questions
        assert len(choices) == len(set(choices)) > 1
        assert all(isinstance(choice, str | float | int | bool) for choice in choices)
        self.questions[name] = tuple(choices)
        self.answers[name] = self._data.draw(st.sampled_from(choices), label=name)
        return self.answers[name]

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        assert name not in self.questions
        assert low < high
        assert not log or low > 0
        self.questions[name] = (low, high, log)
        self.answers[name] = self._data.draw(st.floats(low, high), label=name)
        return float(self.answers[name])
