"""NNCF's solver of quantisers, asked on one graph again and again, without comparing each part of it with each.

NNCF copies the graph for each question, compares names and points of quantisers each with each, and looks for a path
of a few edges in all that comes after a branch. What is changed here is how that is done, never what is decided:
``QuantizerPropagationSolver`` and ``QuantizerPropagationStateGraph`` of NNCF 3.4 decide, and what comes out is compared
with the public ``nncf.quantize`` when a model is opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence, Set
from typing import Any

from nncf.common.insertion_point_graph import InsertionPointGraph
from nncf.common.quantization.quantizer_propagation.graph import (
    QuantizerPropagationStateGraph,
    QuantizerPropagationStateGraphNodeType,
)
from nncf.common.quantization.quantizer_propagation.solver import (
    PostprocessingNodeLocator,
    QuantizationProposal,
    QuantizerPropagationSolver,
    TransitionStatus,
)
from nncf.common.quantization.quantizer_propagation.structs import (
    IgnoreReason,
    SharedAffectedOpsPropagatingQuantizerGroup,
)
from nncf.common.quantization.quantizer_setup import MultiConfigQuantizerSetup, SingleConfigQuantizerSetup

from autotune.quantize.nncf_graphs import FusedGraph, sorted_operators


class Ignored(dict[str, IgnoreReason]):
    """Names of operators that are not quantised, and why; compared with a name all at once.

    NNCF keeps them as a list, takes one after the other and asks whether it equals the name (or holds a mark of
    regular expressions, which an operator's name never means). So the list has one element, which equals them all.
    """

    def keys(self) -> Any:
        """Return the one element of the list that NNCF makes."""
        return (self,)

    def __contains__(self, mark: object) -> bool:
        return False

    def __eq__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name)

    __hash__ = None


class _Queue(deque[Any]):
    """Quantisers on their way, each once; whether one is among them is looked up."""

    def __init__(self, quantizers: Iterable[Any] = ()) -> None:
        super().__init__(quantizers)
        self._ids = {one.id for one in self}

    def __contains__(self, quantizer: Any) -> bool:
        return quantizer.id in self._ids

    def pop(self) -> Any:  # type: ignore[override]
        last = super().pop()
        self._ids.discard(last.id)
        return last

    def append(self, quantizer: Any) -> None:
        super().append(quantizer)
        self._ids.add(quantizer.id)

    def appendleft(self, quantizer: Any) -> None:
        super().appendleft(quantizer)
        self._ids.add(quantizer.id)

    def extendleft(self, quantizers: Iterable[Any]) -> None:
        for one in quantizers:
            self.appendleft(one)


class Solver(QuantizerPropagationSolver):  # type: ignore[misc]
    """NNCF's solver; it answers one question."""

    def solve(self, graph: FusedGraph, elementwise: Sequence[Any]) -> SingleConfigQuantizerSetup:
        """Return where quantisers go (the end of ``MinMaxQuantization._get_quantizer_setup``).

        Args:
            graph: it is only read.
            elementwise: metatypes of operators that nobody needs quantised inputs of.
        """
        proposal = self.run_on_ip_graph(graph, elementwise)
        final = proposal.finalize(_first_configurations(proposal.quantizer_setup))
        state = final.quant_prop_graph
        state.merge_redundant_subsequent_quantizers_across_graph()
        weights = {
            point.insertion_point.target_node_name: [point.qconfig]
            for point in final.single_config_quantizer_setup.quantization_points.values()
            if point.is_weight_quantization_point()
        }
        setup = _first_configurations(state.create_quantizer_setup(weights))
        state.clear()  # functions of NNCF's that call themselves hold it: Python would have to look for all of it
        return setup

    def run_on_ip_graph(self, ip_graph: FusedGraph, metatypes_for_filter: Sequence[Any]) -> QuantizationProposal:
        """Return what NNCF proposes (the method of the same name, without its debugging)."""
        state = _State(ip_graph, self._ignored_scopes, self._target_scopes)
        for metatype in self._metatypes_to_ignore:
            for key in state.get_node_keys_by_metatype(metatype):
                self._add_node_to_ignored(key, state)
        locator = PostprocessingNodeLocator(
            state, self._quantizable_layer_nodes, self._post_processing_marker_metatypes
        )
        for key in locator.get_post_processing_node_keys():
            self._add_node_to_ignored(key, state)
        self.set_allowed_quantization_types_for_operator_nodes(state)
        self._active_propagating_quantizers_queue = _Queue()
        self.setup_initial_quantizers(state)
        while self._active_propagating_quantizers_queue:
            self.propagation_step(self._active_propagating_quantizers_queue.pop(), state)
        state = self._filter_quantizers_by_metatypes(self._filter_integer_input_quantizers(state), metatypes_for_filter)
        for _, merged in ip_graph.nodes(InsertionPointGraph.MERGED_NNCF_NODE_LIST_NODE_ATTR, default=()):
            for node in merged[1:]:  # only the first of a fused pattern has weights that are quantised
                self._weight_quantizable_node_names_vs_qconfigs.pop(node.node_name, None)
        setup = state.create_quantizer_setup(self._weight_quantizable_node_names_vs_qconfigs)
        finished = self._map_quantization_points_to_prop_quantizers(self._finished_propagating_quantizers, state, setup)
        return QuantizationProposal(setup, state, finished)

    def setup_initial_quantizers(self, quant_prop_graph: _State) -> _State:
        """Put a quantiser before each input that needs one (the method of the same name, without links by name)."""
        above = {key: len(givers) for key, givers in quant_prop_graph._pred.items()}
        for key in sorted_operators(quant_prop_graph._succ, above):
            if quant_prop_graph.is_operator(key) and key not in quant_prop_graph.ignored_node_keys:
                self._setup_initial_quantizers_for_operator_node(key, quant_prop_graph)
        return quant_prop_graph

    def _handle_quantizer_merge(self, waiting_pqs: Set[Any], quant_prop_graph: _State, branching_node_key: str) -> None:
        """Merge the quantisers that wait below a branch (the method of the same name; its lists are sets here)."""
        waiting = list(waiting_pqs)
        states = [self.check_branching_transition(quant_prop_graph, one, branching_node_key) for one in waiting]
        merged: list[Any] = []
        unmerged = {one.id for one in waiting}
        if TransitionStatus.SHOULD_NOT_TRANSITION not in states:
            configurations, by_branch = self.get_merged_qconfigs_for_downward_branching_case(
                [one.potential_quant_configs for one in waiting]
            )
            merged = quant_prop_graph.merge_quantizers_for_branching_node(
                waiting, configurations, by_branch, branching_node_key
            )
            unmerged = {one.id for one, left in zip(waiting, by_branch, strict=True) if left is not None}
        gone = {one.id for one in waiting}
        queue = self._active_propagating_quantizers_queue
        for one in [one for one in reversed(queue) if one.id in unmerged]:
            if quant_prop_graph.backtrack_propagation_until_accepting_location(one) is not None:
                self._finished_propagating_quantizers.append(one)
        self._active_propagating_quantizers_queue = _Queue(one for one in queue if one.id not in gone)
        self._active_propagating_quantizers_queue.extendleft(merged)
        self._quantizers_waiting_for_branch_merge.resolve_merged_node(branching_node_key)

    def _map_quantization_points_to_prop_quantizers(
        self, prop_quant_list: Iterable[Any], quant_prop_graph: _State, quantizer_setup: Any
    ) -> dict[int, Any]:
        """Return the quantisers by the number of their point, looked up by hash."""
        numbers: dict[Any, list[int]] = {}
        for number, point in quantizer_setup.quantization_points.items():
            numbers.setdefault(point.insertion_point, []).append(number)
        return {
            number: quantizer
            for quantizer in prop_quant_list
            for number in numbers.get(
                quant_prop_graph.get_quant_insertion_point_for_propagating_quantizer(quantizer), ()
            )
        }


def _first_configurations(setup: MultiConfigQuantizerSetup) -> SingleConfigQuantizerSetup:
    """Return the first configuration of every point, without copying all of them three times."""
    first = {number: point._possible_qconfigs[0] for number, point in setup.quantization_points.items()}
    return setup.select_qconfigs(first, strict=False)  # strict: that each is one of its point's, which it is


class _State(QuantizerPropagationStateGraph):  # type: ignore[misc]
    """Quantisers on their way up the graph."""

    _visible: Set[str] | None = None

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """What nodes hold, by key, without networkx's view of it."""
        held: dict[str, dict[str, Any]] = self._node
        return held

    def get_node_keys_by_metatype(self, metatype: Any) -> list[str]:
        """Return the operators of a metatype."""
        kind = self.OPERATOR_METATYPE_NODE_ATTR
        return [key for key, held in self._node.items() if held.get(kind) == metatype]

    def is_operator(self, key: str) -> bool:
        """Tell an operator from points and barriers."""
        return self._node[key][self.NODE_TYPE_NODE_ATTR] is QuantizerPropagationStateGraphNodeType.OPERATOR

    def _is_point(self, key: str) -> bool:
        return bool(self.is_insertion_point(self._node[key][self.NODE_TYPE_NODE_ATTR]))

    def get_paths_to_immediately_dominating_insertion_points_grouped_by_unified_scales(
        self, insertion_point_node_key: str, unified_scale_op_metatypes: Set[Any], scales_unification_map: Any
    ) -> dict[int | None, list[list[tuple[str, str]]]]:
        """Return the paths to the points above: to the next one, or to those before the operator between, at once."""
        key, above = insertion_point_node_key, self._pred[insertion_point_node_key]
        if all(map(self._is_point, above)):
            return {None: [[(giver, key)] for giver in above]}
        (first, *others) = above
        kind = self._node[first].get(self.OPERATOR_METATYPE_NODE_ATTR)
        plain = not others and self.is_operator(first) and kind not in unified_scale_op_metatypes
        if plain and all(map(self._is_point, self._pred[first])):
            return {None: [[(first, key), (giver, first)] for giver in self._pred[first]]}
        found: dict[int | None, list[list[tuple[str, str]]]] = (
            super().get_paths_to_immediately_dominating_insertion_points_grouped_by_unified_scales(
                key, unified_scale_op_metatypes, scales_unification_map
            )
        )
        return found

    def collect_all_propagating_quantizers(self) -> set[Any]:
        """Return the quantisers of all points."""
        held = (data.get(self.PROPAGATING_QUANTIZER_NODE_ATTR) for data in self._node.values())
        return {quantizer for quantizer in held if quantizer is not None}

    def __getitem__(self, key: str) -> Any:
        after = super().__getitem__(key)
        return after if self._visible is None else [node for node in after if node in self._visible]

    def merge_quantizers_for_branching_node(
        self,
        quantizers_to_merge: Sequence[Any],
        merged_qconf_list: Sequence[Any] | None,
        branch_qconf_lists: Sequence[Any],
        branching_node_key: str,
    ) -> list[Any]:
        """Merge the quantisers of a node's branches; its paths to them are searched for among the nodes between."""
        self._visible = {
            node for quantizer in quantizers_to_merge
            for node in self._near(quantizer.current_location_node_key, branching_node_key)
        }  # fmt: skip
        try:
            merged: list[Any] = super().merge_quantizers_for_branching_node(
                quantizers_to_merge, merged_qconf_list, branch_qconf_lists, branching_node_key
            )
        finally:
            self._visible = None
        return merged

    def _near(self, location: str, branching: str) -> set[str]:
        """Return all nodes that are no farther before ``location`` than ``branching`` is."""
        near = level = {location}
        while level and branching not in near:
            level = {before for node in level for before in self.pred[node]} - near
            near = near | level
        return near

    def _get_all_quantizers_grouped_by_affecting_op_set(self) -> list[SharedAffectedOpsPropagatingQuantizerGroup]:
        """Return one group: which quantisers share operators is found each with each, and nothing here asks."""
        return [SharedAffectedOpsPropagatingQuantizerGroup(self.collect_all_propagating_quantizers(), set())]
