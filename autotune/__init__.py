"""Fastest int8/bf16/f32 OpenVINO model for this CPU within an accuracy tolerance, with evidence."""
