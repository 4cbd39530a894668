# The worker with its starter models and lexicon; no torch and no Triton inside.
#   docker build -f deploy/worker.Dockerfile -t query-worker:local .
# Run it with a read-only root file system: it writes nothing but to /tmp.
# Base images are pinned by exact tag; add the digest that your registry shows for it.

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY worker worker
COPY triton_models triton_models
# The environment gets no pip: nothing can be installed into the finished image.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/query-worker \
    && pip --python /opt/query-worker/bin/python install --no-cache-dir /wheels/*.whl

FROM python:3.11.14-slim-bookworm
# /repository: where a volume of this ownership is mounted to write the model repository.
RUN groupadd --gid 10001 worker \
    && useradd --uid 10001 --gid worker --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin worker \
    && install --directory --owner worker --group worker /repository
COPY --from=build /opt/query-worker /opt/query-worker
ENV PATH=/opt/query-worker/bin:$PATH \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 9464
# It reads the environment; a container that runs with -c FILE needs the same here (docs/operating.md).
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["query-worker", "health"]
ENTRYPOINT ["query-worker"]
CMD ["run"]
