"""Operators found again in the PyTorch graph."""

from autotune.findings import GraphOperator
from autotune.training.mapping import attentions, mapped


def graph(*rows: tuple[str, str, int, int]) -> list[GraphOperator]:
    return [GraphOperator(name, kind, activations, (size, size, size)) for name, kind, activations, size in rows]


OPERATORS = graph(
    ("a/Conv", "Convolution", 1, 8),
    ("bias/Add", "Add", 1, 8),
    ("b/Conv", "GroupConvolution", 1, 8),
    ("x/Add", "Add", 2, 8),
    ("fc/MatMul", "MatMul", 1, 8),
    ("qk/MatMul", "MatMul", 2, 8),
)
NODES = graph(
    ("image", "nncf_model_input", 0, 8),
    ("a/conv2d/0", "conv2d", 1, 8),
    ("b/conv2d/0", "conv2d", 1, 8),
    ("/add/0", "add", 2, 8),
    ("/matmul/0", "matmul", 2, 8),
    ("fc/linear/0", "linear", 1, 8),
)


def test_the_nth_of_a_kind_is_the_nth() -> None:
    assert mapped(OPERATORS, NODES) == {
        "a/Conv": "a/conv2d/0",
        "b/Conv": "b/conv2d/0",
        "x/Add": "/add/0",
        "fc/MatMul": "fc/linear/0",
        "qk/MatMul": "/matmul/0",
    }


def test_what_is_of_no_kind_or_of_unequal_number_has_none() -> None:
    more = [*NODES, *graph(("c/conv2d/0", "conv2d", 1, 8))]
    assert set(mapped(OPERATORS, more)) == {"x/Add", "fc/MatMul", "qk/MatMul"}


def test_sizes_tell_branches_side_by_side_apart() -> None:
    ours = graph(("shortcut", "Convolution", 1, 4), ("body", "Convolution", 1, 6))
    theirs = graph(("/conv2d/0", "conv2d", 1, 6), ("/conv2d/1", "conv2d", 1, 4))
    assert mapped(ours, theirs) == {"shortcut": "/conv2d/1", "body": "/conv2d/0"}


def test_where_sizes_are_unknown_the_order_decides() -> None:
    ours = graph(("first", "Convolution", 1, -1), ("second", "Convolution", 1, -1))
    theirs = graph(("/conv2d/0", "conv2d", 1, 6), ("/conv2d/1", "conv2d", 1, 4))
    assert mapped(ours, theirs) == {"first": "/conv2d/0", "second": "/conv2d/1"}


def test_an_attention_that_is_one_operator_is_two_products() -> None:
    def operator(name: str, kind: str, *sizes: int) -> GraphOperator:
        return GraphOperator(name, kind, 2, sizes)

    ours = [operator(f"attention{i}", "ScaledDotProductAttention", 384, 384, 384) for i in range(2)]
    theirs = [
        *(operator(f"{name}{i}", "matmul", *sizes) for i in range(2) for name, sizes in PRODUCTS.items()),
        operator("scores of the last", "matmul", *PRODUCTS["scores"]),
    ]
    assert attentions(ours, theirs) == {f"attention{i}": (f"scores{i}", f"values{i}") for i in range(2)}
    assert not attentions(ours, theirs[:2]), "one is not two"
    assert not attentions(ours, [*theirs, operator("fused", "scaled_dot_product_attention", 384, 384, 384)])


PRODUCTS = {"scores": (288, 384, 384), "values": (384, 288, 384)}
