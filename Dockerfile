# `cpu`, which a build without --target makes: every service that needs no GPU, and a whole site in one container
# (`docker run IMAGE`). `gpu`: the same, and what the larger models need beside it (ADR 11).
# No host of a registry is named here: what this machine needs to reach one comes as build arguments (`make image`).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS environment
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/base.lock ./
# compiled here, once: its user may not write there, and every start of a service would compile it all again
RUN python -m venv /opt/watchpost \
 && /opt/watchpost/bin/pip install --quiet --compile --require-hashes -r base.lock

FROM environment AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY requirements/build.lock ./
RUN python -m venv tools && tools/bin/pip install --quiet --require-hashes -r build.lock
COPY pyproject.toml README.md CHANGELOG.md ./
COPY schemas schemas
COPY services services
RUN tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels . \
 && /opt/watchpost/bin/pip install --quiet --compile --no-deps wheels/*.whl
# Kafka's jars and the models of the CPU analyzer, each verified by its checksum
RUN WATCHPOST_CACHE=/usr/share/watchpost /opt/watchpost/bin/watchpost kafka fetch \
 && WATCHPOST_MODELS=/usr/share/watchpost/models \
    /opt/watchpost/bin/watchpost models pull yolox-nano movenet-multipose
COPY deploy/prune-python /usr/local/bin/
RUN prune-python /opt/watchpost

FROM ${PYTHON_IMAGE} AS root
COPY deploy/prune-base /usr/local/bin/
# the folders are what volumes take their owner from
RUN prune-base \
 && useradd --uid 10001 --no-create-home --home-dir /var/lib/watchpost --shell /usr/sbin/nologin watchpost \
 && mkdir -p /app/models /var/lib/watchpost/events /var/lib/watchpost/inference \
      /var/lib/watchpost/recordings /var/lib/watchpost/secrets \
 && chown -R 10001:10001 /app/models /var/lib/watchpost
COPY deploy/healthy.py /app/
COPY --from=build /usr/share/watchpost /usr/share/watchpost
COPY --from=build /opt/watchpost /opt/watchpost
# nothing that is needed was taken out
RUN WATCHPOST_MODELS=/usr/share/watchpost/models /opt/watchpost/bin/watchpost models verify \
 && /opt/watchpost/bin/python -B -c 'import importlib, pkgutil, watchpost; \
    [importlib.import_module(found.name) for found in pkgutil.walk_packages(watchpost.__path__, "watchpost.") \
     if not found.name.endswith("__main__") and ".qwen3_vl" not in found.name]'

# from nothing: what the base has and nobody needs would stay in its layers otherwise
FROM scratch AS cpu
COPY --from=root / /
# MODELS_DIR, not WATCHPOST_MODELS: that one beats it, so whichever of the two a user sets is in force
ENV PATH=/opt/watchpost/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    MODELS_DIR=/app/models \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHPOST_API__HOST=0.0.0.0 \
    WATCHPOST_BUNDLED_MODELS=/usr/share/watchpost/models \
    WATCHPOST_CACHE=/usr/share/watchpost \
    WATCHPOST_CONFIG=/app/config.yaml \
    WATCHPOST_HEALTH_PORT=7860 \
    WATCHPOST_STATE_DIR=/var/lib/watchpost
WORKDIR /app
USER 10001:10001
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-I", "-S", "/app/healthy.py"]
ENTRYPOINT ["watchpost"]
# a whole site; `run SERVICE`, or any other command, in its place
CMD ["--config", "config.yaml"]

# beside the code, not on top of it: a changed line does not fetch 3 GB again
FROM environment AS build-gpu
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY requirements/inference.lock ./
# a prefix of its own takes only what the environment lacks: the CPU image's layers stay as they are
RUN /opt/watchpost/bin/pip install --quiet --compile --require-hashes --prefix /opt/inference -r inference.lock

# torch's wheels bring CUDA; of the host it needs the driver alone, which the NVIDIA container toolkit lays in
FROM cpu AS gpu
USER 0:0
# Triton compiles its part that speaks to the driver at the first kernel, torch.compile what runs on the CPU. Python's
# headers are in the published base image already.
RUN mkdir -p /var/cache/apt/archives/partial /var/cache/debconf \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ libc6-dev \
      $(python -c 'import os, sysconfig; print("" if os.path.exists(sysconfig.get_path("include") + "/Python.h") else "python3-dev")') \
 && prune-base \
 && install -d -o 10001 -g 10001 /var/cache/watchpost
COPY --from=build-gpu /opt/inference /opt/watchpost
ENV CUDA_CACHE_PATH=/var/cache/watchpost/cuda \
    HF_HUB_DISABLE_TELEMETRY=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NVIDIA_VISIBLE_DEVICES=all \
    TORCHINDUCTOR_CACHE_DIR=/var/cache/watchpost/inductor \
    TRITON_CACHE_DIR=/var/cache/watchpost/triton
USER 10001:10001
# nothing that is needed was taken out
RUN python -B -c 'import importlib, pkgutil, watchpost.inference, bitsandbytes, torch, torchvision, triton; \
    from transformers import AutoProcessor, Qwen3VLForConditionalGeneration, Qwen3VLMoeForConditionalGeneration; \
    [importlib.import_module(found.name) \
     for found in pkgutil.walk_packages(watchpost.inference.__path__, "watchpost.inference.")]'

FROM cpu
