"""Every form, and all together, on models that were published: outputs agree in f32."""

from __future__ import annotations

import pytest
from form_graphs import assert_equal, published

from autotune.forms import FORMS, apply_forms


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["file-type", "page-orientation", "digits"])
def test_each_form_and_all_together(name: str) -> None:
    model, samples = published(name)
    chosen = {form.name: list(form.groups(model)) for form in FORMS.values()}
    assert any(chosen.values())
    for form, groups in chosen.items():
        assert_equal(model, apply_forms(model, {form: groups}), samples)
    assert_equal(model, apply_forms(model, chosen), samples)
