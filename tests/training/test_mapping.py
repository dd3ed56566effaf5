"""Operators found again in the PyTorch graph."""

from autotune.training.mapping import Mapped, mapped

OPERATORS = (("a/Conv", "Convolution"), ("x/Add", "Add"), ("b/Conv", "GroupConvolution"), ("fc/MatMul", "MatMul"))
NODES = (("image", "nncf_model_input"), ("a/conv2d/0", "conv2d"), ("b/conv2d/0", "conv2d"), ("fc/linear/0", "linear"))


def test_the_nth_of_a_kind_is_the_nth() -> None:
    assert mapped(["b/Conv", "fc/MatMul"], OPERATORS, NODES) == Mapped(("b/conv2d/0", "fc/linear/0"), ())


def test_what_is_of_no_kind_or_of_unequal_number_is_told() -> None:
    assert mapped(["x/Add"], OPERATORS, NODES) == Mapped((), ("x/Add",))
    more = (*NODES, ("c/conv2d/0", "conv2d"))
    assert mapped(["a/Conv", "fc/MatMul"], OPERATORS, more) == Mapped(("fc/linear/0",), ("a/Conv",))
