# `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export CARGO_TARGET_DIR ?= $(HOME)/.cache/doorward/target

.PHONY: help run demo build test unit flows lint fmt deny check measure bench

help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and run a server on http://localhost:9000 with data in ./data
	cargo run --release -p doorward -- --data-dir ./data serve

demo: ## Doorward with a real NetBox beside it and a sample directory
	scripts/demo

build: ## Build the release binary
	cargo build --release -p doorward

test: ## All tests: rules, flows on SQLite and PostgreSQL, real NetBox, Apache, Chromium, HtmlUnit
	scripts/test

unit: ## Only the rules, without database or browser
	cargo nextest run --workspace --lib

flows: ## Only the flows in process, on SQLite and PostgreSQL
	scripts/services cargo nextest run --workspace -E 'package(doorward-server)'

lint: ## Formatting and lints, warnings refused
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

fmt: ## Format the code
	cargo fmt --all

deny: ## Licences, banned and doubled crates (needs cargo-deny)
	cargo deny --offline check bans licenses sources

check: lint test ## Exactly what CI runs

measure: ## Start-up, memory, size and crate count of the release binary
	scripts/measure

bench: ## LDAP beside slapd, OpenID Connect beside oidc-provider, forward auth: rates, latencies, processor time (twenty minutes)
	scripts/bench
