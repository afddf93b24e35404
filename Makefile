# Every command that a person or CI runs. `make demo` and `make test` need Python 3.11, git and make, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
LOCK = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
  -c requirements/constraints.txt
ARGS ?=
SOURCE ?=
WATCHPOST_FOOTAGE ?= ../shared/data
export WATCHPOST_FOOTAGE

IMAGE ?= watchpost:local
GPU_IMAGE ?= watchpost:gpu
# what this machine needs to reach package registries, a build needs too
BUILD_SETTINGS = PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST HTTP_PROXY HTTPS_PROXY NO_PROXY
BUILD_ARGS = $(foreach name,$(BUILD_SETTINGS),$(if $($(name)),--build-arg $(name)))

.PHONY: demo test test-k8s lint format setup setup-inference locks bench-accuracy bench-analyze bench-bridge bench-cap bench-day bench-image bench-ingest bench-onsets bench-qwen3-vl bench-qwen3-vl-cameras bench-uplink chaos image image-gpu clean

demo: .venv/ready .venv/parts
	@$(BIN)/watchpost demo $(if $(SOURCE),--source "$(SOURCE)") $(ARGS)

test: .venv/ready-dev .venv/parts
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

# the chart on a real Kubernetes: install, upgrade, loss of pods, uninstall; ends with its figures as one JSON line
test-k8s: .venv/ready-dev
	$(MAKE) image IMAGE=watchpost:dev
	WATCHPOST_IMAGE=watchpost:dev $(BIN)/pytest -x tests/k8s/site_on_kubernetes.py $(ARGS)

lint: .venv/ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-accuracy: .venv/ready-dev .venv/parts
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

# needs ffmpeg, GStreamer's RTSP server and the footage
bench-analyze: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.analyze_calls $(ARGS)

# needs ffmpeg and the footage; about 20 minutes
bench-ingest: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.ingest $(ARGS)

# needs ffmpeg and the footage; about ten minutes
bench-uplink: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.uplink $(ARGS)

# needs ffmpeg and the footage: whether a quiet camera misses who comes
bench-onsets: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.ingest.onsets $(ARGS)

# needs the embedded Kafka, MirrorMaker 2's jars (fetched at the first run) and 3 GB of disk; about six minutes
bench-bridge: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.bridge.beside $(ARGS)

# needs the embedded Kafka alone; about three minutes
bench-cap: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.bridge.cap $(ARGS)

# needs the embedded Kafka and 5 GB of disk; about 40 minutes
bench-day: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.bridge.day $(ARGS)

# needs the embedded Kafka alone: faults on the way from a site to its centre; about 12 s each
chaos: .venv/ready-dev .venv/parts
	@$(BIN)/python -m benchmarks.bridge.chaos $(ARGS)

bench-image: .venv/ready-dev
	@$(BIN)/python -m benchmarks.image $(IMAGE)

# needs a GPU: pictures a second by model, precision and canvas, then cameras held at their pace
bench-qwen3-vl: .venv/ready-inference
	$(BIN)/python -m benchmarks.qwen3_vl.speed $(ARGS)

bench-qwen3-vl-cameras: .venv/ready-inference
	$(BIN)/python -m benchmarks.qwen3_vl.capacity $(ARGS)

# the one image of the CPU services
image:
	docker build $(BUILD_ARGS) $(DOCKER_ARGS) --target cpu --tag $(IMAGE) .

# the same with what the larger models need on a GPU
image-gpu:
	docker build $(BUILD_ARGS) $(DOCKER_ARGS) --target gpu --tag $(GPU_IMAGE) .

setup: .venv/ready-dev .venv/parts

# what the larger models need (ADR 11), about 5 GB: everything else does without it
setup-inference: .venv/ready-inference .venv/parts

# the dependencies, exactly those of the lock files
.venv/ready: requirements/base.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/ready-dev: .venv/ready requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

.venv/ready-inference: .venv/ready requirements/inference.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements/inference.lock
	@touch $@

# what runs beside Python: Kafka's jars and the models of the CPU analyzer, both verified by checksum
.venv/parts: .venv/ready services/watchpost/models/catalogue.yaml
	$(BIN)/watchpost kafka fetch
	$(BIN)/watchpost models pull yolox-nano movenet-multipose
	@touch $@

locks:
	$(LOCK) pyproject.toml -o requirements/base.lock
	$(LOCK) --extra dev -c requirements/base.lock pyproject.toml -o requirements/dev.lock
	$(LOCK) --extra inference -c requirements/dev.lock pyproject.toml -o requirements/inference.lock
	printf 'hatchling>=1.27\n' | $(LOCK) - -o requirements/build.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis dist build var
