# kubemr-shell: `make` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
PYTHONS ?= $(shell command -v python3.11 python3.12)
BIN := $(VENV)/bin
STDLIB = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
NATIVE_SOURCES := CMakeLists.txt pyproject.toml $(wildcard kubemr_shell/engine/native/*)
CPP_SOURCES := $(wildcard kubemr_shell/engine/native/*.[ch]pp)
FUZZ_SOURCES := $(wildcard fuzz/*.[ch]pp)
FUZZ_TARGETS := $(patsubst %.cpp,build/%,$(wildcard fuzz/*.cpp))
ENGINE_UNITS := $(filter-out kubemr_shell/engine/native/module.cpp kubemr_shell/engine/native/python_%.cpp,$(filter %.cpp,$(CPP_SOURCES)))
SECONDS ?= 600

PROCESSES ?= 4
DOCKER ?= docker
DOCKER_BUILD ?= $(DOCKER) build
IMAGE ?= kubemr
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' kubemr_shell/__init__.py)
ARCHITECTURE = $(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
HOMEPAGE ?= https://example.invalid/kubemr-shell
RELEASE_URL ?= $(HOMEPAGE)/releases/download/v$(VERSION)
GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
HELM_VERSION := v3.19.0
ACTIONLINT_VERSION := v1.7.12
HELM ?= $(shell command -v helm || echo $(BIN)/helm)
# The folders of tests that call the code itself: one for each part, but for cli, whose tests start the program.
FAST := $(wildcard $(patsubst kubemr_shell/%/__init__.py,tests/%,$(filter-out %/cli/__init__.py,$(wildcard kubemr_shell/*/__init__.py)))) \
	tests/contracts
