"""What a recipe leaves to choose for one model, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from space_strategies import COMPRESSIBLE, FORMS, OPERATORS, model_info

from autotune import recipe
from autotune.configuration import ActivationChoice, Compression, Configuration, Estimator, FormChoice, Quantization
from autotune.errors import UserError
from autotune.space import Space
from autotune.space.asking import Replay
from autotune.space.halved import halved

F32 = Configuration("f32", None)
DEFAULT = Quantization(overflow_fix="off")
VNNI = model_info(can_saturate=False, precisions=("f32", "bf16"))


def space_of(text: str, model: Any = VNNI, folder: Path | None = None) -> Space:
    """The space of a recipe whose ``space:`` holds ``text``."""
    path = (folder or Path()) / "r.yaml"
    head = "version: 1\nmodel: {path: m.onnx}\ndata: {path: d.npz}\nmetric: accuracy\n"
    path.write_text(head + (f"space: {text}\n" if text else ""))
    return Space(recipe.load(path).space, model)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_plain_is_what_peers_ship() -> None:
    transformer = replace(DEFAULT, placement="transformer", preset="mixed")
    assert space_of("").plain() == [
        F32,
        Configuration("bf16", None),
        Configuration("f32", DEFAULT),
        Configuration("bf16", DEFAULT),
        Configuration("f32", transformer),
        Configuration("bf16", transformer),
    ]


def test_plain_on_a_saturating_cpu_has_the_overflow_fix_of_nncf() -> None:
    plain = space_of("", model_info(can_saturate=True, precisions=("f32",))).plain()
    assert [c.quantization.overflow_fix for c in plain if c.quantization] == ["first-layer"] * 2


def test_plain_takes_the_first_choice_where_the_usual_one_is_not_allowed() -> None:
    space = space_of(
        "{schemes: int8-static, placement: plain, precision: bf16, activations: {estimator: [mse, entropy]}}"
    )
    usual = replace(DEFAULT, activation=ActivationChoice(Estimator("mse")))
    assert space.plain() == [F32, Configuration("bf16", usual)]
    assert space.parameters(F32) == {"scheme": "reference"}


def test_what_is_left_out_is_said() -> None:
    assert space_of("").notes == (
        "Precision f16 left out: this CPU does not execute it.",
        "Overflow fix first-layer and all left out: 8-bit sums cannot saturate on this CPU.",
    )
    assert space_of("", model_info(can_saturate=True)).notes == ()
    assert space_of("", model_info(operators={}, activation_quantizers=())).notes == (
        "The model has no operator that can be quantised: only float configurations are tried.",
    )


def test_one_overflow_fix_that_was_asked_for_is_kept() -> None:
    space = space_of("{overflow_fix: all, precision: f32}")
    assert space.notes == ()
    assert {c.quantization.overflow_fix for c in space.plain() if c.quantization} == {"all"}


def test_a_model_without_operators_has_float_configurations_only() -> None:
    space = space_of("", model_info(operators={}, activation_quantizers=(), precisions=("f32", "bf16")))
    assert space.plain() == [F32, Configuration("bf16", None)]
    assert list(space.neighbours(F32)) == [Configuration("bf16", None)]
    assert space.groups == {}


def test_groups() -> None:
    assert space_of("").groups == {
        "type:Convolution": ("/stem/Conv",),
        "type:GroupConvolution": ("dw",),
        "type:Add": ("add",),
        "type:MatMul": ("12", "/head/Gemm: x"),
        "last": ("/head/Gemm: x",),
    }


def test_groups_hold_only_what_may_be_either_and_leave_something_int8() -> None:
    two = {"a": "MatMul", "b": "MatMul"}
    assert space_of("", model_info(operators=two, activation_quantizers=())).groups == {"first": ("a",), "last": ("b",)}
    space = space_of("{operators: {a: int8-static}}", model_info(operators=two, activation_quantizers=()))
    assert space.groups == {"type:MatMul": ("b",)}
    assert space_of("{schemes: int8-static}").groups == {}


def test_restrictions_of_single_operators() -> None:
    space = space_of('{schemes: int8-static, precision: f32, operators: {dw: float, "12": [float, int8-static]}}')
    floats = {c.quantization.float_operators for c in _all_around(space) if c.quantization}
    assert floats == {("dw",), ("12", "dw")}


def test_schemes_float_with_one_int8_operator() -> None:
    space = space_of(
        "{schemes: float, precision: f32, operators: {dw: int8-static}, placement: plain, preset: mixed,"
        " activations: {estimator: mse, symmetry: affine}, weights: {granularity: per-tensor}, bias_correction: false,"
        " overflow_fix: off, forms: off, bf16_operators: false, threads: all}"
    )
    solved = space.solved()
    assert solved is not None
    assert solved.quantization is not None
    assert solved.quantization.float_operators == ("/head/Gemm: x", "/stem/Conv", "12", "add")


def test_neighbours_in_order() -> None:
    space = space_of(
        "{schemes: int8-static, precision: [f32, bf16],"
        " operators: {dw: [float, int8-static], add: [float, int8-static]},"
        " activations: {estimator: [mean-min-max, mse], symmetry: [as-preset, affine]}}"
    )
    start = Configuration("f32", DEFAULT)
    changes: list[dict[str, Any]] = [
        {"activation": ActivationChoice(Estimator("mse"))},
        {"preset": "mixed"},
        {"placement": "transformer"},
        {"activation": ActivationChoice(symmetry="affine")},
        {"float_operators": ("dw",)},
        {"float_operators": ("add",)},
        {"weights": "per-tensor"},
        {"bias_correction": False},
    ]
    expected = [Configuration("f32", replace(DEFAULT, **change)) for change in changes]
    assert list(space.neighbours(start)) == [*expected, Configuration("bf16", DEFAULT)]


def test_groups_and_operators_flip_back() -> None:
    space = space_of("{precision: f32}")
    both = Configuration("f32", replace(DEFAULT, float_operators=("12", "/head/Gemm: x", "dw")))
    floats = [set(n.quantization.float_operators) for n in space.neighbours(both) if n.quantization]
    assert {"dw"} in floats
    assert {"12", "/head/Gemm: x"} in floats
    assert {"12", "dw"} in floats
    assert {"12", "/head/Gemm: x", "dw", "add"} in floats
    assert space.parameters(both)["operators"] == "listed"
    group = Configuration("f32", replace(DEFAULT, float_operators=("12", "/head/Gemm: x")))
    assert space.parameters(group)["operators"] == "type:MatMul"


def test_keeping_the_last_int8_operator_float_gives_the_float_model() -> None:
    space = space_of("{precision: f32}")
    last = Configuration("f32", replace(DEFAULT, float_operators=("/stem/Conv", "12", "add", "dw")))
    neighbours = list(space.neighbours(last))
    assert F32 in neighbours


def test_neighbours_of_a_float_configuration() -> None:
    space = space_of("{precision: [f32, bf16], bf16_operators: false}")
    assert list(space.neighbours(F32)) == [Configuration("f32", DEFAULT), Configuration("bf16", None)]


def test_neighbours_inside_a_range() -> None:
    space = space_of("{precision: f32, activations: {estimator: {moving-average: {low: 0.01, high: 0.5}}}}")

    def estimators(parameter: float) -> list[float | None]:
        activation = ActivationChoice(Estimator("moving-average", parameter))
        around = space.neighbours(Configuration("f32", replace(DEFAULT, activation=activation)))
        found = [n.quantization.activation.estimator.parameter for n in around if n.quantization]
        return [p for p in found if p != parameter]

    assert estimators(0.1) == [0.05, 0.2]
    assert estimators(0.4) == [0.2, 0.5]
    assert estimators(0.01) == [0.02]


def test_percentiles_are_searched_by_what_they_cut_off() -> None:
    space = space_of("{precision: f32, activations: {estimator: {percentile: {low: 0.99, high: 0.9999}}}}")
    around = ActivationChoice(Estimator("percentile", 0.999))
    configuration = Configuration("f32", replace(DEFAULT, activation=around))
    assert space.parameters(configuration)["percentile(0.99..0.9999)"] == pytest.approx(0.001)


def test_quantisers_follow_the_general_choice_unless_they_have_their_own() -> None:
    space = space_of(
        "{precision: f32, activations: {estimator: [mse, entropy], symmetry: [as-preset, affine],"
        " quantizers: {dw/fq_output_0: {estimator: [mse, min-max]}}}}"
    )
    start = space.plain()[1]
    assert start.quantization is not None
    assert start.quantization.overrides == ()
    overrides = [
        n.quantization.overrides for n in space.neighbours(start) if n.quantization and n.quantization.overrides
    ]
    assert overrides == [
        (("dw/fq_output_0", ActivationChoice(Estimator("mse"))),),  # the others went to entropy
        (("dw/fq_output_0", ActivationChoice(Estimator("min-max"))),),
    ]
    affine = [n for n in space.neighbours(start) if n.quantization and n.quantization.activation.symmetry == "affine"]
    assert [n.quantization.overrides for n in affine if n.quantization] == [()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{operators: {ad: float}}",
            "r.yaml:5: space.operators.ad: the model has no operator 'ad' that can be quantised. Did you mean 'add'?",
        ),
        ("{operators: {zzzz: float}}", "It has /stem/Conv, dw, add, 12, /head/Gemm: x."),
        (
            "{activations: {quantizers: {dw/fq_output_1: {estimator: mse}}}}",
            "r.yaml:5: space.activations.quantizers.dw/fq_output_1: the model has no activation quantiser "
            "'dw/fq_output_1'. Did you mean 'dw/fq_output_0'?",
        ),
        ("{precision: f16}", "r.yaml:5: space.precision: this CPU does not execute f16; it executes f32, bf16."),
    ],
)
def test_names_the_model_does_not_have(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        space_of(text)
    assert message in str(error.value)


def test_int8_of_a_model_that_has_nothing_to_quantise() -> None:
    with pytest.raises(UserError, match=r"r\.yaml:5: space\.schemes: asks for int8, but the model has no operator"):
        space_of("{schemes: int8-static}", model_info(operators={}, activation_quantizers=()))


def test_hints_do_not_list_hundreds_of_operators() -> None:
    many = model_info(operators={f"node{i}": "MatMul" for i in range(100)}, activation_quantizers=())
    with pytest.raises(UserError, match=r"It has node0, .*node7 and 92 more\.$"):
        space_of("{operators: {zzzz: float}}", many)


def test_what_is_not_in_the_space_has_no_parameters() -> None:
    space = space_of("{precision: f32, schemes: int8-static, weights: {granularity: per-channel}}")
    for change in ({"weights": "per-tensor"}, {"float_operators": ("dw",)}, {"overflow_fix": "all"}):
        with pytest.raises(ValueError, match="not in this space"):
            space.parameters(Configuration("f32", replace(DEFAULT, **change)))
    with pytest.raises(ValueError, match="not in this space"):
        space.parameters(Configuration("bf16", DEFAULT))
    with pytest.raises(ValueError, match="not in this space"):
        next(space.neighbours(Configuration("f32", replace(DEFAULT, weights="per-tensor"))))


def test_optuna_accepts_every_question_of_a_hundred_operators() -> None:
    """The sampler learns over trials of all kinds, and enqueued answers come back as the same configuration."""
    operators = {f"node{i}": "MatMul" if i % 3 else "Convolution" for i in range(100)}
    space = space_of("{bf16_operators: false}", model_info(operators=operators, activation_quantizers=()))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=3))

    class Asked:
        def __init__(self, trial: optuna.Trial) -> None:
            self.trial = trial

        def categorical(self, name: str, choices: Any) -> Any:
            return self.trial.suggest_categorical(name, choices)

        def number(self, name: str, low: float, high: float, log: bool) -> float:
            return float(self.trial.suggest_float(name, low, high, log=log))

    for wanted in [*space.plain(), *list(space.neighbours(space.plain()[-1]))[:130:7]]:
        study.enqueue_trial(space.parameters(wanted))
        trial = study.ask()
        assert space.sample(Asked(trial)) == wanted
        study.tell(trial, float(trial.number))
    for _ in range(12):
        trial = study.ask()
        space.sample(Asked(trial))
        study.tell(trial, float(trial.number))
    usual = [len(t.params) for t in study.trials if t.params.get("operators") != "listed"]
    assert max(usual) <= 10


def _all_around(space: Space) -> list[Configuration]:
    """Everything reachable by changing one choice at a time."""
    seen = list(space.plain())
    for configuration in seen:
        seen += [n for n in space.neighbours(configuration) if n not in seen] if len(seen) < 300 else []
    return seen


WITH_FORMS = model_info(can_saturate=False, precisions=("f32",), forms=FORMS, bf16_operators=())
ALL_LINEAR = FormChoice("linear-as-convolution", ("12", "/head/Gemm: x"))


def test_what_changes_kernels_and_what_it_leaves() -> None:
    products = {**OPERATORS, "q*k": "MatMul", "attention": "ScaledDotProductAttention"}
    space = space_of("", model_info(operators=products, forms=FORMS))
    assert space.kernel_forms == (ALL_LINEAR,)
    assert space.products_left == ("q*k", "attention")
    assert space_of("{forms: off}", model_info(operators=products, forms=FORMS)).products_left == ()


def test_the_transformer_setting_of_nncf_comes_with_its_smoothing() -> None:
    plain = space_of("", WITH_FORMS).plain()
    assert [c.forms for c in plain] == [(), (), (FormChoice("smoothing", ("12",), 0.95),)]
    assert [c.forms for c in space_of("{forms: {smoothing: {alpha: [0.3, 0.8]}}}", WITH_FORMS).plain()][2] == (
        FormChoice("smoothing", ("12",), 0.8),
    )
    assert not any(c.forms for c in space_of("{forms: off}", WITH_FORMS).plain())


def test_forms_among_the_neighbours() -> None:
    space = space_of("{precision: f32, forms: {cross_layer_equalisation: {use: false}}}", WITH_FORMS)
    start = Configuration("f32", DEFAULT, (FormChoice("smoothing", ("12",), 0.7),))
    found = [n.forms for n in space.neighbours(start) if n.forms != start.forms and n.quantization == DEFAULT]
    assert found == [
        (),
        (ALL_LINEAR, *start.forms),
        (FormChoice("smoothing", ("12",), 0.85),),
        (FormChoice("smoothing", ("12",), 0.95),),
        (FormChoice("linear-as-convolution", ("12",)), *start.forms),
        (FormChoice("linear-as-convolution", ("/head/Gemm: x",)), *start.forms),
    ]
    assert [n.forms for n in space.neighbours(F32) if n.quantization is None] == [
        (ALL_LINEAR,),
        (FormChoice("linear-as-convolution", ("12",)),),
        (FormChoice("linear-as-convolution", ("/head/Gemm: x",)),),
    ]


def test_forms_that_a_recipe_demands() -> None:
    text = "{precision: f32, schemes: float, forms: {linear_as_convolution: {use: false, groups: {'12': true}}}}"
    space = space_of(text, WITH_FORMS)
    demanded = Configuration("f32", None, (FormChoice("linear-as-convolution", ("12",)),))
    assert space.plain() == [F32, demanded]
    assert space.parameters(F32) == {"scheme": "reference"}


def test_a_group_that_the_model_does_not_have() -> None:
    with pytest.raises(UserError, match=r"space\.forms\.smoothing\.groups\.13: the model has no group '13'"):
        space_of("{forms: {smoothing: {groups: {'13': true}}}}", WITH_FORMS)


def test_operators_in_bf16() -> None:
    space = space_of("{precision: f32, placement: plain, preset: performance}", replace(VNNI, forms={}))
    floats = [n for n in space.neighbours(F32) if n.quantization is None]
    names = ("/head/Gemm: x", "/stem/Conv", "12", "dw")
    assert [n.bf16_operators for n in floats] == [names, ("/stem/Conv",), ("dw",), ("12",), ("/head/Gemm: x",)]
    kept = Configuration("f32", replace(DEFAULT, float_operators=("12", "add")))
    found = [n.bf16_operators for n in space.neighbours(kept) if n.quantization == kept.quantization]
    assert found == [("12",)], "only float operators with weights"
    typed = replace(kept, bf16_operators=("12",))
    assert space.sample(Replay(space.parameters(typed))) == typed
    without = space_of("{precision: f32}", model_info(precisions=("f32",), bf16_operators=()))
    assert not any(n.bf16_operators for n in without.neighbours(F32))
    assert not space_of("{precision: bf16}").holds(replace(typed, precision="bf16"))


def test_that_operators_in_bf16_could_not_be_probed_is_said() -> None:
    model = model_info(bf16_operators=(), bf16_failure="RuntimeError: no kernel")
    (said,) = [note for note in space_of("{}", model).notes if "bf16" in note]
    assert said.startswith("No single operators in bf16 are tried") and said.endswith("(RuntimeError: no kernel).")
    assert not any("bf16" in note for note in space_of("{bf16_operators: false}", model).notes)


def test_operators_in_bf16_that_the_recipe_demands() -> None:
    text = "{precision: f32, schemes: float, bf16_operators: {use: false, operators: {dw: true}}}"
    demanded = Configuration("f32", bf16_operators=("dw",))
    assert space_of(text).plain() == [F32, demanded]
    assert space_of(text, replace(VNNI, bf16_operators=("12",))).notes == (
        "Not in bf16, because OpenVINO does not execute them so here: dw.",
    )
    with pytest.raises(
        UserError, match=r"bf16_operators\.operators\.add: the model has no operator 'add' with weights"
    ):
        space_of("{bf16_operators: {operators: {add: true}}}")


LINEAR = model_info(can_saturate=False, precisions=("f32", "bf16"), compressible=COMPRESSIBLE, forms=FORMS)
BOTH = ("/head/Gemm: x", "12")


def test_layers_with_int8_weights_come_after_float_where_they_are_most() -> None:
    plain = space_of("{precision: f32}", LINEAR).plain()
    dynamic, weights = Compression(BOTH, "symmetric", 128), Compression(BOTH)
    assert plain[:3] == [F32, Configuration(compression=dynamic), Configuration(compression=weights)]
    assert plain[3].quantization is not None
    few = model_info(compressible={"12": (128, 64, 32)})
    assert not any(c.compression for c in space_of("{precision: f32}", few).plain())


def test_without_vnni_only_weights_are_int8() -> None:
    space = space_of("{precision: f32}", model_info(compressible=dict.fromkeys(COMPRESSIBLE, ())))
    assert {c.compression for c in space.plain()} == {None, Compression(BOTH)}
    assert (
        "Scheme int8-dynamic left out: OpenVINO quantises the activations of none of these layers at run time here."
        in space.notes
    )
    with pytest.raises(
        UserError, match=r"space.operators.12: cannot be int8-dynamic: OpenVINO does not run it so here"
    ):
        space_of("{operators: {'12': int8-dynamic}}", model_info(compressible=dict.fromkeys(COMPRESSIBLE, ())))


def test_a_scheme_of_linear_layers_only() -> None:
    with pytest.raises(UserError, match=r"space.operators.dw: int8-weights is for linear layers"):
        space_of("{operators: {dw: int8-weights}}", LINEAR)
    with pytest.raises(UserError, match=r"space.schemes: no dynamic group suits all layers"):
        space_of("{operators: {'12': int8-weights, '/head/Gemm: x': int8-dynamic}}", LINEAR)
    forced = space_of(
        "{precision: f32, schemes: int8-dynamic, compression: {dynamic_group: 32, symmetry: affine}}", LINEAR
    )
    assert forced.plain() == [F32, Configuration(compression=Compression(BOTH, "affine", 32))]


def test_a_narrow_layer_has_int8_weights_beside_dynamic_ones() -> None:
    """One group for the model: what has fewer inputs is as it would be without, and is named so."""
    space = space_of("{precision: f32}", LINEAR)
    fixed = space.fix(Configuration(compression=Compression(BOTH, "symmetric", 128)))
    assert fixed.operators == {"12": ("int8-dynamic",), "/head/Gemm: x": ("int8-weights",)}
    assert fixed.compression == recipe.CompressionSpace(symmetry=("symmetric",), dynamic_group=(128,))
    with pytest.raises(ValueError, match="not in this space"):
        space.parameters(Configuration(compression=Compression(("/head/Gemm: x",), "symmetric", 128)))


def test_float_layers_of_a_static_configuration_get_int8_weights_in_one_change() -> None:
    space = space_of("{precision: f32, forms: off, bf16_operators: false}", LINEAR)
    static = Configuration("f32", replace(DEFAULT, float_operators=BOTH))
    found = [n.compression for n in space.neighbours(static, ("compression",))]
    assert found == [Compression(BOTH, "symmetric", 128), Compression(BOTH, "symmetric", 32), Compression(BOTH)]
    whole = Configuration("f32", DEFAULT)
    mixed = Configuration("f32", static.quantization, compression=found[0])
    assert not list(space.neighbours(whole, ("compression",)))
    assert next(iter(space.neighbours(whole, ("compression-of-all",)))) == mixed


def test_changes_of_layers_with_int8_weights() -> None:
    space = space_of("{precision: f32, forms: off, bf16_operators: false}", LINEAR)
    now = Configuration(compression=Compression(BOTH, "symmetric", 32))
    assert [n.compression for n in space.neighbours(now, ("compression",))] == [
        None, Compression(BOTH, "symmetric", 128), Compression(BOTH),
    ]  # fmt: skip
    assert {n.compression for n in space.neighbours(now, ("compression-detail",))} == {
        Compression(BOTH, "affine", 32),
        Compression(("12",), "symmetric", 32),
        Compression(("/head/Gemm: x",), "symmetric", 32),
    }


FOUR = replace(LINEAR, finer={"int4/32": {"12": (32,)}, "int8/64": {"12": (64, 32)}})


def test_weights_of_4_bits_only_where_they_are_asked_for() -> None:
    assert {c.compression.bits for c in space_of("{precision: f32}", FOUR).plain() if c.compression} == {8}
    space = space_of("{precision: f32, compression: {bits: [8, 4]}}", FOUR)
    four = Configuration(compression=Compression(BOTH, "symmetric", 0, 4, 32, ("/head/Gemm: x",)))
    assert four in space.plain() and space.holds(four)
    assert four.label == "int4-weights (weight group 32) of 1 linear layer, int8 per channel in 1 more, rest f32"
    assert (
        "4-bit weights with groups of 128 left out: OpenVINO keeps no layer of this model so here "
        "(never tried with: the last layer, inputs that are no whole groups)."
    ) in space.notes
    assert (
        "Where others have 4-bit weights with groups of 32, 1 of 2 linear layers has 8-bit weights with a scale per "
        "output channel (the last layer, inputs that are no whole groups, or not kept so by OpenVINO): /head/Gemm: x."
    ) in space.notes
    alone = Configuration(compression=Compression(("12",), "symmetric", 0, 4, 32))
    assert alone in set(space.neighbours(four, ("compression-detail",)))


def test_dynamic_groups_with_groups_of_the_weights() -> None:
    """Each layer is named after what it runs as in the form that it has: 64 goes with that of 64 only."""
    space = space_of("{compression: {weight_group: [per-channel, 64], dynamic_group: [128, 64]}}", FOUR)
    grouped = Configuration(compression=Compression(("12",), "symmetric", 64, 8, 64))
    assert space.holds(grouped)
    assert not space.holds(replace(grouped, compression=replace(grouped.compression, dynamic_group=128)))
    assert space.fix(grouped).compression == recipe.CompressionSpace(
        symmetry=("symmetric",), dynamic_group=(64,), bits=(8,), weight_group=(64,)
    )


def test_a_cpu_that_keeps_no_4_bits() -> None:
    """Nothing takes their place unsaid."""
    text = "{precision: f32, schemes: [float, int8-weights], compression: {bits: 4, weight_group: 32}}"
    space = space_of(text, LINEAR)
    assert not any(c.compression for c in space.plain())
    assert space.notes[-1].startswith("4-bit weights with groups of 32 left out: OpenVINO keeps no layer")
    with pytest.raises(UserError, match=r"operators\.12: int8-weights is for linear layers that run so here"):
        space_of("{schemes: float, operators: {'12': int8-weights}, compression: {bits: 4}}", LINEAR)


def test_a_layer_that_a_form_rewrites_or_that_is_in_bf16_has_no_int8_weights() -> None:
    space = space_of("{precision: f32}", LINEAR)
    rewritten = Configuration(
        forms=(FormChoice("linear-as-convolution", ("12",)),), compression=Compression(BOTH, "symmetric", 32)
    )
    assert not space.holds(rewritten)
    assert space.holds(replace(rewritten, compression=Compression(("/head/Gemm: x",), "symmetric", 32)))
    typed = Configuration(bf16_operators=("12",), compression=Compression(BOTH, "symmetric", 32))
    assert not space.holds(typed)


def test_threads_are_halved_down_to_one() -> None:
    def offered(text: str, threads: int) -> set[int | None]:
        space = space_of(f"{{threads: {text}}}", model_info(threads=threads))
        return {None, *(c.threads for c in space.neighbours(Configuration(), ["threads"]))}

    assert offered("[all, fewer]", 6) == {None, 3, 1}
    assert offered("[all, fewer]", 1) == {None}
    assert offered("[all, 4]", 6) == {None, 4}
    assert offered("all", 6) == {None}


def test_more_threads_than_there_are_mean_all() -> None:
    space = space_of("{threads: 8}", model_info(threads=2))
    assert space.threads == ()
    assert "8 threads left out: the run may use 2." in space.notes


def test_where_all_threads_are_not_allowed_float_f32_is_the_reference_only() -> None:
    space = space_of("{threads: 1}", model_info(threads=2))
    assert space.plain()[0] == Configuration()
    assert all(c.threads == 1 for c in space.plain()[1:])
    assert space.holds(Configuration(threads=1))
    assert space.holds(Configuration())
    assert not space.holds(Configuration(precision="bf16"))


def test_how_float_weights_are_stored_is_asked_of_nobody() -> None:
    either, f32, f16 = (space_of(f"{{float_weights: {text}}}") for text in ("[f16, f32]", "f32", "f16"))
    assert [(s.float_weights, s.may_halve) for s in (either, f32, f16)] == [
        ("f32", True), ("f32", False), ("f16", False),
    ]  # fmt: skip
    assert either.plain() == f32.plain() == space_of("").plain()
    assert f16.plain() == [F32, *(replace(c, float_weights="f16") for c in f32.plain())]
    for space, stored in ((f32, "f32"), (f16, "f16")):
        for configuration in space.plain():
            assert "float_weights" not in space.parameters(configuration)
            solved = space.fix(configuration)
            assert solved.float_weights == (configuration.float_weights,)
            assert Space(solved, VNNI).solved() == configuration
            assert all(c.float_weights == stored or c == F32 for c in space.neighbours(configuration))
    assert not f32.holds(replace(F32, float_weights="f16"))


@pytest.mark.parametrize(("size", "limit", "left"), [(100, None, 2), (100, 100, 2), (101, 100, 1)])
def test_where_the_float_model_is_too_large_all_are_stored_as_f16(size: int, limit: int | None, left: int) -> None:
    found = halved(recipe.Space(), size, limit)
    assert len(found.space.float_weights) == left
    assert bool(found.note) == (left == 1) == (found.space.float_weights == ("f16",))
    single = recipe.Space(float_weights=("f32",))
    assert halved(single, size, limit).space is single
