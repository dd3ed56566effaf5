"""NNCF's own placement, asked again and again.

With ``nncf_patterns`` and ``nncf_solver`` this is the only user of NNCF's internals.

``nncf.quantize`` finds where quantisers go in three steps: it drops constant subgraphs, fuses patterns such as
convolution + add + relu, and runs a solver. Only the solver depends on the operators kept float, so the rest is done
once per placement (0.2 to 0.6 s) and the solver alone per question (0.01 to 0.04 s). What is called here is
``MinMaxQuantization.find_quantization_setup`` and ``_get_quantizer_setup`` of NNCF 3.4, cut in two at that point. The
caller compares the result with the public ``nncf.quantize`` before trusting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

import nncf
import openvino as ov
from nncf.common.graph.transformations.commands import TargetType
from nncf.common.insertion_point_graph import InsertionPointGraph, InsertionPointGraphNodeType
from nncf.common.quantization.config_assignment import assign_qconfig_lists_to_modules
from nncf.common.quantization.quantizer_propagation.structs import IgnoreReason, QuantizationTrait
from nncf.common.quantization.structs import (
    QuantizableWeightedLayerNode,
    QuantizationScheme,
    QuantizerGroup,
)
from nncf.quantization.advanced_parameters import OverflowFix
from nncf.quantization.algorithms.min_max.algorithm import MinMaxQuantization
from nncf.quantization.passes import transform_to_inference_graph

from autotune.configuration import PlacementName, Preset
from autotune.quantize.nncf_patterns import hardware_patterns, ignored_patterns
from autotune.quantize.nncf_points import ActivationPoint, Points, WeightPoint
from autotune.quantize.nncf_public import MODEL_TYPES, PRESETS
from autotune.quantize.nncf_solver import FusedGraph, Ignored, PointGraph, Solver

_MOVERS = (QuantizationTrait.QUANTIZATION_AGNOSTIC, QuantizationTrait.CONCAT)


class PrivateSolver:
    """Solves NNCF's placement for sets of float operators, of one model and one placement."""

    def __init__(self, model: ov.Model, placement: PlacementName) -> None:
        """Prepare everything that does not depend on the question.

        Args:
            model: normalised, with unique friendly names. It is only read.
        """
        self._model_type = MODEL_TYPES[placement]
        self._graph = nncf.build_graph(model)
        self._names = {node.node_name for node in self._graph.get_all_nodes()}
        algorithm = self._algorithm(model, "performance")
        backend = algorithm._backend_entity
        device = algorithm._target_device
        self._inference_graph = transform_to_inference_graph(
            nncf.build_graph(model),  # made again: it is changed, and a deep copy takes longer
            backend.get_start_nodes_for_activation_path_tracing(self._graph),
            backend.shapeof_metatypes,
            backend.noop_metatypes,
            backend.preserved_metatypes,
            backend.inference_graph_transformations,
        )
        ignored = ignored_patterns(device, self._model_type).within(self._inference_graph._nx_graph)
        self._ignored = algorithm._get_ignored_names(self._graph, self._inference_graph, ignored)
        points = PointGraph(self._inference_graph)
        fused = points.get_ip_graph_with_merged_hw_optimized_operations(
            hardware_patterns(device, self._model_type).within(points.get_base_nx_graph())
        )
        self._fused = FusedGraph(fused)
        self._hardware = backend.hw_config(device)
        self._scope_overrides = algorithm._get_scope_overrides(self._inference_graph)
        self._algorithms = {preset: self._algorithm(model, preset) for preset in PRESETS}

    def _algorithm(self, model: ov.Model, preset: str) -> MinMaxQuantization:
        algorithm = MinMaxQuantization(preset=PRESETS[preset], model_type=self._model_type)
        algorithm._set_backend_entity(model)
        return algorithm

    def solve(self, preset: Preset, float_operators: Iterable[str]) -> Points:
        """Return where ``nncf.quantize`` puts quantisers, with ``float_operators`` as its ignored scope.

        Names that are not in the graph are ignored.
        """
        algorithm = self._algorithms[preset]
        setup = self._setup(algorithm, float_operators)
        algorithm._apply_model_type_pass(self._model_type, setup, self._graph)
        algorithm._apply_device_pass(algorithm._target_device, setup, self._inference_graph)
        algorithm._init_cache()
        points, groups = algorithm.fill_quantization_target_points(setup, self._graph)
        first_layer = algorithm._get_quantization_points_overflow_fix(OverflowFix.FIRST_LAYER, points, self._graph)
        group_of = {point: number for number, group in enumerate(groups) for point in group}
        operators = self._operators(algorithm, setup)
        activations, weights = [], []
        for point, config in points.items():
            if point.type == TargetType.OPERATION_WITH_WEIGHTS:
                axes = self._channel_axes(algorithm, point) if config.per_channel else ()
                weights.append(WeightPoint(point.target_node_name, point.port_id, axes, point in first_layer))
            else:
                activations.append(
                    ActivationPoint(
                        node=point.target_node_name,
                        port=point.port_id,
                        before=point.type == TargetType.PRE_LAYER_OPERATION,
                        symmetric=config.mode == QuantizationScheme.SYMMETRIC,
                        signed=config.signedness_to_force is True,
                        per_channel=config.per_channel,
                        operators=tuple(sorted(operators[point])),
                        group=group_of.get(point),
                    )
                )
        return Points(tuple(activations), tuple(weights))

    def _setup(self, algorithm: MinMaxQuantization, float_operators: Iterable[str]) -> Any:
        """Run the solver on the fused graph."""
        ignored = Ignored(self._ignored)
        ignored.update({name: IgnoreReason.USER_REQUESTED for name in float_operators if name in self._names})
        return self._solver(algorithm, ignored).solve(self._fused, algorithm._backend_entity.elementwise_metatypes)

    def _solver(self, algorithm: MinMaxQuantization, ignored: Ignored) -> Solver:
        """Make a solver (the middle of ``MinMaxQuantization._get_quantizer_setup``)."""
        backend = algorithm._backend_entity
        constraints = algorithm._global_quantizer_constraints
        weighted = assign_qconfig_lists_to_modules(
            nodes_with_weights=backend.get_weight_nodes(self._graph, self._inference_graph),
            default_weight_qconfig=algorithm._get_default_qconfig(constraints[QuantizerGroup.WEIGHTS]),
            global_weight_constraints=constraints[QuantizerGroup.WEIGHTS],
            scope_overrides_dict=None,
            hw_config=self._hardware,
        )
        return Solver(
            activation_ignored_scopes=ignored,
            weight_ignored_scopes=[ignored],
            hw_config=self._hardware,
            default_trait_to_metatype_map=backend.quant_trait_op_dict,
            propagation_strategy=algorithm.quantizer_propagation_rule,
            default_qconfig_list=[algorithm._get_default_qconfig(constraints[QuantizerGroup.ACTIVATIONS])],
            quantizable_layer_nodes=[QuantizableWeightedLayerNode(node, configs) for node, configs in weighted.items()],
            quantize_outputs=False,
            global_constraints=constraints,
            post_processing_marker_metatypes=backend.post_processing_metatypes,
            metatypes_to_ignore=backend.get_ignored_metatypes(self._model_type, algorithm._target_device),
            scales_unification_map=backend.scales_unification_map,
            scope_overrides=self._scope_overrides,
        )

    def _operators(self, algorithm: MinMaxQuantization, setup: Any) -> dict[Any, set[str]]:
        """Return, by target point, the operators whose inputs it quantises."""
        operators: dict[Any, set[str]] = {}
        for point in setup.quantization_points.values():
            if point.is_activation_quantization_point():
                for target in algorithm._get_activation_quantization_target_points(point, self._graph):
                    operators.setdefault(target, set()).update(point.directly_quantized_operator_node_names)
        return operators

    def _channel_axes(self, algorithm: MinMaxQuantization, point: Any) -> tuple[int, ...]:
        node = self._graph.get_node_by_name(point.target_node_name)
        shape = node.layer_attributes.constant_attributes[point.port_id]["shape"]
        axes = algorithm._backend_entity.get_weight_quantization_axes(node, point, len(shape))
        return tuple(sorted(axis % len(shape) for axis in axes))

    def inputs(self) -> dict[tuple[str, int], bool]:
        """Return the (operator, input port) pairs whose tensor a quantiser may land on, and whether per channel.

        A quantiser starts at the input of an operator that computes in int8 and moves up through operators that only
        move data, so it never leaves these tensors. One that starts at a depthwise convolution is per channel.
        """
        solver = self._solver(self._algorithms["performance"], Ignored())
        traits, configs = solver._operator_quantization_trait_map, solver._operator_allowed_qconfigs_map
        metatypes = {
            key: node[InsertionPointGraph.REGULAR_NODE_REF_NODE_ATTR].metatype
            for key, node in self._fused.nodes.items()
            if node[InsertionPointGraph.NODE_TYPE_NODE_ATTR] is InsertionPointGraphNodeType.OPERATOR
        }
        movers = {key for key, metatype in metatypes.items() if traits.get(metatype) in _MOVERS}
        found: dict[tuple[str, int], bool] = {}
        for key, metatype in metatypes.items():
            if traits.get(metatype) is QuantizationTrait.INPUTS_QUANTIZABLE:
                per_channel = any(config.per_channel for config in configs[metatype])
                for port in self._ports_above(key, movers):
                    found[port] = found.get(port, False) or per_channel
        return found

    def _ports_above(self, start: str, movers: Set[str]) -> Iterator[tuple[str, int]]:
        """Yield the input ports of ``start`` and of the operators in ``movers`` right above."""
        queue, seen = [start], {start}
        while queue:
            for key in self._fused.predecessors(queue.pop()):
                node = self._fused.nodes[key]
                kind = node[InsertionPointGraph.NODE_TYPE_NODE_ATTR]
                if key in seen or (kind is InsertionPointGraphNodeType.OPERATOR and key not in movers):
                    continue
                if kind is InsertionPointGraphNodeType.PRE_HOOK:
                    point = node[InsertionPointGraph.INSERTION_POINT_NODE_ATTR]
                    yield point.target_node_name, point.input_port_id
                seen.add(key)
                queue.append(key)
