"""Every form has one name, known to configurations and recipes."""

from __future__ import annotations

from typing import get_args

from autotune import recipe
from autotune.configuration import FormName
from autotune.forms import Smoothing, forms_with


def test_names() -> None:
    names = get_args(FormName)
    assert tuple(forms_with(Smoothing(0.5, {}))) == names
    assert set(recipe.Forms.model_fields) == {name.replace("-", "_") for name in names}
