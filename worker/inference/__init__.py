"""The model port and its implementations: Triton over gRPC, ONNX Runtime in process."""
