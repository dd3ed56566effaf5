"""Quantisation-aware training: a static int8 configuration of a PyTorch module, trained to give the float's outputs.

It happens in a process of its own (``child``), which alone imports PyTorch: ``quantizing`` (NNCF's torch backend),
``correcting`` (biases before the first step), ``learning`` (the loop and its checkpoints), ``losses``, ``written``
(back to OpenVINO), ``waving`` (whether that is right). ``mapping`` is pure; ``reading`` gives the measuring process
what was written, and needs no PyTorch.
"""
