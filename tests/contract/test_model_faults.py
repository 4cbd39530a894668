"""A model that does not fit its folder is told with every difference at once."""

from __future__ import annotations

from dataclasses import replace


def test_models_that_fit_have_no_faults(subject):
    async def test(inference):
        assert await inference.check(list(subject.contracts.values())) == []

    subject.run(test)


def test_every_fault_of_every_model_is_told(subject):
    intent = replace(
        subject.contracts["intent"],
        labels=("browse", "purchase", "inquiry", "complaint", "other"),
        tokenizer_sha256="0" * 64,
        onnx_sha256="1" * 64,
        max_length=128,
        max_batch_size=128,
        dimension=6,
        inputs=("input_ids",),
    )
    encoder = subject.contracts["encoder"]
    absent = replace(encoder, name="absent")

    async def test(inference):
        faults = await inference.check([intent, encoder, absent])
        assert {fault.key for fault in faults} == {
            *("intent.labels", "intent.tokenizer_sha256", "intent.onnx_sha256"),
            *("intent.max_length", "intent.max_batch_size", "intent.outputs", "intent.inputs"),
            "absent",
        }
        told = {fault.key: fault for fault in faults}
        assert told["intent.labels"].found == "purchase,browse,inquiry,complaint,other"
        assert told["intent.labels"].expected == "browse,purchase,inquiry,complaint,other"
        assert told["intent.max_length"].found == "64"
        tags = "tag_probabilities FP32 [-1, -1, 5]"
        assert told["intent.outputs"].expected == f"probabilities FP32 [-1, 6], {tags}"
        assert told["intent.outputs"].found == f"probabilities FP32 [-1, 5], {tags}"
        assert all("triton_models repository" in fault.remedy for fault in faults)

    subject.run(test)
