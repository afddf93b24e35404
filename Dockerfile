# One image for every service that needs no GPU, and for a whole site in one container (`docker run IMAGE`).
# No host of a registry is named here: what this machine needs to reach one comes as build arguments (`make image`).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/base.lock requirements/build.lock ./
# compiled here, once: its user may not write there, and every start of a service would compile it all again
RUN python -m venv /opt/watchpost \
 && /opt/watchpost/bin/pip install --quiet --compile --require-hashes -r base.lock \
 && python -m venv tools && tools/bin/pip install --quiet --require-hashes -r build.lock
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
 && mkdir -p /app/models /var/lib/watchpost/events /var/lib/watchpost/recordings \
      /var/lib/watchpost/secrets \
 && chown -R 10001:10001 /app/models /var/lib/watchpost
COPY deploy/healthy.py /app/
COPY --from=build /usr/share/watchpost /usr/share/watchpost
COPY --from=build /opt/watchpost /opt/watchpost
# nothing that is needed was taken out
RUN WATCHPOST_MODELS=/usr/share/watchpost/models /opt/watchpost/bin/watchpost models verify \
 && /opt/watchpost/bin/python -B -c 'import importlib, pkgutil, watchpost; \
    [importlib.import_module(found.name) for found in pkgutil.walk_packages(watchpost.__path__, "watchpost.") \
     if not found.name.endswith("__main__")]'

# from nothing: what the base has and nobody needs would stay in its layers otherwise
FROM scratch
COPY --from=root / /
ENV PATH=/opt/watchpost/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHPOST_API__HOST=0.0.0.0 \
    WATCHPOST_BUNDLED_MODELS=/usr/share/watchpost/models \
    WATCHPOST_CACHE=/usr/share/watchpost \
    WATCHPOST_CONFIG=/app/config.yaml \
    WATCHPOST_HEALTH_PORT=7860 \
    WATCHPOST_MODELS=/app/models \
    WATCHPOST_STATE_DIR=/var/lib/watchpost
WORKDIR /app
USER 10001:10001
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-I", "-S", "/app/healthy.py"]
ENTRYPOINT ["watchpost"]
# a whole site; `run SERVICE`, or any other command, in its place
CMD ["--config", "config.yaml"]
