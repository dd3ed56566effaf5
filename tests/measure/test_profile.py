import numpy as np
import openvino as ov
from openvino import opset13 as ops

from autotune.measure.profile import RuntimeNode, operator_runs, unrestricted, weighted_operators
from autotune.measure.typed import not_in_bf16


def node(name: str, type_: str, kernel: str, precision: str, originals: str = "") -> RuntimeNode:
    return RuntimeNode(name, type_, kernel, precision, frozenset(originals.split(",")))


def test_names_schemes_and_what_is_left_out():
    nodes = [
        node("x", "Input", "unknown_f32", "f32"),
        node("w", "Const", "unknown_f32", "f32"),
        node("Multiply_17", "Convolution", "brgconv_avx512_I8", "u8", "conv1,relu"),
        node("mask", "Subgraph", "jit_avx512_I8", "u8", "equal"),
        node("mha", "Subgraph", "jit_avx512_I8", "i8", "softmax,qk,pv"),
        node("flatten", "Reshape", "unknown_f32", "f32", "flatten"),
        node("fc/bias", "FullyConnected", "gemm_mlas_f32", "f32", "fc/bias"),
        node("swap", "Transpose", "unknown_f32", "f32", "swap"),
    ]
    assert unrestricted(nodes) == 1, "MLAS"
    weighted = {"conv1": "conv1", "qk": "qk", "pv": "pv", "fc": "fc", "fc/bias": "fc"}
    runs = operator_runs(nodes, weighted, [0.0, 0.0, 5.0, 1.0, 2.0, 0.0, 4.0, 3.0])
    assert [(run.name, run.scheme, run.microseconds) for run in runs] == [
        ("conv1", "int8-static", 5.0),
        ("mask", "float", 1.0),
        ("pv", "int8-static", 2.0),
        ("fc", "float", 4.0),
        ("swap", "float", 3.0),
    ]


def test_a_linear_layer_is_found_by_each_name_that_it_may_have_at_run_time():
    x = ops.parameter([1, 4], np.float32)
    product = ops.matmul(x, np.ones((4, 2), np.float32), False, False, name="fc")
    model = ov.Model([ops.add(product, np.ones((1, 2), np.float32), name="fc/bias")], [x])
    assert weighted_operators(model) == {"fc": "fc", "fc/DequantizationMultiply": "fc", "fc/bias": "fc"}


def test_a_bias_apart_in_f32_is_no_operator_that_missed_bf16():
    nodes = [
        node("fc/to_bf16", "FullyConnected", "brgemm_avx512_amx_bf16", "bf16", "fc"),
        node("fc/bias", "Subgraph", "jit_avx512_f32", "f32", "fc/bias"),
        node("other", "FullyConnected", "brgemm_avx512_f32", "f32", "other"),
    ]
    runs = operator_runs(nodes, {"fc": "fc", "fc/bias": "fc", "other": "other"}, [1.0, 1.0, 1.0])
    assert [run.name for run in runs] == ["fc", "fc", "other"]
    assert not_in_bf16(("fc", "other", "inside another node"), runs) == ["other (f32)"]
