"""The normal form is what equal queries share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.understanding.normalize import language, normal_form


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


@pytest.mark.parametrize(
    ("form", "locale", "code"),
    [
        ("red shoes", None, "en"),
        ("red shoes", "de-DE", "de"),
        ("red shoes", "pt_BR", "pt"),
        ("red shoes", "!!", "en"),
        ("zapatos rojos para mujer", None, "es"),
        ("zapatos niño", None, "es"),
        ("wo ist meine bestellung", None, "de"),
        ("où est ma commande", None, "fr"),
        ("赤い靴", None, "ja"),
        ("红色的鞋", None, "zh"),
        ("빨간 신발", None, "ko"),
        ("красные туфли", None, "ru"),
        ("die hard dvd", None, "en"),
        ("where is my order", None, "en"),
    ],
)
def test_language(form, locale, code):
    assert language(form, locale, "en") == code
