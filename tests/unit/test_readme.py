"""The README shows what the program does."""

import json
import re
from pathlib import Path

from tests.stream import schema
from worker.config.load import model_of, reference
from worker.config.settings import RELOADABLE, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_configuration_reference_is_the_settings_models():
    made = re.search(r"<!-- configuration: .*?-->\n(.*?)<!-- /configuration -->", README, re.S)
    assert made.group(1).strip() == reference().strip(), (
        "put the output of `python -m worker.config.load` there"
    )


def test_the_example_events_hold_the_schemas():
    given, made = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.S))
    schema("input").validate(given)
    schema("output").validate(made)
    assert {name: made[name] for name in given} == given


def test_every_link_and_named_file_exists():
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    targets += re.findall(r"`((?:worker|deploy|triton_models|load_tests|docs)/[\w./-]+)`", README)
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_what_a_reload_changes_is_listed():
    text = (ROOT / "docs" / "lifecycle.md").read_text()
    assert [key for key in sorted(RELOADABLE) if f"`{key}`" not in text] == []
    parts = set(Settings.model_fields)
    keys = {f"{part}.{key}" for part in parts for key in model_of(part).model_fields}
    assert not RELOADABLE - keys - parts
