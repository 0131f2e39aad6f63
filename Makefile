# The front door. Everything here is a short name for a CMake preset, a ctest run or a script; see
# CMakePresets.json for what the builds are.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: FORCE help deps test-deps build run reproduce test torture check bench fuzz package tidy format clean

# Seconds that `make fuzz` runs each fuzz target; `make check` gives each FUZZ_CHECK_SECONDS.
FUZZ_SECONDS ?= 60
FUZZ_CHECK_SECONDS ?= 5
TORTURE_JOBS ?= 10000
DEPENDENCIES := scripts/install-dependencies.sh
CONFIGURE := cmake --preset release --log-level=WARNING -D MIXNET_SIMULATOR_ONLY=OFF
CONFIGURE_SIMULATOR := cmake --preset release --log-level=WARNING -D MIXNET_SIMULATOR_ONLY=ON
CTEST := ctest --output-on-failure --no-tests=error --parallel $(shell nproc)

# src/WING/ROOM/FILE_fuzz.cc builds ROOM_FILE_fuzz; src/WING/ROOM/FILE_bench.cc builds into ROOM_bench.
room = $(word 3,$(subst /, ,$(1)))
FUZZERS := $(foreach f,$(sort $(wildcard src/*/*/*_fuzz.cc)),$(call room,$(f))_$(basename $(notdir $(f))))
BENCHES := $(sort $(foreach f,$(wildcard src/*/*/*_bench.cc),$(call room,$(f))_bench))

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

deps: ## Install what is missing of the Debian packages that the whole build needs
	@$(DEPENDENCIES) everything

test-deps: ## The same, and those that only tests need
	@$(DEPENDENCIES) tests
	@scripts/public-clients.sh

build: deps ## Build everything, optimised, into build/
	@$(CONFIGURE)
	@cmake --build build

# A build of everything stays one while its packages are there.
build/mixnet: FORCE
	@$(DEPENDENCIES) simulator
	@if grep -qs 'MIXNET_SIMULATOR_ONLY:BOOL=OFF' build/CMakeCache.txt && \
	  $(DEPENDENCIES) --check everything; then $(CONFIGURE); else $(CONFIGURE_SIMULATOR); fi
	@cmake --build build --target mixnet

run: build/mixnet ## Build the program alone and compare fabrics for Mixtral 8x7B on 1024 GPUs
	build/mixnet compare --model mixtral-8x7b --gpus 1024 --bandwidth 100Gbps,400Gbps

reproduce: build/mixnet ## Reproduce the figures of the paper, beside what was published, into results/
	build/mixnet reproduce --out results

test: test-deps build ## Build everything and run every test
	@$(CTEST) --test-dir build

torture: build/mixnet ## Run TORTURE_JOBS (10000) random small jobs, which must not break anything
	@cd build && MIXNET=$(CURDIR)/build/mixnet TORTURE_JOBS=$(TORTURE_JOBS) python3 ../tests/torture_test.py

check: test-deps ## Run every test under ASan and UBSan, threads under TSan, and each fuzz target for a moment
	@cmake --preset sanitize --log-level=WARNING
	@cmake --build build-sanitize
	@$(CTEST) --test-dir build-sanitize
	@cmake --preset threads --log-level=WARNING
	@cmake --build build-threads --target base_test training_test network_test sweep_test
	@build-threads/base_test --gtest_brief=1 --gtest_filter='Parallel.*'
	@build-threads/network_test --gtest_brief=1 --gtest_filter='*Threads*'
	@build-threads/training_test --gtest_brief=1 --gtest_filter='*Threads*'
	@build-threads/sweep_test --gtest_brief=1 --gtest_filter='TaskPool.*:RunSweep.*'
	@if command -v clang++ >/dev/null; then \
	  $(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_CHECK_SECONDS); \
	else echo "make check: clang++ is not installed, so the fuzz targets were not run"; fi

fuzz: deps ## Run each fuzz target for FUZZ_SECONDS (60); needs clang
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build build-fuzz --target $(FUZZERS)
	@for fuzzer in $(FUZZERS); do \
	  echo "$$fuzzer: $(FUZZ_SECONDS) s"; \
	  mkdir -p build-fuzz/corpus/$$fuzzer; \
	  build-fuzz/$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=build-fuzz/$$fuzzer- build-fuzz/corpus/$$fuzzer; \
	done

bench: build ## Run every benchmark
	@for bench in $(BENCHES); do echo "== $$bench"; build/$$bench; done

package: build ## Make a Debian package of all programs: build/mixnet_VERSION_amd64.deb
	@cd build && cpack --config CPackConfig.cmake -G DEB

tidy: deps ## clang-tidy over every file; needs clang-tidy
	@cmake --preset tidy --log-level=WARNING
	@cmake --build build-tidy

format: ## clang-format over every C++ file
	@find src tests -name '*.h' -print0 -o -name '*.cc' -print0 | xargs -0 clang-format -i

clean: ## Remove all builds
	rm -rf build build-sanitize build-threads build-fuzz build-tidy
