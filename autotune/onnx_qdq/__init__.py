"""A judged model written as ONNX with QuantizeLinear and DequantizeLinear (QDQ), for other runtimes."""
