"""Where quantisers go: NNCF's answer, by the fast way and by the public one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import nncf
import openvino as ov
import pytest
from nncf.common.graph.graph_matching import find_subgraphs_matching_pattern
from nncf.common.graph.patterns.manager import PatternsManager
from nncf.common.utils.backend import BackendType
from placement_models import attention, constant_gather, convolutions, elementwise, products, samples, shared_weights

from autotune.configuration import Preset
from autotune.graph.constants import constant
from autotune.graph.inspect import model_digest, model_digests
from autotune.graph.normalise import normalise
from autotune.quantize.nncf_patterns import hardware_patterns, ignored_patterns
from autotune.quantize.nncf_points import Points
from autotune.quantize.nncf_private import PrivateSolver
from autotune.quantize.placement import PLACEMENTS, Placer
from autotune.quantize.placers import Placers

MODELS = [convolutions, attention, products, shared_weights]


def placer(build: Callable[[], ov.Model], *, private: bool = True) -> Placer:
    model, _ = normalise(build())
    return Placer(model, samples(model).row(0), private=private)


@pytest.mark.parametrize("build", MODELS)
def test_fast_and_public_way_agree_for_any_float_set(build: Callable[[], ov.Model]) -> None:
    fast, public = placer(build), placer(build, private=False)
    assert fast.path == "fast"
    assert public.path != "fast"
    assert fast.operators() == public.operators()
    assert fast.tensors().items() <= public.tensors().items()
    rng = random.Random(1)
    names = list(fast.operators())
    for placement in PLACEMENTS:
        for preset in get_args(Preset):
            kept = frozenset(rng.sample(names, rng.randrange(len(names))))
            assert fast.solve(placement, preset, kept) == public.solve(placement, preset, kept)


@pytest.mark.parametrize("build", MODELS)
def test_every_point_is_observed(build: Callable[[], ov.Model]) -> None:
    fast = placer(build)
    tensors = fast.tensors()
    rng = random.Random(2)
    names = list(fast.operators())
    for placement in PLACEMENTS:
        for _ in range(10):
            kept = frozenset(rng.sample(names, rng.randrange(len(names))))
            for quantizer in fast.solve(placement, "mixed", kept).activations:
                assert quantizer.tensor in tensors
                assert quantizer.channel_axis is None or quantizer.channel_axis in tensors[quantizer.tensor]


@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("model_type", [None, nncf.ModelType.TRANSFORMER])
def test_patterns_are_found_where_nncf_finds_them(
    build: Callable[[], ov.Model], model_type: nncf.ModelType | None
) -> None:
    graph = nncf.build_graph(normalise(build())[0])
    graph.remove_nodes_from(graph.get_nodes_by_types(["Constant"]))
    device, kinds = nncf.TargetDevice.ANY, PatternsManager
    for ours, theirs, strict in (
        (hardware_patterns, kinds.get_full_hw_pattern_graph, True),
        (ignored_patterns, kinds.get_full_ignored_pattern_graph, False),
    ):
        found = find_subgraphs_matching_pattern(
            graph._nx_graph, theirs(BackendType.OPENVINO, device, model_type), strict
        )
        assert sorted(ours(device, model_type).matches(graph._nx_graph, strict=strict)) == sorted(found)


def test_models_that_differ_in_values_only_are_placed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    solve = PrivateSolver.solve
    monkeypatch.setattr(PrivateSolver, "solve", lambda *a: (asked.append(1), solve(*a))[1])
    one, other = normalise(convolutions())[0], normalise(convolutions())[0]
    for node in other.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f32:
            target = next(iter(node.output(0).get_target_inputs()))
            target.replace_source_output(constant(node.data * 1.5, ov.Type.f32, node.get_friendly_name()).output(0))
    digests = [model_digests(model) for model in (one, other)]
    assert digests[0].content != digests[1].content
    placers = Placers()
    first, again = (
        placers.of(model, digest.structure, samples(model).row(0), private=True, placements=PLACEMENTS)
        for model, digest in zip((one, other), digests, strict=True)
    )
    solved = first.solve("plain", "mixed")
    assert again.solve("plain", "mixed") == solved == placer(convolutions).solve("plain", "mixed")
    assert again.tensors() == first.tensors()
    assert len(asked) == 2


def test_naming_an_operator_has_an_effect() -> None:
    fast = placer(convolutions)
    for name in fast.operators():
        solved = [(fast.solve(p, "performance"), fast.solve(p, "performance", {name})) for p in PLACEMENTS]
        assert any(before != after for before, after in solved), name


def test_unknown_names_and_names_inside_a_fused_pattern_have_no_effect() -> None:
    fast = placer(convolutions)
    for name in ("no such operator", "stem/bias", "stem/relu"):
        assert name not in fast.operators()
        assert fast.solve("plain", "performance", {name}) == fast.solve("plain", "performance")


def test_solving_leaves_no_trace() -> None:
    model, _ = normalise(convolutions())
    before = model_digest(model)
    fast = Placer(model, samples(model).row(0))
    first = fast.solve("plain", "mixed")
    for name in fast.operators():
        fast.solve("plain", "mixed", {name})
    assert Placer(model, samples(model).row(0)).solve("plain", "mixed") == first
    assert fast.self_check() == "fast"
    assert model_digest(model) == before


def test_internals_that_place_otherwise_are_left_for_the_public_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another version of NNCF might: nothing raises, one quantiser is missing."""
    solve = PrivateSolver.solve

    def one_less(self: PrivateSolver, preset: Preset, float_operators: frozenset[str]) -> Points:
        points = solve(self, preset, float_operators)
        return replace(points, activations=points.activations[1:])

    monkeypatch.setattr(PrivateSolver, "solve", one_less)
    wrong = placer(convolutions)
    assert "place quantisers otherwise than nncf.quantize (plain)" in wrong.self_check()
    assert wrong.solve("plain", "mixed") == placer(convolutions, private=False).solve("plain", "mixed")


