"""A notebook in a kernel of its own: objects of its cells are tuned, and the run shows itself."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

# The metric is a function that no file holds, and nobody asks for the run but the notebook, by naming it last.
CELLS = (
    "import numpy as np, openvino as ov, autotune",
    """saved = np.load("data.npz")
def right(outputs, labels):
    return (outputs["logits"].argmax(axis=1) == labels).astype(float)""",
    """run = autotune.tune(
    ov.Core().read_model("model.xml"), (saved["image"], saved["labels"]), right, max_drop="3%", trials=1,
    threads=1, strategy="search", space={"precision": "f32", "forms": "off", "threads": 1}, output="run",
)""",
    "run",
    "run.load()(saved['image'][:1])[0].shape",
)


@pytest.mark.slow
def test_a_run_shows_itself_in_a_notebook(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).symlink_to(file)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = nbclient.NotebookClient(
        notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    tuned, shown, loaded = (cell["outputs"] for cell in notebook["cells"][2:])
    assert {(output["output_type"], output.get("name")) for output in tuned} == {("stream", "stdout")}, tuned
    told = "".join(output["text"] for output in tuned)
    assert "Finalists, on data the search never saw" in told
    (displayed,) = shown
    html = displayed["data"]["text/html"]
    assert "float f32" in html and 'href="' in html and "report.html" in html
    assert not set("\r\b\x1b") & set(told), "no progress bar and no colours made of control characters"
    assert loaded[0]["data"]["text/plain"] == "(1, 4)"
