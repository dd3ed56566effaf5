import json
import os
import subprocess
import sys

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune import hardware
from autotune.measure.compiled import (
    Compiled,
    compile_emulated,
    compile_model,
    deploy_properties,
    probe_precisions,
    ready,
)
from autotune.measure.profile import is_int8_kernel

IMAGE = {"image": np.random.default_rng(0).standard_normal((1, 3, 16, 16), dtype=np.float32)}


@pytest.fixture(scope="module")
def net() -> ov.Model:
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    return model


def quantised(model: ov.Model) -> ov.Model:
    import nncf

    samples = np.random.default_rng(1).standard_normal((10, 1, 3, 16, 16), dtype=np.float32)
    return nncf.quantize(model, nncf.Dataset(list(samples)), subset_size=10)


def test_outputs_equal_openvinos_own(net: ov.Model):
    compiled = compile_model(net, "f32", 1)
    expected = ov.Core().compile_model(net, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(IMAGE)["logits"]
    got = compiled.infer(IMAGE)
    assert list(got) == ["logits"] == list(compiled.outputs)
    np.testing.assert_allclose(got["logits"], expected, rtol=1e-5, atol=1e-6)
    kept = got["logits"].copy()
    compiled.caller(ready([{"image": -IMAGE["image"]}]))()
    np.testing.assert_array_equal(got["logits"], kept)  # what infer returned is not overwritten


def test_what_is_read_back(net: ov.Model):
    compiled = compile_model(net, "f32", 1)
    assert (compiled.threads, compiled.precision, compiled.notes) == (1, "f32", ())
    greedy = compile_model(net, "f32", 4096)
    assert greedy.threads < 4096
    assert "4,096 threads were asked for" in greedy.notes[0]


@pytest.mark.skipif("f16" in probe_precisions(), reason="this CPU computes in f16")
def test_a_precision_that_is_not_executed_is_said(net: ov.Model):
    compiled = compile_model(net, "f16", 1)
    assert compiled.precision in ("f32", "bf16")
    assert compiled.notes == (f"f16 was asked for; OpenVINO computes in {compiled.precision} here.",)
    assert "f16" not in {run.precision for run in compiled.profile()}


def test_deploy_properties_are_texts_that_openvino_takes(net: ov.Model):
    properties = json.loads(json.dumps(deploy_properties("f32", 1)))
    compiled = ov.Core().compile_model(net, "CPU", properties)
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


def test_profile_of_the_float_model(net: ov.Model):
    compiled = compile_model(net, "f32", 1)
    runs = {run.name: run for run in compiled.profile()}
    assert {"conv1", "depthwise", "conv2", "fc"} <= set(runs)
    assert runs["conv1"].type == "Convolution" and runs["conv1"].precision == "f32" and runs["conv1"].kernel
    assert all(run.scheme == "float" and run.microseconds == 0 for run in runs.values())
    timed = compiled.profile(IMAGE)
    assert sum(run.microseconds for run in timed) > 0


@pytest.mark.parametrize("precision", probe_precisions())
def test_a_precision_of_the_probe_is_executed(precision: str, net: ov.Model):
    ran = {run.name: run for run in compile_model(net, precision, 1).profile()}
    assert ran["conv2"].precision == precision


def test_profile_of_an_int8_model(net: ov.Model):
    runs = {run.name: run for run in compile_model(quantised(net), "f32", 1).profile()}
    assert {runs[name].scheme for name in ("conv1", "conv2", "fc")} == {"int8-static"}
    assert runs["conv1"].precision in ("u8", "i8")


def test_probe_names_only_what_the_cpu_has():
    found = probe_precisions()
    assert found[0] == "f32"
    flags, cap = hardware.flags(), hardware.instruction_set()
    assert all(hardware.computes_natively(p, flags, cap) for p in found)
    if hardware.effective_flags(flags, cap) & {"avx512_bf16", "amx_bf16"}:
        assert "bf16" in found


PROBE = """
from autotune import hardware
from autotune.measure.compiled import compile_model, probe_precisions
from conftest import convolution_net
model = convolution_net()
model.reshape([1, 3, 16, 16])
compiled = compile_model(model, "bf16", 1)
print(hardware.instruction_set(), ",".join(probe_precisions()), compiled.precision, compiled.profile()[1].kernel)
"""


@pytest.mark.parametrize("cap", ["AVX2", "AVX512_CORE_VNNI"])
def test_under_an_older_instruction_set(cap: str):
    """There, OpenVINO ignores a bf16 hint, or emulates it with slow kernels that read back as bf16."""
    needed = {"AVX2": "avx2", "AVX512_CORE_VNNI": "avx512_vnni"}[cap]
    if needed not in hardware.flags():
        pytest.skip(f"this CPU has no {needed}")
    environment = {**os.environ, **dict.fromkeys(hardware.CAP_VARIABLES, cap), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=True)
    name, precisions, executed, kernel = done.stdout.split()
    assert (name, precisions) == (cap, "f32")
    assert executed == ("f32" if cap == "AVX2" else "bf16")
    assert cap != "AVX2" or "avx512" not in kernel


def test_an_emulation_has_no_int8_kernel_and_the_outputs_of_int8(net: ov.Model):
    model = quantised(net)
    int8, emulated = compile_model(model, "f32", 1), compile_emulated(model, "f32", 1)
    assert any(is_int8_kernel(node) for node in int8.nodes())
    assert not any(is_int8_kernel(node) for node in emulated.nodes())
    expected = compile_model(net, "f32", 1).infer(IMAGE)["logits"]
    got, also = emulated.infer(IMAGE)["logits"], int8.infer(IMAGE)["logits"]
    effect = np.linalg.norm(got - expected)  # of quantisation
    assert effect > 0
    if not hardware.can_saturate(hardware.flags(), hardware.instruction_set()):
        assert np.linalg.norm(got - also) < effect


def test_an_emulation_does_not_saturate():
    """All weights and all inputs are as large as they can be: pairs of products are beyond 16 bits."""
    x = ops.parameter([1, 64, 8, 8], np.float32, name="x")
    ends = [ops.constant(np.float32(v)) for v in (0, 1)]
    data = ops.fake_quantize(x, *ends, *ends, 256)
    limits = [ops.constant(np.float32(v)) for v in (-1, 1)]
    weights = ops.fake_quantize(ops.constant(np.ones((64, 64, 3, 3), np.float32)), *limits, *limits, 255)
    y = ops.convolution(data, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    model = ov.Model([y], [x], "large")
    ones = {"x": np.ones((1, 64, 8, 8), np.float32)}
    output = next(iter(compile_emulated(model, "f32", 1).infer(ones).values()))
    assert output.max() == 64 * 9
    real = next(iter(compile_model(model, "f32", 1).infer(ones).values())).max()
    assert (real < 64 * 9) == hardware.can_saturate(hardware.flags(), hardware.instruction_set())


def test_each_bucket_is_compiled_and_a_sample_runs_in_its_own():
    x = ops.parameter([1, -1, 8], np.float32, name="x")
    x.output(0).set_names({"x"})
    weights = np.random.default_rng(0).standard_normal((8, 4), np.float32)
    y = ops.matmul(x, ops.constant(weights), False, False, name="product")
    y.output(0).set_names({"y"})
    model = ov.Model([y], [x], "m")
    samples = [{"x": np.ones((1, length, 8), np.float32)} for length in (2, 6)]
    for compiled in (Compiled(model, deploy_properties("f32", 1), buckets=(2, 6)), compile_model(model, "f32", 1)):
        assert compiled.varying == {"y": (1,)}
        compiled.caller(ready(samples), together=True)()
        for sample in samples:
            np.testing.assert_allclose(compiled.infer(sample)["y"], sample["x"] @ weights, rtol=1e-5)
            (run,) = [run for run in compiled.profile(sample) if run.name == "product"]
            assert run.microseconds > 0 and not run.kernel.startswith("undef")


def test_what_is_timed_is_bound_by_name_also_where_an_input_has_several():
    one, other = (ops.parameter([1, 2], np.float32) for _ in range(2))
    one.output(0).set_names({"a", "30"})
    other.output(0).set_names({"b", "31"})
    compiled = compile_model(ov.Model([ops.subtract(one, other)], [one, other]), "f32", 1)
    samples = ready([{"b": np.full((1, 2), value, np.float32), "a": np.ones((1, 2), np.float32)} for value in (4, 6)])
    call = compiled.caller(samples)
    for expected in (-3, -5, -3):
        call()
        assert compiled._request.get_output_tensor(0).data.tolist() == [[expected, expected]]
