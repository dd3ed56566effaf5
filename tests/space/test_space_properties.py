"""What holds for every recipe and model: inverses, membership, and questions that never change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from space_strategies import COMPRESSIBLE, FINER, FORMS, WEIGHTED, Drawn, configurations, model_info, models, spaces

from autotune import recipe
from autotune.configuration import Configuration, FloatWeights, Quantization, WeightForm
from autotune.errors import UserError
from autotune.recipe import EstimatorChoice, Range
from autotune.record import ModelInfo
from autotune.space import Space

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FLOAT_F32 = Configuration("f32", None)


def offered(choices: tuple[EstimatorChoice, ...], name: str, parameter: float | None) -> bool:
    for choice in choices:
        span = choice.parameter
        if choice.name == name and (
            span == parameter
            or (isinstance(span, Range) and parameter is not None and span.low <= parameter <= span.high)
        ):
            return True
    return False


def allowed(space: recipe.Space, model: ModelInfo, configuration: Configuration) -> bool:
    """The recipe's own words, said again without any code of the space."""
    if configuration == FLOAT_F32:
        return True
    if configuration.float_weights != ("f32" if "f32" in space.float_weights else "f16"):
        return False
    rewritten = {g for f in configuration.forms if f.name == "linear-as-convolution" for g in f.groups}
    compression = configuration.compression
    if compression is not None and not (
        rewritten.isdisjoint(compression.operators)
        and set(compression.operators).isdisjoint(configuration.bf16_operators)
        and compression.symmetry in space.compression.symmetry
        and compression.dynamic_group in (0, *space.compression.dynamic_group)
        and compression.form in space.compression.forms
        and set(compression.per_channel) == set(compression.operators).difference(model.layers(compression.form))
        and (
            not compression.dynamic_group
            or "int8-dynamic" in {scheme_of(model, configuration, n) for n in compression.operators}
        )
    ):
        return False
    schemes = {name: possible_schemes(space, model, name) for name in model.operators}
    q = configuration.quantization
    if q is None:
        layout_only = all(form.name in FLOAT_FORMS for form in configuration.forms)
        return (
            configuration.precision in space.precision
            and all(scheme_of(model, configuration, n) in s for n, s in schemes.items())
            and layout_only
            and forms_allowed(space, model, configuration, FLOAT_FORMS)
            and bf16_allowed(space, configuration, model.operators)
        )
    return (
        forms_allowed(space, model, configuration, list(model.forms))
        and bf16_allowed(space, configuration, q.float_operators)
        and configuration.precision in space.precision
        and overrides_allowed(space.activations, q)
        and all(scheme_of(model, configuration, n) in s for n, s in schemes.items())
        and len(q.float_operators) < len(model.operators)
        and offered(space.activations.estimator, q.activation.estimator.name, q.activation.estimator.parameter)
        and q.activation.symmetry in space.activations.symmetry
        and q.placement in space.placement
        and q.preset in space.preset
        and q.weights in space.weights.granularity
        and q.bias_correction in space.bias_correction
        and q.overflow_fix in space.overflow_fix
    )


def scheme_of(model: ModelInfo, configuration: Configuration, name: str) -> str:
    q, compression = configuration.quantization, configuration.compression
    if q is not None and name not in q.float_operators:
        return "int8-static"
    if compression is None or name not in compression.operators:
        return "float"
    groups = model.dynamic_groups(name, compression.form)
    return "int8-dynamic" if compression.dynamic_group in groups else "int8-weights"


def wanted_schemes(space: recipe.Space, model: ModelInfo, name: str) -> tuple[str, ...]:
    """What the recipe allows of the operator, but for integer weights of one that is always bf16 or rewritten."""
    forms, groups = space.forms.linear_as_convolution, model.forms["linear-as-convolution"]
    typed = space.bf16_operators.operators.get(name, space.bf16_operators.use) == (True,)
    rewritten = name in groups and forms.groups.get(name, forms.use) == (True,)
    asked = space.operators.get(name, space.schemes)
    return tuple(s for s in asked if s in ("float", "int8-static") or not (typed or rewritten))


def possible_schemes(space: recipe.Space, model: ModelInfo, name: str) -> tuple[str, ...]:
    """What the recipe allows of what the operator can have here; float where that is nothing.

    Weights of a form are there if some layer can have them so; then others have 8 bits beside it.
    """

    def scheme(layer: str, form: WeightForm, group: int) -> str:
        return "int8-dynamic" if group in model.dynamic_groups(layer, form) else "int8-weights"

    modes = [
        (form, group)
        for form in space.compression.forms
        for group in (*space.compression.dynamic_group, 0)
        if any(
            (made := scheme(n, form, group)) in wanted_schemes(space, model, n)
            and made == ("int8-dynamic" if group else "int8-weights")
            for n in model.layers(form)
            if n in model.operators
        )
    ]
    here = {scheme(name, *mode) for mode in modes} if name in model.compressible else set()
    wanted = wanted_schemes(space, model, name)
    return tuple(s for s in wanted if s in ("float", "int8-static") or s in here) or ("float",)


def made_or_refused(space: recipe.Space, model: ModelInfo) -> Space:
    """Schemes of single operators may contradict what runs here, or each other: that is a user's mistake."""
    try:
        return Space(space, model)
    except UserError as error:
        assert "space.operators" in str(error) or "no dynamic group suits" in str(error)
        assume(False)
        raise


FLOAT_FORMS = ["linear-as-convolution", "direct-convolution"]


