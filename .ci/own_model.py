"""A new user's own model and data: ``model.onnx`` and ``data.npz`` in the working directory. Needs onnx."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

LEARNT = 800

images, digits = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
order = np.random.default_rng(0).permutation(len(images))
learn, rest = order[:LEARNT], order[LEARNT:]
# Wide enough that its weights leave the cache, as those of a user's model do: speeds are far apart, then.
network = MLPClassifier((2048, 1024), random_state=0, max_iter=200, tol=1e-3, n_iter_no_change=2)
network.fit(images[learn], digits[learn])

nodes, constants, last = [], [], "pixels"
for i, (weight, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
    constants += [
        numpy_helper.from_array(np.asarray(values, np.float32), f"{name}{i}")
        for name, values in (("weight", weight), ("bias", bias))
    ]
    is_end = i == len(network.coefs_) - 1
    made = "scores" if is_end else f"sum{i}"
    nodes.append(helper.make_node("Gemm", [last, f"weight{i}", f"bias{i}"], [made]))
    if not is_end:
        nodes.append(helper.make_node("Relu", [made], [f"layer{i}"]))
        last = f"layer{i}"
ports = [
    helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", count])
    for name, count in (("pixels", images.shape[1]), ("scores", len(network.classes_)))
]
graph = helper.make_graph(nodes, "digits", ports[:1], ports[1:], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, "model.onnx")
np.savez("data.npz", pixels=images[rest], labels=digits[rest])
print(f"model.onnx: {network.score(images[rest], digits[rest]):.3f} of {len(rest)} digits that it has not seen")
