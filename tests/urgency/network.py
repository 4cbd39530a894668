"""The network: a BERT, whose head is the first number of [CLS]."""

from torch import nn
from transformers import AutoModel

from triton_models.training.families import read

NOTE = "urgency.txt"


class Urgency(nn.Module):
    """Float32 [batch, 1]."""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask):
        return read(self.bert, input_ids, attention_mask)[0][:, 0, :1].sigmoid()

    def save_notes(self, folder):
        (folder / NOTE).write_text("urgency\n")


def load(folder):
    return Urgency(AutoModel.from_pretrained(folder, attn_implementation="eager"))


def trained(folder):
    return (folder / NOTE).is_file()


def contract(folder, notes):
    return {"dimension": 1, "labels": []}
