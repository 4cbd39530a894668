"""The models' side: training, export, TensorRT compilation, and Triton's model repository."""

import os

# ONNX Runtime sends telemetry unless told not to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
