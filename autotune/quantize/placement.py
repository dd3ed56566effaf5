"""Where quantisers go, for any set of operators kept float."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol, get_args

import openvino as ov

from autotune.configuration import PlacementName, Preset
from autotune.errors import one_line
from autotune.graph.inspect import activation_names, is_float, nodes_by_name, tensor_key
from autotune.quantize.nncf_points import ActivationPoint, Points, WeightPoint
from autotune.quantize.nncf_public import PublicSolver, Sample, unquantisable
from autotune.quantize.points import ActivationQuantizer, Placement, WeightQuantizer

PLACEMENTS: tuple[PlacementName, ...] = get_args(PlacementName)
# The preset that NNCF takes by itself.
DEFAULT_PRESETS: dict[PlacementName, Preset] = {"plain": "performance", "transformer": "mixed"}
FAST = "fast"
# An affine activation costs these their int8 kernel; so it does a MatMul of two activations.
_SYMMETRIC_ONLY = ("ConvolutionBackpropData", "GroupConvolutionBackpropData", "ScaledDotProductAttention")
_CHANNEL_AXIS = 1


@contextmanager
def no_collection() -> Iterator[None]:
    """Let Python not look for garbage: NNCF's graphs are so many objects that it did so for a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Solver(Protocol):
    def solve(self, preset: Preset, float_operators: Collection[str]) -> Points: ...

    def inputs(self) -> dict[tuple[str, int], bool]: ...


class Decided:
    """What NNCF decides about models of one structure: the values of their constants never matter to it."""

    def __init__(self) -> None:
        self.solvers: dict[PlacementName, _Solver] = {}
        self.solved: dict[tuple[PlacementName, Preset, frozenset[str]], Placement] = {}
        self.whole: dict[tuple[PlacementName, Preset], Points] = {}
        self.tensors: dict[PlacementName, dict[str, frozenset[int]]] = {}


