# Every command works on a fresh clone; `make` lists them.

PORT ?= 8080
# How many test processes side by side.
JOBS ?= 2
# `make lock UPGRADE=--upgrade` takes the newest versions; without it, a pin moves only when it must.
UPGRADE ?=
# How long `make fuzz` takes for each target, and `make mutants` in all; which mutants are tried first.
SECONDS ?= 600
MINUTES ?= 60
SEED ?= 5280
# Files that `make authorizer` packs besides the function.
WITH ?=
# Who builds images, and for which machine `make sbom` lists packages; without one, for this.
BUILDER ?= docker
MACHINE ?=
# Modules or packages of the core that `make mutants` changes; otherwise the rooms that decide.
FILES ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
PYTEST := $(BIN)/python -m pytest

export PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run dev test test-slow lint types contracts check format coverage conformance lock pictures dashboard-pictures \
  bench fuzz fuzz-short mutants authorizer chart demo settings docs images sbom

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/.runtime ## Serve a demo PKI on http://127.0.0.1:8080 (PORT=9000 for another port)
	@scripts/system-packages openssl
	@$(BIN)/python -m service.demo --port $(PORT)

demo: .venv/.runtime ## Tell the story of a revocation through every front door (installs curl, nginx, openssl when missing)
	@scripts/system-packages curl nginx openssl
	@$(BIN)/revet demo

dev: .venv/.dev ## Create .venv with everything for development

test: .venv/.dev ## Run the suite: minutes (installs openssl, redis-server, nginx, haproxy, curl, shellcheck, prometheus, chromium and systemd-analyze when missing)
	@scripts/system-packages
	$(PYTEST) tests/core -m "not slow" -n $(JOBS) --dist worksteal \
	  --cov=service/core --cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered
	$(PYTEST) --ignore=tests/core -m "not slow" -n $(JOBS) --dist worksteal

test-slow: .venv/.dev ## Run what takes longer, kills processes, or builds images (installs buildah and debootstrap too when missing)
	@scripts/system-packages
	@scripts/system-packages buildah debootstrap
	$(PYTEST) -m slow --timeout=600

conformance: .venv/.dev ## Run every conformance corpus: cases, passed, false accepts, false rejects
	@$(BIN)/python -m tests.conformance

coverage: .venv/.dev ## Measure the branches that the quick suite runs, in the whole package
	@scripts/system-packages
	$(PYTEST) -m "not slow" -n $(JOBS) --dist worksteal --cov=service --cov-branch --cov-report=term-missing:skip-covered

fuzz: .venv/.dev ## Fuzz the readers and the verdict: ten minutes for each target (SECONDS=600)
	$(BIN)/python -m fuzz --seconds $(SECONDS) --jobs $(JOBS)

fuzz-short: .venv/.dev ## Fuzz all of it for a minute
	$(BIN)/python -m fuzz --total 60

mutants: .venv/.dev ## Change the core a thing at a time and see whether a test notices: an hour (MINUTES=60 SEED=5280 FILES=)
	$(BIN)/python -m mutants --minutes $(MINUTES) --seed $(SEED) --jobs $(JOBS) $(FILES)

bench: .venv/.dev ## Measure beside peers, best on a machine that does nothing else: six minutes
	@scripts/system-packages nginx openssl wrk
	$(BIN)/python -m bench

authorizer: ## Write dist/authorizer.zip, the Lambda authorizer (WITH=ca.pem packs more files beside it)
	@$(or $(PYTHON),python3) scripts/authorizer_archive.py dist/authorizer.zip $(WITH)

# What a build is told of where it comes from; a checkout without a history is built all the same.
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
BUILD_ARGS = --build-arg VERSION=$(VERSION) --build-arg REVISION=$(or $(shell git rev-parse HEAD 2>/dev/null),unknown)

images: ## Build revet and revet-sidecar (BUILDER=podman for another builder than docker)
	$(BUILDER) build $(BUILD_ARGS) -t revet:$(VERSION) .
	$(BUILDER) build $(BUILD_ARGS) -t revet-sidecar:$(VERSION) sidecar

sbom: .venv/.dev ## Write dist/revet-VERSION.cdx.json, what the image consists of (CycloneDX; MACHINE=aarch64)
	@$(BIN)/python scripts/sbom.py dist/revet-$(VERSION).cdx.json $(MACHINE)

check: lint types contracts ## Lint, types and contracts

lint: .venv/.dev ## Rules and format (ruff), Dockerfiles (hadolint)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/hadolint Dockerfile sidecar/Dockerfile

types: .venv/.dev ## Types (mypy, strict)
	$(BIN)/mypy

contracts: .venv/.dev ## Which part may import which (import-linter)
	$(BIN)/lint-imports

format: .venv/.dev ## Rewrite the code in the house's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix-only

pictures: docs/pictures/architecture.svg docs/pictures/doors.svg docs/pictures/fleet.svg docs/pictures/layers.svg docs/pictures/processes.svg ## Draw the pictures in docs/ from their text (Graphviz)

dashboard-pictures: .venv/.dev ## Take the dashboard's pictures in docs/ (chromium, two replicas, Redis)
	@scripts/system-packages chromium redis-server
	$(BIN)/python -m tests.browser.pictures

docs: .venv/.dev ## Check the documentation: links, commands that are shown, tables and figures against the code
	@scripts/system-packages
	$(PYTEST) tests/docs -n $(JOBS) --dist worksteal

settings: .venv/.dev ## Write the tables of docs/settings.md, out of the settings' docstrings
	@$(BIN)/python scripts/settings_reference.py

chart: .venv/.dev ## Write what is made of the chart's values and of the dashboard's questions: helm/README.md, values.schema.json, files/, deploy/prometheus, deploy/grafana
	@$(BIN)/python scripts/chart_reference.py
	@$(BIN)/python -m scripts.grafana_dashboard
	@$(BIN)/python -m scripts.monitoring_files

docs/pictures/%.svg: docs/pictures/%.dot
	dot -Tsvg $< -o $@

# The runtime pins come first and bind all the others; a header that names this target keeps paths out of the files.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
  --custom-compile-command "make lock" $(UPGRADE)

lock: $(BIN)/uv ## Pin and hash the dependencies again (UPGRADE=--upgrade for newer ones)
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra aws -c requirements/runtime.txt -o requirements/aws.txt
	$(LOCK) pyproject.toml --extra otel -c requirements/runtime.txt -o requirements/otel.txt
	$(LOCK) requirements/build.in -c requirements/runtime.txt -o requirements/build.txt
	$(LOCK) pyproject.toml requirements/build.in --extra aws --extra otel --extra dev \
	  -c requirements/runtime.txt -c requirements/aws.txt -c requirements/otel.txt -c requirements/build.txt \
	  -o requirements/dev.txt

$(BIN)/uv:
	$(MAKE) dev

# The stamps: what they depend on is installed again when it changes, and nothing is when it does not.
.venv/.created:
	@scripts/virtual-environment .venv
	@touch $@

.venv/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/.created
	@echo "Installing the pinned packages into .venv"
	@$(PIP) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt pyproject.toml | .venv/.created
	@echo "Installing the pinned packages for development into .venv"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch .venv/.runtime $@
