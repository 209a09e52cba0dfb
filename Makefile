# make serve   install, train if there is no champion, serve
# make test    install, run the tests
# make checks  every check but the tests: format, lint, types, import rules, proto, generated code, corpus
# make check   these, and the tests
# make proto   generate framing/v1 and serving/inference from proto/
# make fuzz    send ten million bytes of nonsense to a server: BUNDLE=folder
# make peers-check  ask a server with the clients of Triton, KServe and Open Inference
# make lock    resolve the dependencies of pyproject.toml anew, with hashes
# make bench   measure speed and memory, write bench.json and BENCHMARKS.md; BENCH="scoring ..." for some of it
# make bench-peers  measure the pipelines behind MLServer and MLflow beside our server
# make mlflow  open the tracking store in a browser
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MLFLOW_PORT ?= 5000

.PHONY: bench bench-peers serve test check checks lint types imports proto-check corpus-check proto fuzz peers peers-check lock mlflow install
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

install: $(READY)

$(READY): pyproject.toml requirements.lock $(wildcard framing/*.pyx framing/*.pxd serving/*.pyx)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	$(BIN)/python -m compileall -q framing serving training  # as an installed package has it: a start need not compile
	touch $@

serve: $(READY)
	$(BIN)/framing-train fit --unless-champion
	exec $(BIN)/framing-serve

test: $(READY)
	$(BIN)/python -m pytest

check: checks test

checks: lint types imports proto-check corpus-check

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

# Nothing that was ever committed under proto/ may break: every version of it is a baseline.
proto-check: $(READY)
	cd proto && ../$(BIN)/buf format --diff --exit-code && ../$(BIN)/buf lint
	@for version in $$(git rev-list HEAD -- proto); do \
	  (cd proto && ../$(BIN)/buf breaking --against "../.git#ref=$$version,subdir=proto") || exit 1; done
	@out=$$(mktemp -d) && $(MAKE) --no-print-directory proto OUT=$$out && \
	  for made in $(GENERATED); do diff -r $$out/$$made $$made --exclude=__init__.py --exclude=__pycache__ \
	  || { echo "$$made is not what proto/ says: run 'make proto'"; exit 1; }; done && rm -r $$out

corpus-check: $(READY)
	$(BIN)/framing-train check-corpus

OUT ?= .
GENERATED := framing/v1 serving/inference
PROTOC = $(BIN)/python -m grpc_tools.protoc --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc
proto: $(READY)
	mkdir -p $(addprefix $(OUT)/,$(GENERATED))
	$(PROTOC) -I proto --python_out=$(OUT) --grpc_python_out=$(OUT) --mypy_out=quiet:$(OUT) \
	  --mypy_grpc_out=quiet:$(OUT) proto/framing/v1/*.proto
	$(PROTOC) -I proto/inference --python_out=$(OUT)/serving/inference --mypy_out=quiet:$(OUT)/serving/inference \
	  proto/inference/*.proto

PIP_COMPILE := $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
# The second lock is what the image of the server installs: the same versions, and nothing that only training needs.
lock:
	$(PIP_COMPILE) --all-extras --output-file requirements.lock pyproject.toml
	$(PIP_COMPILE) --extra serving --extra registry --extra tracing --build-deps-for wheel --constraint requirements.lock \
	  --output-file serving/deploy/requirements.lock pyproject.toml

BENCH ?=
bench: $(READY)
	$(BIN)/python -m tests.benchmarks $(BENCH)

# MLServer needs protobuf below 7: it lives in an environment of its own, from a lock of its own.
BENCH_PEERS := tests/benchmarks/peer_models/requirements
bench-peers: $(READY)
	@[ -x .bench-peers/bin/mlserver ] || { $(PYTHON) -m venv .bench-peers && \
	  .bench-peers/bin/pip install --quiet --require-hashes -r $(BENCH_PEERS).lock; } || \
	  { rm -rf .bench-peers; echo "MLServer cannot be installed from $(BENCH_PEERS).lock: the comparison is skipped"; }
	$(BIN)/python -m tests.benchmarks peers

mlflow: $(READY)
	mkdir -p var && $(BIN)/mlflow server --backend-store-uri sqlite:///var/mlflow.db --artifacts-destination var/artifacts \
	  --host 127.0.0.1 --port $(MLFLOW_PORT)

# Ten million bytes of nonsense through the port of a server with the bundle BUNDLE.
fuzz: $(READY)
	$(BIN)/python -m tests.benchmarks.fuzz $(BUNDLE)

# Clients of others need protobuf below 7: each lives in an environment of its own.
PEERS := tritonclient[grpc]==2.73.0 open-inference-grpc==2.0.0 kserve==0.21.0
peers:
	@for peer in $(PEERS); do name=$${peer%%[\[=]*}; [ -d var/peers/$$name ] || { $(PYTHON) -m venv var/peers/$$name && \
	  var/peers/$$name/bin/pip install --quiet "$$peer" numpy "protobuf<7"; } || { rm -rf var/peers/$$name; echo "$$peer cannot be had"; }; done

peers-check: $(READY) peers
	$(BIN)/python -m pytest tests/conformance/test_peers.py -rs
