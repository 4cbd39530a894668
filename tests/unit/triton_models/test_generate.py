"""Generated training text: every label in every style, the same for the same seed."""

import random

import pytest

from triton_models.data.typos import misspell
from triton_models.recipes import generate
from triton_models.settings import LABELS, STYLES


def test_every_label_and_style_has_templates():
    wanted = {(label, style) for label in LABELS for style in STYLES if style != "typo"}
    assert set(generate.read_templates()) == wanted


def test_every_template_can_be_expanded():
    slots, rng = generate.read_slots(), random.Random(1)
    for lines in generate.read_templates().values():
        for line in lines:
            for _ in range(5):
                text = generate.expand(line, slots, rng)
                assert not set("{}()|") & set(text), line
                assert text == " ".join(text.split())


def test_same_seed_same_text():
    assert generate.generate(20, 1, {}) == generate.generate(20, 1, {})
    assert generate.generate(20, 1, {}) != generate.generate(20, 2, {})


def test_all_cells_come_out_in_the_number_asked_for():
    made = generate.generate(30, 1, {})
    assert len(made) == pytest.approx(30 * len(LABELS) * len(STYLES), rel=0.1)
    assert {q.source for q in made} == {f"generated {style}" for style in STYLES}


def test_slots_hold_no_slot_of_themselves_and_are_unique():
    for name, values in generate.read_slots().items():
        assert all(values), name
        assert not any(f"{{{name}}}" in value for value in values), name


def test_misspelled_text_keeps_its_words_in_number_and_changes_something():
    rng = random.Random(4)
    changed = 0
    for text in ("where is my order", "red running shoes for women", "ps5"):
        other = misspell(text, {}, rng)
        assert len(other.split()) == len(text.split())
        changed += other != text
    assert changed == 2  # "ps5" holds no word that is long enough


def test_known_misspellings_are_used():
    rng = random.Random(0)
    found = {misspell("receive", {"receive": ["recieve"]}, rng) for _ in range(50)}
    assert "recieve" in found
    assert len(found) > 1


def test_unknown_section_is_named(tmp_path):
    path = tmp_path / "templates.txt"
    path.write_text("# purchase keyword\nbuy it\n")
    with pytest.raises(ValueError, match="purchase keyword"):
        generate.read_templates(path)