def test_details_of_a_convolutional_network() -> None:
    solved = placer(convolutions).solve("plain", "mixed")
    by_name = {q.name: q for q in solved.activations}
    assert not any(q.symmetric for q in solved.activations)
    assert by_name["merge/relu/fq_output_0"].must_be_symmetric, "feeds a transposed convolution"
    assert by_name["residual/fq_output_0"].group == by_name["left/relu/fq_output_0"].group is not None, "one Concat"
    assert {w.node for w in solved.weights if w.first_layer} == {"stem"}
    assert {w.node: w.channel_axes for w in solved.weights}["classifier"] == (0,), "folding turns the matrix over"
    assert all(q.symmetric for q in placer(convolutions).solve("plain", "performance").activations)


def test_depthwise_convolutions_are_quantised_per_channel() -> None:
    kept = ("stem", "residual", "pointwise")  # the depthwise convolution shares its input with the addition
    solved = placer(convolutions).solve("plain", "performance", kept)
    assert [q.channel_axis for q in solved.activations if q.tensor == "stem/relu:0"] == [1]


def test_products_of_two_activations_must_be_symmetric() -> None:
    solved = placer(products).solve("transformer", "mixed")
    forced = {q.name for q in solved.activations if q.must_be_symmetric}
    assert forced == {f"{name}/fq_output_0" for name in ("x", "query/bias", "key/bias", "chances")}
    assert all(q.symmetric for q in solved.activations if q.must_be_symmetric)
    assert not all(q.symmetric for q in solved.activations)


def test_a_constant_gather_which_nncf_fails_on_is_left_float() -> None:
    model = constant_gather()  # not normalised: that would fold it
    for private in (True, False):
        solver = Placer(model, samples(model).row(0), private=private)
        assert "linear" in solver.operators()
        assert solver.self_check() == "fast" if private else solver.path
        assert "table" not in {w.node for w in solver.solve("plain", "performance").weights}


def test_nothing_to_quantise() -> None:
    for private in (True, False):
        solver = placer(elementwise, private=private)
        assert solver.operators() == {}
        assert solver.solve("plain", "performance").activations == ()
