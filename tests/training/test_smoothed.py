"""A PyTorch module is smoothed as its OpenVINO candidate is, and gives what it gave."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from tiny_folders import needs_torch

pytestmark = needs_torch

WIDTH, TOKENS = 8, 5
FACTORS = tuple(np.geomspace(0.25, 40, WIDTH))
READERS = (("query", "key"), ("down",))


def network() -> Any:
    import torch
    from torch import nn

    class Network(nn.Module):
        """Two layers read one normalised activation, as a residual does; another reads what no form can scale."""

        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(WIDTH)
            self.query, self.key, self.down = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.norm(x)
            return x + self.down(torch.nn.functional.gelu(self.query(x) + self.key(x)))

    torch.manual_seed(0)
    torch.set_num_threads(1)
    return Network().eval()


def sample() -> Any:
    import torch

    return torch.randn(1, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


def graph_of(module: Any, x: Any = None) -> Any:
    from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import build_nncf_graph

    return build_nncf_graph(module, {"x": sample() if x is None else x})


def smoothed(module: Any, *groups: tuple[str, ...], width: int = WIDTH) -> frozenset[str]:
    """Smooth what layers read; OpenVINO's names are those of the layers."""
    from autotune.findings import SmoothedActivation
    from autotune.training.smoothed import smooth

    graph = graph_of(module)
    nodes = [node.node_name for node in graph.get_all_nodes()]
    names = {name: next(n for n in nodes if n.startswith(f"{name}/linear")) for name in ("query", "key", "down")}
    return smooth(module, graph, [SmoothedActivation(group, FACTORS[:width]) for group in groups], names)


def test_outputs_stay_and_layers_that_read_one_activation_share_its_division() -> None:
    import torch

    from autotune.training.smoothed import smoothing_nodes

    module = network()
    wanted, weight = module(sample()), module.key.weight.detach().clone()
    assert not smoothed(module, *READERS)
    torch.testing.assert_close(module(sample()), wanted)
    torch.testing.assert_close(module.key.weight, weight * torch.tensor(FACTORS).float())
    assert len(smoothing_nodes(graph_of(module))) == 2
    module(sample()).sum().backward()  # what is kept of the last run is no leaf of it
    torch.testing.assert_close(copy.deepcopy(module)(sample()), wanted)


def test_what_cannot_be_smoothed_alike_stays() -> None:
    """Weights that serve two places, or as many channels as there are no factors for."""
    module = network()
    module.key.weight = module.query.weight
    before = module.query.weight.detach().clone()
    assert smoothed(module, *READERS) == {"query", "key"}
    assert (module.query.weight == before).all() and not (module.down.weight == network().down.weight).all()
    assert smoothed(network(), *READERS, width=WIDTH - 1) == {"query", "key", "down"}


def test_a_layer_may_read_the_module_s_own_input() -> None:
    """The same tensor object is given again and again: each run has its division."""
    import torch
    from torch import nn

    from autotune.findings import SmoothedActivation
    from autotune.training.smoothed import smooth, smoothing_nodes

    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.first(input=x)

    module, x = First().eval(), sample()
    wanted = module(x)
    graph = graph_of(module, x)
    (name,) = [node.node_name for node in graph.get_all_nodes() if node.node_type == "linear"]
    assert not smooth(module, graph, [SmoothedActivation(("layer",), FACTORS)], {"layer": name})
    assert [len(smoothing_nodes(graph_of(module, x))) for _ in range(2)] == [1, 1]
    torch.testing.assert_close(module(x), wanted)
    assert any("mul" in str(node.target) for node in torch.export.export(module, (x,), strict=False).graph.nodes)


def test_quantisers_stand_behind_the_division_with_the_candidate_s_ranges() -> None:
    import openvino as ov

    from autotune.configuration import Quantization
    from autotune.findings import ActivationRange, SmoothedActivation, StartingPoint
    from autotune.graph.activations import activation_ranges, graph_operators
    from autotune.graph.normalise import normalise
    from autotune.training.quantizing import quantized
    from autotune.training.written import written

    module = network()
    operators = graph_operators(normalise(ov.convert_model(module, example_input=sample()))[0])
    layers = [o.name for o in operators if o.kind == "MatMul"]  # query and key, then what reads their sum
    start = StartingPoint(
        operators,
        tuple(ActivationRange(((name, 0),), (-3.0 - i,), (3.0 + i,)) for i, name in enumerate(layers)),
        (SmoothedActivation(tuple(layers[:2]), FACTORS), SmoothedActivation((layers[2],), FACTORS)),
    )
    quantization = Quantization(placement="transformer", preset="mixed")
    student, _ = quantized(copy.deepcopy(module), [{"x": sample()}], quantization, start)
    model = written(student.eval(), [{"x": sample()}])
    products = [node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
    quantisers = [product.input_value(0).get_node() for product in products]
    assert {node.get_type_name() for node in quantisers} == {"FakeQuantize"}
    divisions = {node.input_value(0).get_node().get_friendly_name() for node in quantisers}
    assert len(divisions) == 2 and len({node.get_friendly_name() for node in quantisers}) == 2
    assert all(node.input_value(0).get_node().get_type_name() == "Multiply" for node in quantisers)
    ranges = activation_ranges(model, layers_of(model), [])
    assert sorted(round(r.high[0], 2) for r in ranges)[-1] == 5

    tied = copy.deepcopy(module)
    tied.key.weight = tied.query.weight
    student, remarks = quantized(tied, [{"x": sample()}], quantization, start)
    assert "2 operators read what cannot be smoothed in the PyTorch module." in remarks
    model = written(student.eval(), [{"x": sample()}])
    highs = [r.high[0] for r in activation_ranges(model, layers_of(model), [])]
    assert not any(np.isclose(high, 3, atol=0.05) for high in highs), "of smoothed activations"
    assert any(np.isclose(high, 5, atol=0.05) for high in highs)


def layers_of(model: Any) -> list[str]:
    return [node.get_friendly_name() for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
