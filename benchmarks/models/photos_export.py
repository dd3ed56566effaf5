"""Export EfficientNet-lite0. Runs where PyTorch is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import openvino as ov
import torch
from efficientnet_lite_pytorch import EfficientNet

OPSET = 17


def main() -> None:
    facts, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=facts["weights"]).eval()
    sample = torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        converted = ov.convert_model(model, example_input=sample, input=[("inputs", [1, 3, 224, 224])])
        converted.inputs[0].get_tensor().set_names({"x"})
        converted.outputs[0].get_tensor().set_names({"logits"})
        ov.save_model(converted, folder / "model.xml", compress_to_fp16=False)
        names = {"input_names": ["x"], "output_names": ["logits"]}
        torch.onnx.export(model, (sample,), str(folder / "model.onnx"), opset_version=OPSET, dynamo=False, **names)


if __name__ == "__main__":
    main()
