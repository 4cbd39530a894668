"""The model repository: what Triton reads, for each platform, and nothing of others' destroyed."""

import json
import shutil

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tests.servers.models import LABELS, build
from triton_models.__main__ import main
from triton_models.contract import load
from triton_models.serving.repository import PLATFORMS, RepositoryError, joined, write


@pytest.fixture
def models(tmp_path):
    build(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def plans(tmp_path):
    for name in ("intent", "encoder", "matching"):
        (tmp_path / "plans" / name).mkdir(parents=True)
        (tmp_path / "plans" / name / "model.plan").write_text(f"plan of {name}")
    return tmp_path / "plans"


def parsed(out, name):
    return text_format.Parse((out / name / "config.pbtxt").read_text(), ModelConfig())


def contents(out):
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_configuration_says_all_of_the_contract(models, plans, tmp_path, platform):
    write(models, tmp_path / "out", platform, plans=plans)
    config = parsed(tmp_path / "out", "intent")
    assert (config.name, config.backend, config.max_batch_size) == ("intent", platform, 64)
    assert [(i.name, list(i.dims)) for i in config.input] == [
        ("input_ids", [-1]),
        ("attention_mask", [-1]),
    ]
    assert [(o.name, list(o.dims)) for o in config.output] == [
        ("probabilities", [5]),
        ("tag_probabilities", [-1, 5]),
    ]
    assert config.HasField("dynamic_batching")
    assert config.parameters["labels"].string_value == ",".join(LABELS)
    assert config.parameters["max_length"].string_value == "64"
    assert len(config.parameters["tokenizer_sha256"].string_value) == 64
    assert [w.inputs["input_ids"].dims[0] for w in config.model_warmup] == [8, 16, 32, 64]
    assert parsed(tmp_path / "out", "matching").parameters["threshold"].string_value == "0.5"
    labels = (tmp_path / "out" / "intent" / config.output[0].label_filename).read_text()
    assert labels.split() == LABELS


def test_no_queue_policy_which_would_stall_requests(models, tmp_path):
    write(models, tmp_path / "out", "python")
    batching = parsed(tmp_path / "out", "intent").dynamic_batching
    assert not batching.HasField("default_queue_policy")


def test_each_platform_has_its_files_and_instances(models, plans, tmp_path):
    for platform, kind in (("python", "KIND_CPU"), ("onnxruntime", "KIND_AUTO")):
        write(models, tmp_path / platform, platform, instances=3)
        group = parsed(tmp_path / platform, "encoder").instance_group[0]
        assert (group.count, group.Kind.Name(group.kind)) == (3, kind)
        served = tmp_path / platform / "encoder" / "3"
        assert (served / "model.onnx").read_bytes() == (
            models / "encoder" / "model.onnx"
        ).read_bytes()
        assert (served / "model.py").exists() == (platform == "python")
    write(models, tmp_path / "tensorrt", "tensorrt", plans=plans)
    group = parsed(tmp_path / "tensorrt", "encoder").instance_group[0]
    assert (group.count, group.Kind.Name(group.kind)) == (2, "KIND_GPU")
    assert list(group.profile) == ["0", "1", "2", "3"]
    plan = tmp_path / "tensorrt" / "encoder" / "3" / "model.plan"
    assert plan.read_text() == "plan of encoder"


def test_the_same_models_give_the_same_bytes_and_replace_the_old(models, tmp_path):
    write(models, tmp_path / "one", "python")
    first = contents(tmp_path / "one")
    (tmp_path / "one" / "intent" / "stale").write_text("of an older version")
    write(models, tmp_path / "one", "python")
    write(models, tmp_path / "two", "python")
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["models", "one", "two"]


def test_a_folder_that_is_not_ours_is_left_alone(models, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("precious")
    with pytest.raises(RepositoryError, match="not a model repository of ours"):
        write(models, tmp_path / "notes", "python")
    assert contents(tmp_path / "notes") == {"thesis.txt": b"precious"}


def test_a_failure_leaves_the_old_repository(models, tmp_path):
    write(models, tmp_path / "out", "python")
    before = contents(tmp_path / "out")
    with pytest.raises(RepositoryError, match="run `compile`"):
        write(models, tmp_path / "out", "tensorrt", plans=tmp_path)
    with pytest.raises(RepositoryError, match="no plans given"):
        write(models, tmp_path / "out", "tensorrt")
    with pytest.raises(RepositoryError, match="python, onnxruntime, tensorrt"):
        write(models, tmp_path / "out", "torch")
    assert contents(tmp_path / "out") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["models", "out"]


def test_two_models_of_a_kind_live_in_one_repository(models, tmp_path):
    other = models / "intent_de"
    shutil.copytree(models / "intent", other)
    with pytest.raises(RepositoryError, match=r"intent_de: called intent like .*--name"):
        write(models, tmp_path / "out", "onnxruntime")
    about = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps(about | {"name": "intent_de"}))
    write(models, tmp_path / "out", "onnxruntime")
    for name in ("intent", "intent_de"):
        text = (tmp_path / "out" / name / "config.pbtxt").read_text()
        assert f'name: "{name}"' in text and 'key: "kind" value: { string_value: "intent" }' in text


def change(models, **fields):
    file = models / "intent" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_older_versions_stay_and_the_models_own_is_served(models, tmp_path):
    served = []
    for version in (3, 5, 9, 5):
        change(models, version=version)
        write(models, tmp_path / "out", "python", keep=2)
        policy = parsed(tmp_path / "out", "intent").version_policy
        kept = sorted(p.name for p in (tmp_path / "out" / "intent").iterdir() if p.is_dir())
        served.append((list(policy.specific.versions), kept))
    assert served == [([3], ["3"]), ([5], ["3", "5"]), ([9], ["5", "9"]), ([5], ["5", "9"])]
    write(models, tmp_path / "out", "onnxruntime", keep=2)  # the others have model.py
    kept = [p.name for p in (tmp_path / "out" / "intent").iterdir() if p.is_dir()]
    assert kept == ["5"]


def test_models_that_are_served_no_more_are_named(models, tmp_path, capsys):
    command = ["repository", "--models", str(models), "--platform", "python"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert "removed" not in capsys.readouterr().out
    shutil.rmtree(models / "encoder")
    assert main(command) == 0
    told = f"intent, matching; removed, since {models} has them no more: encoder\n"
    assert capsys.readouterr().out.endswith(told)


def test_a_label_may_hold_a_comma(models, tmp_path):
    labels = ["a, b", "a", "b", "c\\", ",d"]
    change(models, labels=labels)
    assert load(models / "intent").labels == tuple(labels)
    write(models, tmp_path / "out", "python")
    told = parsed(tmp_path / "out", "intent").parameters["labels"].string_value
    assert told == joined(labels) == r"a\, b,a,b,c\\,\,d"
    assert (tmp_path / "out" / "intent" / "labels.txt").read_text().splitlines() == labels
