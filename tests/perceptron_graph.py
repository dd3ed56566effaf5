"""A perceptron of scikit-learn's as a graph of OpenVINO."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from sklearn.neural_network import MLPClassifier


def perceptron_graph(trained: MLPClassifier, batch: int) -> ov.Model:
    """Input ``pixels`` (batch, features), -1: any; output ``scores`` (batch, classes)."""
    x = ops.parameter([batch, trained.n_features_in_], np.float32, name="pixels")
    x.output(0).set_names({"pixels"})
    y = x
    for i, (weights, bias) in enumerate(zip(trained.coefs_, trained.intercepts_, strict=True)):
        y = ops.matmul(y if i == 0 else ops.relu(y), weights.astype(np.float32), False, False, name=f"layer{i}")
        y = ops.add(y, bias[None].astype(np.float32))
    y.output(0).set_names({"scores"})
    return ov.Model([y], [x], "perceptron")
