# Everything a maintainer types. Each target makes what it needs; `make help` lists them.
PYTHON_BIN := .venv/bin
PYTEST := $(PYTHON_BIN)/python -m pytest
PARALLEL := -n 2 --dist loadfile
# Tests that share a platform go to one process; tests/distribution.py says which. Three, as half of the time each waits.
SHARED := -n 3 --dist loadgroup --no-loadscope-reorder
# Tests are kept compiled, whatever the shell says: compiling them was a tenth of a warm `make check`.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup tools lint check test thorough test-clouds faults demo demo-down demo-update demo-update-down demo-loop demo-loop-down bench bench-scale lock release clean
.DEFAULT_GOAL := help

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Make the environment of this checkout (.venv), from the hash-pinned lock.
	@./bootstrap.sh

tools: setup ## Get the Pulumi engine and the platform's servers, once; cached for all checkouts.
	@$(PYTHON_BIN)/factory doctor --mend

lint: setup ## Form and lint, in a second.
	@$(PYTHON_BIN)/ruff format --check --quiet . && $(PYTHON_BIN)/ruff check --quiet .

check: lint ## Lint, types and the fast tests; a minute on 2 cores.
	@$(PYTHON_BIN)/mypy --no-error-summary & $(PYTEST) $(PARALLEL) -m "not heavy and not slow and not long and not e2e and not clouds"; \
		tests=$$?; wait $$! && exit $$tests

test: setup ## Everything: the fast part, then heavy tests, servers, engine, whole repos, and the factory end to end.
	@$(MAKE) --no-print-directory -j 2 check tools
	@$(PYTEST) $(SHARED) -m "(heavy or slow or e2e) and not long and not clouds" --slowest-files 10

test-clouds: tools ## What is for clouds, without an account: programs behind stand-ins, vendors' schemas, the flow on servers here.
	@./bootstrap.sh clouds
	@$(PYTEST) $(SHARED) tests/clouds -m "not long" --slowest-files 10

thorough: tools ## The long tests: every table that was tried, fifty sets of answers, 500 examples a property.
	@$(PYTEST) -n 2 -m "long or hypothesis" --hypothesis-profile thorough

faults: tools ## Load, kill and double the real parts at random, an hour and more; rewrites docs/reliability.md.
	@$(PYTHON_BIN)/python -m tests.faults.run

demo: tools ## Two use cases from a table to traced predictions in prod, on this machine.
	@$(PYTHON_BIN)/python demo/demo.py up

demo-down: setup ## Remove everything that the demo made: processes, ports, folders.
	@$(PYTHON_BIN)/python demo/demo.py down

demo-update: tools ## A repo of release 0.1.0 with a model in prod follows to the newest release.
	@$(PYTHON_BIN)/python -m demo.follow up .demo-update

demo-update-down: setup ## Remove everything that demo-update made.
	@$(PYTHON_BIN)/python -m demo.follow down .demo-update

demo-loop: tools ## The closed loop on a public table, after make demo: shift, drift, training, live test, rollback.
	@$(PYTHON_BIN)/python -m demo.loop up .demo

demo-loop-down: setup ## Remove what demo-loop made; make demo-down removes the platform too.
	@$(PYTHON_BIN)/python -m demo.loop down .demo

bench: tools ## Measure against comparators; rewrites docs/benchmarks.md and benchmarks/results.json.
	@$(PYTHON_BIN)/python benchmarks/run.py

bench-scale: tools ## Measure two workers against one process, 5 to 50 million rows (hours); rewrites docs/scale.md's table.
	@$(PYTHON_BIN)/python benchmarks/scale.py

lock: setup ## Resolve all locks again, as one set.
	@requirements/lock.sh

release: setup ## Release the factory as VERSION=0.2.0: checks, changelog, tag, and its entry in releases.toml.
	@$(PYTHON_BIN)/python make_release.py "$(VERSION)"

clean: ## Remove environments and caches of this checkout.
	@rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
