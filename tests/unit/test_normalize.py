"""The normal form is what equal queries share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triton_models.query_text import normal_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  RED   Shoes ", "red shoes"),
        ("red\tshoes\r\n", "red shoes"),
        ("red\u0000shoes", "red shoes"),
        ("\u200bred\u200d shoes\ufeff", "red shoes"),
        ("ｒｅｄ　ｓｈｏｅｓ", "red shoes"),
        ("CAFÉ", "café"),
        ("cafe\u0301", "café"),
        ("cafe\u200b\u0301", "café"),
        ("J\u030c", "ǰ"),
        ("½ inch", "1/2 inch"),
        ("7½ shoes", "7 1/2 shoes"),
        ("½½", "1/2 1/2"),
        ("size 7½", "size 7 1/2"),
        ("Café™ mug®", "café mug"),
        ("👟 sneakers", "👟 sneakers"),
        (" \u0000\u200b ", ""),
        ("???", "???"),
    ],
)
def test_normal_form(text, form):
    assert normal_form(text) == form


@given(st.text())
def test_the_normal_form_is_a_fixed_point_without_control_characters(text):
    form = normal_form(text)
    assert normal_form(form) == form
    assert not any(ord(character) < 32 or ord(character) == 127 for character in form)