class Placer:
    """NNCF's placement of quantisers in one model.

    Attributes:
        path: ``fast``, or why the slow public function of NNCF is asked instead.
    """

    def __init__(
        self,
        model: ov.Model,
        sample: Sample,
        *,
        private: bool = True,
        placements: tuple[PlacementName, ...] = PLACEMENTS,
        decided: Decided | None = None,
    ) -> None:
        """Prepare, in about a twentieth of a second for 200 operators.

        Args:
            model: normalised (unique friendly names), static shapes. It is only read.
            sample: inputs by name, batch 1, for the public function; its values hardly matter.
            private: whether NNCF's internals may be used at all.
            placements: those that will be asked for.
            decided: of models of the same structure, on the fast path; it grows.
        """
        self._model = model
        self._sample = sample
        self._placements = placements
        self._nodes = nodes_by_name(model)
        self._order = {name: i for i, name in enumerate(self._nodes)}
        self._active = activation_names(model)
        self._always_float = unquantisable(model)
        self._decided = Decided() if decided is None else decided
        self.path = FAST
        if not private:
            self._use_public("NNCF's internals are not to be used")
            return
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - another version of NNCF may raise anything here
            self._use_public(f"NNCF's internals failed: {one_line(error)}")

    def _prepare(self) -> None:
        from autotune.quantize.nncf_private import PrivateSolver  # inside: the names it imports may be gone

        for name in self._placements:
            if name not in self._decided.solvers:
                with no_collection():
                    self._decided.solvers[name] = PrivateSolver(self._model, name)

    def _use_public(self, reason: str) -> None:
        self.path = reason
        self._decided = Decided()
        for name in self._placements:
            self._decided.solvers[name] = PublicSolver(self._model, name, self._sample)

    def self_check(self) -> str:
        """Compare the fast path with ``nncf.quantize`` for both placements, and leave it if they differ.

        Takes about a second per placement.

        Returns:
            :attr:`path`, as it is from now on.
        """
        for placement in self._placements if self.path == FAST else ():
            preset = DEFAULT_PRESETS[placement]
            public = PublicSolver(self._model, placement, self._sample)
            try:
                private = self._decided.solvers[placement].solve(preset, self._always_float)
                same = self._same(private, public.solve(preset, self._always_float))
            except Exception as error:  # noqa: BLE001 - another version of NNCF may raise anything here
                self._use_public(f"NNCF's internals failed: {one_line(error)}")
                break
            if not same:
                self._use_public(f"NNCF's internals place quantisers otherwise than nncf.quantize ({placement})")
                break
        return self.path

    def _same(self, one: Points, other: Points) -> bool:
        def structure(points: Points) -> tuple[set[object], set[object]]:
            return (
                {(p.node, p.port, p.before, self._channels(p) > 1) for p in points.activations},
                {(p.node, p.port, self._channel_axes(p)) for p in points.weights},
            )

        return structure(one) == structure(other)

    def _channels(self, point: ActivationPoint) -> int:
        shape = self._tensor(point).get_partial_shape()
        axis = _CHANNEL_AXIS
        return int(shape[axis].get_length()) if point.per_channel and len(shape) > axis and shape[axis].is_static else 1

    def _channel_axes(self, point: WeightPoint) -> tuple[int, ...]:
        """Channel axes with more than one channel: the others make no difference."""
        shape = self._nodes[point.node].input(point.port).get_shape()
        return tuple(axis for axis in point.channel_axes if shape[axis] > 1)

    def solve(
        self, placement: PlacementName, preset: Preset, float_operators: Collection[str] = frozenset()
    ) -> Placement:
        """Return the quantisers of ``nncf.quantize`` with ``float_operators`` as its ignored scope.

        SmoothQuant is off. Names that are not in the graph, or inside a fused pattern but not first in it, have no
        effect. Takes 0.01 to 0.04 s on the fast path; answers are kept.
        """
        key = (placement, preset, frozenset(float_operators))
        if key not in self._decided.solved:
            points = self._points(placement, preset, key[2] | self._always_float)
            self._decided.solved[key] = Placement(
                tuple(self._activation(p) for p in sorted(points.activations, key=self._activation_order)),
                tuple(self._weight(p) for p in sorted(points.weights, key=lambda p: (self._order[p.node], p.port))),
            )
        return self._decided.solved[key]

    def _points(self, placement: PlacementName, preset: Preset, float_operators: frozenset[str]) -> Points:
        """Ask the solver, once for all that is quantised: it is asked first for :meth:`operators`."""
        decided = self._decided
        if float_operators == self._always_float and (placement, preset) in decided.whole:
            return decided.whole[placement, preset]
        with no_collection():
            points = decided.solvers[placement].solve(preset, float_operators)
        if float_operators == self._always_float:
            decided.whole[placement, preset] = points
        return points

    def operators(self) -> dict[str, str]:
        """Return the OpenVINO type by name of the operators that some placement quantises, in topological order.

        These are the names that are worth naming in ``float_operators``. Empty if nothing can be quantised.
        """
        names: set[str] = set()
        for placement in self._placements:
            points = self._points(placement, DEFAULT_PRESETS[placement], self._always_float)
            names.update(name for point in points.activations for name in point.operators)
            names.update(point.node for point in points.weights)
        return {name: node.get_type_name() for name, node in self._nodes.items() if name in names}

    def tensors(self) -> dict[str, frozenset[int]]:
        """Return what to observe: keys of all tensors that any quantiser may land on, with the channel axes needed."""
        axes: dict[str, frozenset[int]] = {}
        for placement in self._placements:
            if placement not in self._decided.tensors:
                self._decided.tensors[placement] = self._inputs(placement)
            for key, needed in self._decided.tensors[placement].items():
                axes[key] = axes.get(key, frozenset()) | needed
        return axes

    def _inputs(self, placement: PlacementName) -> dict[str, frozenset[int]]:
        axes: dict[str, frozenset[int]] = {}
        for (name, port), per_channel in self._decided.solvers[placement].inputs().items():
            source = self._nodes[name].input(port).get_source_output()
            if is_float(source):
                needed = {_CHANNEL_AXIS} if per_channel and len(source.get_partial_shape()) > _CHANNEL_AXIS else ()
                axes[tensor_key(source)] = axes.get(tensor_key(source), frozenset()).union(needed)
        return axes

    def _activation(self, point: ActivationPoint) -> ActivationQuantizer:
        return ActivationQuantizer(
            name=f"{point.node}/fq_{'input' if point.before else 'output'}_{point.port}",
            node=point.node,
            port=point.port,
            side="input" if point.before else "output",
            tensor=tensor_key(self._tensor(point)),
            symmetric=point.symmetric,
            must_be_symmetric=any(self._symmetric_only(name) for name in point.operators),
            signed=point.signed,
            channel_axis=_CHANNEL_AXIS if point.per_channel else None,
            group=point.group,
        )

    def _activation_order(self, point: ActivationPoint) -> tuple[int, bool, int]:
        return self._order[point.node], not point.before, point.port

    def _weight(self, point: WeightPoint) -> WeightQuantizer:
        name = f"{point.node}/fq_weights_{point.port}"
        return WeightQuantizer(name, point.node, point.port, self._channel_axes(point), point.first_layer)

    def _tensor(self, point: ActivationPoint) -> ov.Output:
        node = self._nodes[point.node]
        return node.input(point.port).get_source_output() if point.before else node.output(point.port)

    def _symmetric_only(self, name: str) -> bool:
        node = self._nodes[name]
        kind = node.get_type_name()
        return kind in _SYMMETRIC_ONLY or (
            kind == "MatMul"
            and all(value.get_source_output().get_node().get_friendly_name() in self._active for value in node.inputs())
        )
