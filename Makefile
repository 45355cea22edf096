# make study   sets everything up in .venv, runs the main job on the embedded data, prints where the report is
# make test    sets everything up in .venv, passes the tests
# make notebooks  executes notebooks/*.ipynb as they are kept: 6 minutes on two idle cores, 17 on busy ones
# make model, make small, make noise-reader  train the models that come with bruit
# make faults, make fuzz: the long trials of docs/faults.md
PYTHON ?= python3
# make study ARGS=--force starts a run again; by default one that was stopped goes on. A quick study has a folder of its own.
ARGS ?=
OUT ?= $(if $(findstring --quick,$(ARGS)),quick,run)
# On Linux, TORCH_INDEX=https://download.pytorch.org/whl/cpu gets PyTorch's small CPU build instead of the one with CUDA.
TORCH_INDEX ?=
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: study test faults fuzz lint notebooks model small noise-reader clean

study: .venv/train.done
	$(BIN)/bruit study --out $(OUT) $(if $(findstring --force,$(ARGS)),,--resume) $(ARGS)

test: .venv/test.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

# What happens when a run is killed, damaged, or has no room: every fault there is a trial of, with a table of them.
faults: .venv/test.done
	FAULTS=full OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults --numprocesses auto

# 200,000 inputs for every reader of foreign bytes, with a table of them.
fuzz: .venv/test.done
	$(BIN)/python tests/fuzz/run.py $(ARGS)

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: .venv/test.done
	$(BIN)/python tools/notebooks.py

# The model that comes with bruit, src/bruit/models/robust: trained anew, in about an hour of one core.
model: .venv/test.done
	$(BIN)/python tools/robust.py

# The small ones that the page compares, src/bruit/models/small: about half an hour likewise.
small: .venv/test.done
	$(BIN)/python tools/small.py

# The model that tells which noise images carry, src/bruit/models/noise_reader: about ten minutes likewise.
noise-reader: .venv/test.done
	$(BIN)/python tools/noise_reader.py

.venv/python.done:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "bruit needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/torch.done: .venv/python.done constraints.txt
	$(if $(TORCH_INDEX),$(INSTALL) --no-deps torch --index-url $(TORCH_INDEX))
	$(INSTALL) torch
	touch $@

# Installing compiles the catalogues of sentences.
CATALOGUES := $(wildcard src/bruit/locale/*/LC_MESSAGES/*.po)

.venv/train.done: .venv/torch.done pyproject.toml $(CATALOGUES)
	$(INSTALL) --editable '.[train]'
	touch $@

.venv/test.done: .venv/torch.done pyproject.toml $(CATALOGUES)
	$(INSTALL) --editable '.[test]'
	touch $@ .venv/train.done

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