LANGUAGES := $(patsubst images/%/Dockerfile,image-%,$(wildcard images/*/Dockerfile))

.PHONY: help demo setup check tidy test-fast test test-slow test-all coverage test-cluster format generate base-image images helm workflows bench bench-quick bench-s3 bench-cluster lock docs wheels chart dist plugin krew sbom release-version release-image release-chart release-dry-run clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'The venv module is missing: apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install --quiet --upgrade pip

$(VENV)/.installed: $(NATIVE_SOURCES) | $(VENV)/bin/python
	@echo 'Building and installing into $(VENV) …'
	@$(BIN)/pip install --quiet --editable . --constraint requirements/dev.txt
	@$(BIN)/python -m compileall -q kubemr_shell  # where Python may not write it by itself, each start would compile
	@$(BIN)/python -m kubemr_shell.engine
	@touch $@

$(VENV)/.developer: pyproject.toml requirements/dev.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --group dev --constraint requirements/dev.txt
	@touch $@

setup: $(VENV)/.developer ## make the environment, build, install the development tools

demo: $(VENV)/.installed ## count the words of Python's standard library, on all cores
	@mkdir -p build
	@find '$(STDLIB)' -name '*.py' -not -path '*-packages/*' | sort > build/demo-inputs
	@echo "kubemr-shell run -m \"tr -cs '[:alpha:]' '\\\\n'\" -r 'uniq -c' --inputs-from build/demo-inputs -o build/demo --overwrite"
	@$(BIN)/kubemr-shell run -m "tr -cs '[:alpha:]' '\n'" -r 'uniq -c' --inputs-from build/demo-inputs -o build/demo --overwrite
	@printf '\nThe most frequent words of the %s files of Python'"'"'s standard library:\n' "$$(wc -l < build/demo-inputs)"
	@cat build/demo/part-* | sort -k1,1nr | awk -f examples/demo-table.awk

check: setup ## lint, types, layers, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CPP_SOURCES) $(FUZZ_SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m docs.generate --check

tidy: setup ## report mistakes in the C++ code with clang-tidy
	@$(BIN)/pip install --quiet --group native --constraint requirements/dev.txt
	@mkdir -p build/tidy
	@printf '%s\n' -std=c++20 -Wall -Wextra "-I$(CURDIR)/kubemr_shell/engine/native" -isystem "$$($(BIN)/python -m nanobind --include_dir)" \
	    -isystem "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" > build/tidy/compile_flags.txt
	printf '%s\n' $(filter %.cpp,$(CPP_SOURCES) $(FUZZ_SOURCES)) | xargs -n 1 -P "$$(nproc)" $(BIN)/clang-tidy --quiet -p build/tidy

.PHONY: sanitize fuzz
sanitize: sanitize-asan sanitize-tsan ## run the tests of the engine with the address, undefined behaviour and thread sanitizers

# An environment that has the packages of $(VENV) and a sanitized build of the engine. The interpreter itself is not
# sanitized, so the runtime library of the sanitizer is loaded first. Leaks are not reported, because Python never frees
# some objects.
SANITIZERS-asan := address,undefined
SANITIZERS-tsan := thread
sanitize-%: setup
	@rm -rf build/sanitize/$*
	@$(BIN)/python -m venv --without-pip build/sanitize/$*
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > "$$(build/sanitize/$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/developer.pth"
	@$(BIN)/pip --python build/sanitize/$*/bin/python install --quiet --no-deps --editable . \
	    --config-settings build-dir=build/sanitize/$*/build --config-settings cmake.build-type=RelWithDebInfo \
	    --config-settings cmake.define.KUBEMR_SANITIZERS=$(SANITIZERS-$*)
	LD_PRELOAD="$$(g++ -print-file-name=lib$*.so) $$(g++ -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
	    ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=1 build/sanitize/$*/bin/python -m pytest -n 2 -k native -m 'not slow' tests/engine

fuzz: $(FUZZ_TARGETS) ## run each target in fuzz/ with damaged and random bytes, for SECONDS (600)
	@for target in $(notdir $(FUZZ_TARGETS)); do \
	    mkdir -p build/fuzz/corpus/$$target; \
	    build/fuzz/$$target -max_total_time=$(SECONDS) -max_len=8192 -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=build/fuzz/$$target- build/fuzz/corpus/$$target fuzz/corpus/$$target || exit 1; \
	done

build/fuzz/%: fuzz/%.cpp fuzz/support.hpp $(CPP_SOURCES)
	@command -v clang++ > /dev/null || { echo 'clang++ is missing, and libFuzzer is a part of it: apt-get install clang'; exit 1; }
	@mkdir -p build/fuzz
	clang++ -std=c++20 -O1 -g -Wall -Wextra -Werror -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Ikubemr_shell/engine/native $< $(ENGINE_UNITS) -o $@

test-fast: setup ## the tests of the inner loop: under 30 seconds on two cores, without servers
	$(BIN)/pytest -n 2 -q -m 'not lengthy and not slow and not cluster and not s3' $(FAST)

test: setup ## the tests a developer runs: under five minutes on two cores; many wait, so twice as many run at once
	$(BIN)/pytest -n $(PROCESSES) -m 'not slow and not cluster'

test-slow: setup ## hundreds of seeds, kills at every step, large lines: what make test leaves out
	$(BIN)/pytest -n 2 -m 'slow and not cluster'

test-all: test test-slow sanitize-asan ## everything that needs no cluster
	@$(MAKE) --no-print-directory fuzz SECONDS=40

coverage: setup ## the same, with the lines that no test runs
	$(BIN)/pytest -n 2 -m 'not cluster' --cov --cov-report=term:skip-covered

test-cluster: setup ## what needs Kubernetes or Docker, but for what is slow: pytest -m cluster runs all
	$(BIN)/pytest -n 2 -m 'cluster and not slow'

base-image: ## build the base image: DOCKER (docker) and IMAGE (kubemr) name the program and the prefix
	$(DOCKER_BUILD) -f Dockerfile.base -t $(IMAGE)/base -t $(IMAGE)/base:$(VERSION) --build-arg VERSION=$(VERSION) .

image-%: base-image
	$(DOCKER_BUILD) -t $(IMAGE)/$* --build-arg BASE=$(IMAGE)/base images/$*

images: base-image $(LANGUAGES) ## build the base image and one for each language in images/

helm: $(HELM) ## build helm with Go, for the chart and its tests: some minutes

$(BIN)/helm: | $(VENV)/bin/python
	GOBIN=$(abspath $(BIN)) $(GO) install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)

workflows: $(BIN)/actionlint ## check the workflows of GitHub with actionlint, which Go builds
	$(BIN)/actionlint

$(BIN)/actionlint: | $(VENV)/bin/python
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

chart: setup $(HELM) ## package the Helm chart into dist/chart/, and check the package
	$(BIN)/python -m release.chart_package $(HELM) dist/chart

format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP_SOURCES) $(FUZZ_SOURCES)
	$(BIN)/ruff check --fix .

