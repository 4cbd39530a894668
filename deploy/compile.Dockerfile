# Builds TensorRT plans: NVIDIA's TensorRT image with the models' side of this project.
#   docker build -f deploy/compile.Dockerfile -t query-worker-compile:local .
# A plan runs on the TensorRT version and GPU it was built on, so the release (25.10) must be that
# of the Triton image in compose.tensorrt.yaml; both then carry the same TensorRT.

FROM nvcr.io/nvidia/tensorrt:25.10-py3
# Ubuntu guards its own Python against pip; in an image of one purpose there is nothing to guard.
ENV PIP_BREAK_SYSTEM_PACKAGES=1
# `compile` tokenizes queries, to measure the ranges of activations and to check the answers.
RUN pip install --no-cache-dir "nvidia-modelopt[onnx]==0.47.0" "orjson>=3.10" "tokenizers>=0.21"
COPY triton_models /opt/query-worker/triton_models
ENV PYTHONPATH=/opt/query-worker \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "triton_models"]
CMD ["compile", "--help"]