def forms_allowed(space: recipe.Space, model: ModelInfo, configuration: Configuration, names: list[Any]) -> bool:
    chosen = {form.name: form for form in configuration.forms}
    for name in names:
        choices, form = space.forms.of(name), chosen.get(name)
        if name == "direct-convolution" and not model.direct_kernels:
            if form is not None:
                return False
            continue
        for group in model.forms[name]:
            if (form is not None and group in form.groups) not in choices.groups.get(group, choices.use):
                return False
        if form is not None and form.alpha is not None and form.alpha not in choices.alpha:
            return False
    return True


def bf16_allowed(space: recipe.Space, configuration: Configuration, floats: Iterable[str]) -> bool:
    if configuration.precision != "f32":
        return not configuration.bf16_operators
    choices = space.bf16_operators
    compression = configuration.compression
    possible = [n for n in floats if n in WEIGHTED and (compression is None or n not in compression.operators)]
    return set(configuration.bf16_operators) <= set(possible) and all(
        (name in configuration.bf16_operators) in choices.operators.get(name, choices.use) for name in possible
    )


def overrides_allowed(space: recipe.ActivationSpace, q: Quantization) -> bool:
    overrides = dict(q.overrides)
    for name, quantizer in space.quantizers.items():
        choice = overrides.pop(name, q.activation)
        estimator, symmetry = choice.estimator, choice.symmetry
        if quantizer.estimator is None:
            if estimator != q.activation.estimator:
                return False
        elif not offered(quantizer.estimator, estimator.name, estimator.parameter):
            return False
        if symmetry not in (quantizer.symmetry or (q.activation.symmetry,)):
            return False
    return not overrides


@relaxed
@given(spaces, models, st.data())
def test_parameters_are_the_inverse_of_sample(space: recipe.Space, model: ModelInfo, data: st.DataObject) -> None:
    made = made_or_refused(space, model)
    drawn = Drawn(data)
    configuration = made.sample(drawn)
    assert allowed(space, model, configuration)
    answers = made.parameters(configuration)

    class Fixed:
        def __init__(self) -> None:
            self.asked: set[str] = set()

        def categorical(self, name: str, choices: object) -> object:
            self.asked.add(name)
            assert answers[name] in choices  # type: ignore[operator]
            return answers[name]

        def number(self, name: str, low: float, high: float, log: bool) -> float:
            self.asked.add(name)
            assert low <= answers[name] <= high
            return float(answers[name])

    fixed = Fixed()
    assert made.sample(fixed) == configuration
    assert fixed.asked == set(answers)


@relaxed
@given(spaces, models, st.data())
def test_questions_keep_their_choices(space: recipe.Space, model: ModelInfo, data: st.DataObject) -> None:
    made = made_or_refused(space, model)
    first, second = Drawn(data), Drawn(data)
    made.sample(first)
    made.sample(second)
    for name in first.questions.keys() & second.questions.keys():
        assert first.questions[name] == second.questions[name]


@relaxed
@given(spaces, models, st.data())
def test_neighbours_are_allowed_reachable_and_different(
    space: recipe.Space, model: ModelInfo, data: st.DataObject
) -> None:
    made = made_or_refused(space, model)
    configuration = made.sample(Drawn(data))
    neighbours = list(made.neighbours(configuration))
    assert configuration not in neighbours
    assert len(set(neighbours)) == len(neighbours)
    assert neighbours == list(made.neighbours(configuration)) == list(Space(space, model).neighbours(configuration))
    for neighbour in neighbours:
        assert allowed(space, model, neighbour)
        assert made.parameters(neighbour) is not None


@relaxed
@given(spaces, models)
def test_plain_starts_with_the_reference_and_is_reachable(space: recipe.Space, model: ModelInfo) -> None:
    made = made_or_refused(space, model)
    plain = made.plain()
    assert plain[0] == FLOAT_F32
    assert len(set(plain)) == len(plain)
    for configuration in plain:
        assert allowed(space, model, configuration)
        assert made.parameters(configuration) is not None


@relaxed
@given(configurations(), st.sampled_from(get_args(FloatWeights)))
def test_a_solved_recipe_gives_back_its_configuration(plain: Configuration, stored: FloatWeights) -> None:
    configuration = replace(plain, float_weights=stored)
    fixed = Space(recipe.Space(), model_info(forms=FORMS, compressible=COMPRESSIBLE, finer=FINER)).fix(configuration)
    assert fixed.is_solved
    asked = recipe.Recipe.quick("m.onnx", "d.npz", "accuracy")
    expect = recipe.Expect(model="0" * 64, data="1" * 64, candidate="2" * 64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solved.yaml"
        solved = asked.solved(space=fixed, expect=expect, threads=2, base=path.parent)
        path.write_text(recipe.dump(solved), encoding="utf-8")
        again = recipe.load(path)
    assert again == solved
    for saturates in (True, False):
        space = Space(
            again.space, model_info(can_saturate=saturates, forms=FORMS, compressible=COMPRESSIBLE, finer=FINER)
        )
        assert space.solved() == configuration
        assert not space.notes or (configuration.compression is not None and configuration.compression.per_channel)
        assert set(space.plain()) >= {FLOAT_F32, configuration}


@relaxed
@given(spaces, models)
def test_solved_exactly_when_nothing_is_left_to_choose(space: recipe.Space, model: ModelInfo) -> None:
    made = made_or_refused(space, model)
    solved = made.solved()
    assert (solved is not None) == space.is_solved
    if solved is not None:
        assert allowed(space, model, solved)
        assert set(made.plain()) == {FLOAT_F32, solved}
