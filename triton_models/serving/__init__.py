"""From a checkpoint to what Triton serves: ONNX, TensorRT plans, the model repository."""
