"""The int8 graph of `export`, with float32 weights again.

TensorRT reads neither the functions of `quantize` nor ONNX Runtime's dynamically quantized graphs,
the form of weights exported earlier. Here each quantized product becomes a plain MatMul with the
same (rounded) weights, and each quantized table a plain one; only the rounding of the activations
falls away.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from triton_models.serving.quantize import DOMAIN

DYNAMIC = ("DynamicQuantizeLinear", "MatMulInteger")
NONE = np.zeros(1, np.float32)  # the zero point of symmetric weights


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether the graph was quantized by `export`."""
    return any(node.op_type in DYNAMIC or node.domain == DOMAIN for node in model.graph.node)


def dequantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the graph with float32 weights; a graph without int8 comes back as it is.

    Raises ValueError for a quantized node that `export` would not have made.
    """
    graph = _Graph(model)
    for node in list(model.graph.node):
        if node.domain == DOMAIN:
            graph.replace_call(node)
        elif node.op_type == "MatMulInteger":
            graph.replace_product(node)
        elif node.op_type == "DequantizeLinear":
            graph.replace_table(node)
    return graph.finished()


class _Graph:
    """A model's nodes by what they make and what they read."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.constants = {i.name: i for i in model.graph.initializer}
        self.maker = {out: node for node in model.graph.node for out in node.output}
        self.readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.new: dict[str, NodeProto] = {}  # by output
        self.weights: dict[str, np.ndarray] = {}

    def array(self, name: str) -> np.ndarray:
        if name not in self.constants:
            raise ValueError(f"{name} is no constant: this int8 graph was not made by `export`")
        return numpy_helper.to_array(self.constants[name])

    def reader(self, name: str, kind: str) -> NodeProto:
        """The one node of that kind that reads a value."""
        found = [node for node in self.readers[name] if node.op_type == kind]
        if len(found) != 1:
            raise ValueError(f"{name} has no {kind}: this int8 graph was not made by `export`")
        return found[0]

    def replace_call(self, node: NodeProto) -> None:
        """A call of one of the functions of `quantize`."""
        if node.op_type == "product":
            states, _, weight, scale = node.input
            self.put(weight, self.array(weight), NONE, self.array(scale))
            inputs = [self.maker[states].input[0], weight]
            self.new[node.output[0]] = helper.make_node("MatMul", inputs, node.output)
        elif node.op_type == "entry":
            ids, table, scale = node.input
            self.put(table, self.array(table), NONE, self.array(scale))
            self.new[node.output[0]] = helper.make_node("Gather", [table, ids], node.output)

    def replace_product(self, node: NodeProto) -> None:
        """MatMulInteger, Cast and Mul by the scales become one MatMul."""
        quantized, weight, _, zero = node.input
        source = self.maker[quantized].input[0]
        scaled = self.reader(self.reader(node.output[0], "Cast").output[0], "Mul")
        scales = next(self.maker[i] for i in scaled.input if self.maker[i].op_type == "Mul")
        scale = next(i for i in scales.input if i in self.constants)
        self.put(weight, self.array(weight), self.array(zero), self.array(scale))
        self.new[scaled.output[0]] = helper.make_node(
            "MatMul", [source, weight], [scaled.output[0]], name=node.name
        )

    def replace_table(self, node: NodeProto) -> None:
        """Gather from an int8 table, then DequantizeLinear, becomes a Gather from float32."""
        gather = self.maker.get(node.input[0])
        if gather is None or gather.op_type != "Gather":
            raise ValueError(
                f"{node.name} reads no table: this int8 graph was not made by `export`"
            )
        table, index = gather.input
        self.put(table, self.array(table), self.array(node.input[2]), self.array(node.input[1]))
        made = helper.make_node("Gather", [table, index], [node.output[0]], name=gather.name)
        made.attribute.extend(gather.attribute)
        self.new[node.output[0]] = made

    def put(self, name: str, values: np.ndarray, zero: np.ndarray, scale: np.ndarray) -> None:
        self.weights[name] = (values.astype(np.float32) - zero.astype(np.float32)) * scale

    def finished(self) -> onnx.ModelProto:
        """The graph with its new nodes in place, and nothing left that nobody reads."""
        nodes = [self.new.get(node.output[0], node) for node in self.model.graph.node]
        needed = {out.name for out in self.model.graph.output}
        kept = []
        for node in reversed(nodes):
            if needed & set(node.output):
                kept.append(node)
                needed.update(node.input)
        constants = [self.constant(name) for name in self.constants if name in needed]
        del self.model.graph.node[:], self.model.graph.initializer[:]
        del self.model.graph.value_info[:], self.model.functions[:]
        domains = [o for o in self.model.opset_import if o.domain != DOMAIN]
        del self.model.opset_import[:]
        self.model.opset_import.extend(domains)
        self.model.graph.node.extend(reversed(kept))
        self.model.graph.initializer.extend(constants)
        return self.model

    def constant(self, name: str) -> onnx.TensorProto:
        if name in self.weights:
            return numpy_helper.from_array(self.weights[name].astype(np.float32), name)
        return self.constants[name]
