"""OpenVINO graphs: brought to one form, looked at, and told apart by their content."""
