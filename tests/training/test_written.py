"""A BERT with quantisers: what is written computes what was trained, under both placements."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny_folders import LIMIT, needs_torch, save_model, sentences

from autotune.errors import UserError
from autotune.findings import StartingPoint

pytestmark = needs_torch


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module and padded texts."""
    import torch
    import transformers

    from autotune.sources.networks import of_folder

    torch.set_num_threads(1)
    folder = save_model(tmp_path_factory.mktemp("bert"), "ForSequenceClassification")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = dict(tokenizer(sentences(20), padding="max_length", max_length=LIMIT, return_tensors="pt"))
    request = {"folder": folder, "name": "bert", "auto": "AutoModelForSequenceClassification", "outputs": ["logits"]}
    more = {"trust_remote_code": False, "pooling": None, "normalize": False, "shapes": {n: [1, LIMIT] for n in texts}}
    return of_folder({**request, **more}).module, texts


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["plain", "transformer"])
def test_what_is_written_is_what_was_trained(bert: Any, placement: Any) -> None:
    from autotune.configuration import Quantization
    from autotune.training.learning import Learning
    from autotune.training.quantizing import quantized, quantizers
    from autotune.training.waving import difference
    from autotune.training.written import AGREES, written

    module, texts = bert
    rows = [{name: values[i : i + 1] for name, values in texts.items()} for i in range(len(texts["input_ids"]))]
    student, remarks = quantized(copy.deepcopy(module), rows, Quantization(placement, "mixed"), StartingPoint((), ()))
    assert not any("bert/where" in name for name in quantizers(student)), "a mask has no quantiser"
    assert remarks[-1] == "Embeddings are not trained: 3 tables keep the values that they start with."
    off = [name for name, one in quantizers(student).items() if not one.is_enabled_quantization()]
    assert len(off) == 3 and all("/embedding/0" in name for name in off)
    one = Learning(student.eval(), module, texts, steps=4, learning_rate=0.003, batch=8, seed=0)
    assert one.train(3, 60.0) < 1.0, "the mask still hides the padding"
    model = written(student, rows[:4])
    assert sum(node.get_type_name() == "FakeQuantize" for node in model.get_ops()) > 10
    assert difference(model, student, rows[4:6]) < AGREES / 100
    for what, other in broken(model).items():
        assert difference(other, student, rows[:4]) > AGREES, what


def broken(model: Any) -> dict[str, Any]:
    """The model, written wrong in one way each."""
    import openvino as ov

    made: dict[str, Any] = {}

    def changed(what: str, change: Callable[[dict[str, Any]], None]) -> None:
        made[what] = model.clone()
        change({node.get_friendly_name(): node for node in made[what].get_ops()})

    def constant(node: Any, port: int, change: Callable[[Any], Any]) -> None:
        held = node.input_value(port).get_node()
        node.input(port).replace_source_output(ov.opset13.constant(change(held.get_data()).copy()).output(0))

    def levels(node: Any) -> None:
        values = [node.input_value(port) for port in range(5)]
        node.output(0).replace(ov.opset13.fake_quantize(*values, levels=16).output(0))

    quantisers = [n.get_friendly_name() for n in model.get_ordered_ops() if n.get_type_name() == "FakeQuantize"]
    for name in quantisers[:: len(quantisers) // 2]:
        changed(f"lost {name}", lambda ops, name=name: ops[name].output(0).replace(ops[name].input_value(0)))
        changed(f"steps {name}", lambda ops, name=name: levels(ops[name]))
        changed(
            f"range {name}",
            lambda ops, name=name: [constant(ops[name], port, lambda v: v * np.float32(1.1)) for port in (1, 2, 3, 4)],
        )
    scales = [  # one per output channel, of weights in int8
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() == "Multiply"
        and all(
            value.get_node().get_type_name() in ("Convert", "Subtract", "Constant") for value in node.input_values()
        )
        and len(node.input_value(1).get_shape()) == 2
        and node.input_value(1).get_shape()[0] > 1
    ]
    assert scales
    changed("channels", lambda ops: constant(ops[scales[0]], 1, lambda v: v[::-1]))
    swapped = made["inputs"] = model.clone()
    ids, types = (port for port in swapped.inputs if port.get_any_name() in ("input_ids", "token_type_ids"))
    names = ids.get_tensor().get_names(), types.get_tensor().get_names()
    ids.get_tensor().set_names(names[1])
    types.get_tensor().set_names(names[0])
    return made


def test_a_table_that_the_last_layer_shares_is_trained() -> None:
    import torch

    from autotune.configuration import Quantization
    from autotune.training.quantizing import quantized, quantizers

    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.last = torch.nn.Embedding(20, 8), torch.nn.Linear(8, 20)
            self.last.weight = self.table.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.last(torch.relu(self.table(ids)))

    rows = [{"ids": torch.randint(0, 20, (1, 6))} for _ in range(4)]
    student, remarks = quantized(Tied().eval(), rows, Quantization("plain", "performance"), StartingPoint((), ()))
    assert len(remarks) == 1 and student.table.weight.requires_grad
    assert all(one.is_enabled_quantization() for one in quantizers(student).values())


def test_a_module_that_cannot_be_exported_names_the_operator() -> None:
    import torch

    from autotune.training.written import written

    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigvals(x.T @ x).real

    with pytest.raises(UserError, match=r"training: the trained module cannot be exported \(.*linalg_eig"):
        written(Odd(), [{"x": torch.ones(1, 3)}])
