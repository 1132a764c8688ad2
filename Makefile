# The entry points a person types. `make demo` and `make test` install what is missing themselves.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup install up down demo test test-core test-models test-db test-client test-stack lint fmt bench torture evidence fuzz sim sim-postgres clean survival mutants kill models

export DO_NOT_TRACK := 1

# Bash has a SECONDS of its own: only what the command line says counts.
SIM_SECONDS := $(if $(filter command,$(word 1,$(origin SECONDS))),$(SECONDS),45)
SIM_POSTGRES_SECONDS := $(if $(filter command,$(word 1,$(origin SECONDS))),$(SECONDS),30)

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install what is missing: apt packages, cargo-pgrx, a compiler for WASM, npm packages
	tools/setup/setup.sh

install: setup ## build the extension and install it into Postgres
	node supabase/local/install.mjs

up: install ## start the local stack; its addresses and keys are then in .local/stack.env
	node supabase/local/up.mjs

down: ## stop what `make up` started
	node supabase/local/down.mjs

client-js/dist: client-js/package.json $(shell find client-js/src client-js/wasm/src client-js/wasm-abi/src client-js/wasm-model/src crates/core/src crates/model/src -name '*.ts' -o -name '*.rs' 2>/dev/null)
	npm --prefix client-js run build
	@touch $@

demo: up client-js/dist ## the story: two users, three devices, thousands of offline edits
	node supabase/demo/demo.mjs --svg docs/demo.svg

test: lint test-core sim sim-postgres test-db test-models test-client test-stack ## everything

test-core: setup ## laws, vectors and bad input of the pure core
	cargo test --quiet -p offline_sync_core -p offline_sync_model -p offline_sync_train

test-models: install ## models through SQL: exported ones in onnxruntime, learned habits of people who settle conflicts, cancelled training
	bench/ml/run.sh onnx_export
	bench/ml/run.sh conflict_suggestions
	bench/ml/run.sh backend --only cancel

sim: ## simulate devices, network and server (SEED=123 replays one seed, SECONDS=600 runs longer)
	cargo test --quiet --release -p offline_sync_sim
	cargo run --release --quiet -p offline_sync_sim -- run --steps 1000 $(if $(SEED),--seed $(SEED),--seeds 1000000000 --seconds $(SIM_SECONDS))

sim-postgres: install ## the same schedules against Postgres, on a private cluster (SEED=123, SECONDS=600)
	cargo run --release --quiet -p offline_sync_sim -- postgres --steps 150 $(if $(SEED),--seed $(SEED),--seeds 1000000000 --seconds $(SIM_POSTGRES_SECONDS))

test-db: install ## the extension over real connections, on a private cluster
	pg_offline_sync/tests/run.sh

test-client: setup ## the TypeScript client
	npm --prefix client-js run typecheck
	npm --prefix client-js test
	npm --prefix client-js run test:browser
	npm --prefix client-js run size
	cd client-js && cargo test --quiet --workspace --target-dir ../target/wasm-native

test-stack: up client-js/dist ## the stack, the client and the demonstration through the real API
	npm --prefix supabase/local test
	npm --prefix client-js run test:stack
	npm --prefix supabase/demo test
	node supabase/demo/demo.mjs --edits 1500
	node supabase/demo/kill.mjs --backends 6 --servers 2

lint: setup client-js/dist ## formatting and lints of all languages
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	cd client-js && cargo fmt --check && cargo clippy --quiet --workspace --all-targets --target-dir ../target/wasm-native -- -D warnings
	npm --prefix client-js run lint
	npm --prefix supabase/local run lint
	npm --prefix supabase/demo run lint

fmt: ## format everything
	cargo fmt --all
	npm --prefix client-js run format
	npm --prefix supabase/local run format
	npm --prefix supabase/demo run format

bench: install ## side by side: ours against plain SQL
	cargo run --release --quiet -p offline_sync_bench -- push_insert pull_1000 capture growth

torture: install ## commit-order torture at full size: 16 writers, 50,000 rows
	cargo run --release --quiet -p offline_sync_bench -- commit_order --long

bench/peers/node_modules: bench/peers/package-lock.json
	npm ci --prefix bench/peers --no-audit --no-fund
	@touch $@

survival: install bench/peers/node_modules ## the same conflicts for us, RxDB, Yjs and plain writes: edits that survive
	npm --prefix bench/peers run survival

kill: install client-js/dist ## kill -9 of backends and servers while devices push through the API: nothing lost, nothing twice
	node supabase/demo/kill.mjs

models: install ## the product's models on data with a known truth, and everything against scikit-learn, implicit and onnxruntime
	for program in product_models conflict_suggestions accuracy_vs_sklearn onnx_export speed backend; do bench/ml/run.sh $$program; done

mutants: install ## deliberate faults in core and SQL: each must be caught by a test
	tools/mutants/run.sh

evidence: up client-js/dist bench/peers/node_modules ## every figure that the README claims, into docs/evidence.json (LONG=1: the stated sizes)
	cargo run --release --quiet -p offline_sync_bench -- all
	bench/instructions.sh

fuzz: ## fuzz the parsers; SECONDS=300 each (needs cargo-fuzz)
	cd fuzz && for target in push_batch pull_request; do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$target -- -max_total_time=$${SECONDS:-300}; done

clean: down ## stop the stack and remove what was built
	rm -rf target client-js/dist client-js/src/wasm/core.wasm client-js/src/models/model.wasm .local