generate: setup ## write the files that are generated from the code: schema, CRDs, manifests, pages
	$(BIN)/python -m docs.generate

bench: setup ## every benchmark: at most 30 minutes
	$(BIN)/python -m benchmarks.bench

bench-quick: setup ## the benchmarks in small: three minutes
	$(BIN)/python -m benchmarks.bench --quick

bench-s3: setup ## jobs with S3: about 25 minutes, on the server that tests use (KUBEMR_TEST_S3_ENDPOINT)
	$(BIN)/python -m benchmarks.s3_bench

bench-cluster: setup ## what a job costs the API server, and how soon pods begin and end: on the cluster of make test-cluster
	$(BIN)/python -m benchmarks.cluster_bench || true  # its bounds are printed; the latency is measured all the same
	$(BIN)/python -m benchmarks.cluster_latency

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-emit-index-url --no-header

lock: setup ## write the versions of all dependencies to requirements/, those of the base image with hashes
	@$(BIN)/pip install --quiet uv
	$(UV_COMPILE) --group dev --group docs --group native --group release pyproject.toml --output-file requirements/dev.txt
	$(BIN)/python -m release.image_requirements | $(UV_COMPILE) --generate-hashes --no-annotate \
	    --constraint requirements/dev.txt --output-file requirements/image.txt -

docs: setup ## build the documentation site and the man pages; a broken link is an error
	@$(BIN)/pip install --quiet --group docs --constraint requirements/dev.txt
	$(BIN)/python -m docs.website
	$(BIN)/python -m docs.man_pages

wheels: setup ## build the source distribution and the wheels into dist/, and check each of them
	$(BIN)/python -m release.dist dist $(PYTHONS)

dist: wheels ## the files of a release: the source distribution, the wheels and the chart, in dist/
	$(MAKE) chart

plugin: base-image ## pack the kubectl plugin for this architecture into dist/krew/, with the manifest for krew
	@mkdir -p dist/krew
	container=$$($(DOCKER) create $(IMAGE)/base) && trap "$(DOCKER) rm $$container" EXIT && \
	    $(DOCKER) cp $$container:/opt/kubemr - | gzip -n > dist/krew/kubectl-mapreduce-linux-$(ARCHITECTURE).tar.gz
	$(MAKE) krew

krew: setup ## write the manifest for krew; RELEASE_URL is the folder of the archives, HOMEPAGE the page of the project
	$(BIN)/python -m release.krew dist/krew $(RELEASE_URL) $(HOMEPAGE)

sbom: setup ## write the bill of materials of the base image's Python packages, in the format of CycloneDX
	@$(BIN)/pip install --quiet --group release --constraint requirements/dev.txt
	$(BIN)/python -m release.sbom dist/kubemr-shell-$(VERSION).cdx.json

release-version: ## check that TAG is the version of this tree after a v
	@test '$(TAG)' = 'v$(VERSION)' || { \
	    echo "The tag '$(TAG)' is not v$(VERSION): kubemr_shell/__init__.py has the version." >&2; exit 1; }

release-image: ## build the base image for both architectures, with SBOM and provenance, and push it
	$(DOCKER) buildx build -f Dockerfile.base --platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max \
	    --push -t $(IMAGE)/base:$(VERSION) --build-arg VERSION=$(VERSION) .

release-chart: chart ## push the chart to the registry CHARTS: oci://HOST/FOLDER
	$(HELM) push dist/chart/kubemr-$(VERSION).tgz $(CHARTS)

release-dry-run: ## do all steps of a release that publish nothing; the steps with an image need Docker
	$(MAKE) release-version TAG=v$(VERSION)
	$(MAKE) dist docs sbom
	@if $(DOCKER) version >/dev/null 2>&1; then $(MAKE) plugin; \
	else echo 'There is no Docker engine: the image and the plugin are not built.' >&2; fi
	@find dist -type f -exec ls -l {} +

clean: ## remove what was built
	rm -rf build dist $(VENV) benchmarks/.data
