# trustlab. Two commands do all set-up on a fresh machine: `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The distribution's Python where it is new enough: one under a private home directory cannot be run by another user.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# A process a core; a browser's tests share one, and so do the virtual machines' (tests/conftest.py).
PARALLEL := --numprocesses auto --dist loadgroup
# Tests that do more under TRUSTLAB_SOAK=1.
SOAK := tests/interop tests/fuzz tests/tpm/test_tpm_soak.py tests/cloud/test_uml_machines.py tests/cloud/test_uml_processes.py \
	tests/cloud/test_uml_matrix.py tests/scenarios/test_tampermap.py tests/scenarios/test_goals.py tests/finder/test_finder_runs.py \
	tests/test_cli_matrix.py tests/attacks/test_rejudged.py tests/classroom/test_exercises.py tests/classroom/test_in_a_notebook.py \
	tests/classroom/test_repair.py tests/browser/test_notebooks.py

# Every Python from 3.11, every processor: with the SHA-256 of each file. No index is named in what comes out.
PIN = UV_CUSTOM_COMPILE_COMMAND="make pins" nice $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes

# A teacher's tool, installed for its tests: in everybody's JupyterLab it would cost 2.4 s and 15 MB a server.
NBGRADER = $(addprefix nbgrader.server_extensions.,formgrader validate_assignment assignment_list course_list)

# To compile the tests anew in every process takes longer than most of them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo lab test quick fix soak bench lint types check clean rehearse sbom pins recorded release site binder

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo  ## install what is missing, then watch both acts in the terminal (ARGS="--pace 0.2" slows it down)
	@$(BIN)/trustlab demo $(ARGS)

lab: $(VENV)/.lab  ## install the notebook extra, then open the first notebook in JupyterLab
	@$(BIN)/trustlab lab labs -- $(ARGS)

test: $(VENV)/.test  ## install what the tests need, then run all of them: lint, types, units, notebook, browser
	@$(MAKE) --no-print-directory lint types check

quick: $(VENV)/.test  ## lint, types and every test that needs no browser, no VM and no whole table: what to run while you write
	@$(MAKE) --no-print-directory lint types
	$(BIN)/pytest $(PARALLEL) -p no:playwright -p no:base_url -m "not browser and not machines and not long" $(ARGS)

fix: $(VENV)/.test  ## format the code, and mend what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

soak: $(VENV)/.test  ## counts in full, long fuzzing, 60 mutants of our own code (what `make test` samples)
	TRUSTLAB_SOAK=1 $(BIN)/pytest $(PARALLEL) --timeout 1500 $(SOAK) $(ARGS)
	TRUSTLAB_SOAK=1 $(BIN)/pytest --timeout 1500 tests/mutants

bench: $(VENV)/.bench  ## measure ratios side by side (ARGS="tls" for one suite), keep them in benchmarks/results/
	@$(BIN)/python -m benchmarks $(ARGS)

rehearse:  ## build the image on Debian 12 and 13 and run everything in it, locked down (root; ARGS="--help" tells more)
	@docker/rehearse $(ARGS)

sbom: $(VENV)/.image  ## list what the image ships, and under which licences, in build/sbom (CycloneDX)
	@docker/rehearse --debian 12 --only none --sbom build/sbom --tools $(BIN) $(ARGS)

pins: $(VENV)/.image  ## pin and hash again what the image installs (binder/*.txt)
	$(PIN) --extra labs --output-file binder/requirements.txt pyproject.toml binder/requirements.in
	$(PIN) --constraints binder/requirements.txt --output-file binder/build-requirements.txt binder/build-requirements.in

recorded: $(VENV)/.demo  ## record anew the run that the first notebook shows before anything starts
	$(BIN)/python docs/recorded_run.py

release: $(VENV)/.demo  ## make the students' notebooks in labs/ from the sources in course/ (ARGS="--check", ARGS="--teacher DIR")
	@$(BIN)/python course/release.py $(ARGS)

site: $(VENV)/.site  ## make the site for a disk: executed labs, pages, API, live inspector (build/site; ARGS="--labs 02 --rooms tls")
	@$(BIN)/python docs/site/build.py $(ARGS)

binder:  ## set whose repository the badge opens: make binder OWNER=... NAME=...
	@scripts/binder-link "$(OWNER)" "$(NAME)"

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types:
	$(BIN)/mypy

check:
	$(BIN)/pytest $(PARALLEL) $(ARGS)

clean:  ## remove the virtual environment and everything generated
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis trustlab-out

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "trustlab needs Python 3.11 or newer (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml scripts/system-packages Makefile
	@scripts/system-packages demo
	@$(MAKE) --no-print-directory $(BIN)/python
	@echo "trustlab: installing the package into $(VENV) (a minute on a fresh machine)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.lab: $(VENV)/.demo
	@scripts/system-packages lab
	@echo "trustlab: installing the notebook extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[labs]'
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	@scripts/system-packages test
	@echo "trustlab: installing the test extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[labs,test]'
	@$(BIN)/jupyter server extension disable --sys-prefix $(NBGRADER) >/dev/null 2>&1
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader >/dev/null 2>&1
	@touch $@

$(VENV)/.image: $(VENV)/.demo
	@echo "trustlab: installing the image extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[image]'
	@touch $@

$(VENV)/.site: $(VENV)/.lab
	@echo "trustlab: installing the site extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@echo "trustlab: installing the bench extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[labs,test,bench]'
	@touch $@
