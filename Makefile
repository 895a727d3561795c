# make train ARGS="--epochs=1 --loss=l2"; likewise generate, evaluate, test and every experiment
# make colour DATA_DIR=DIR: the folder of cifar10.npz; make ambient DATA_DIR=DIR: that of mnist-gray
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
DATA_DIR ?=
TRAIN = $(BIN)/python train.py --config=config/experiments/$@.yml $(ARGS)
RUNS = $(BIN)/python evaluate.py runs --runs=results/$@/runs.csv --out_dir=results/$@
FIGURES = $(BIN)/python evaluate.py figures --results_dir=results/$@ --model_dir=checkpoints/$@

.PHONY: train generate evaluate figures shipped two_stage ablations blur_error colour ambient ambient_colour report \
	test test-fast

train generate evaluate: .venv/installed
	$(BIN)/python $@.py $(ARGS)

figures: .venv/installed
	$(BIN)/python evaluate.py figures $(ARGS)

shipped: .venv/installed
	$(TRAIN) --model_dir=checkpoints --results_dir=results

two_stage: .venv/installed
	$(TRAIN)
	$(RUNS) --baseline=l2,ssim
	$(BIN)/python evaluate.py audit --runs=results/$@/runs.csv --out_dir=results/$@

ablations: .venv/installed
	$(TRAIN)
	$(RUNS) --split=held-out --baseline=ours,ours-corrected
	$(RUNS) --split=held-out --baseline=ssim --match=kl

blur_error: .venv/installed
	$(TRAIN)
	$(RUNS) --match=kl
	$(FIGURES) --loss=l2_seed1_beta0.0003,blur_error_vae_seed1_beta0.4

colour: .venv/perceptual
	$(TRAIN) --data_dir=$(DATA_DIR)
	$(RUNS) --dataset=cifar10 --data_dir=$(DATA_DIR) --match=kl --perceptual=500
	$(FIGURES) --dataset=cifar10 --data_dir=$(DATA_DIR) --loss=all

ambient: .venv/installed
	$(TRAIN) --data_dir=$(DATA_DIR)
	$(BIN)/python evaluate.py restore --data_dir=$(DATA_DIR) --acsg_images=300 --out_dir=results

ambient_colour: .venv/installed
	$(TRAIN) --data_dir=$(DATA_DIR)
	$(BIN)/python evaluate.py restore --data_dir=$(DATA_DIR) --acsg_images=300 --out_dir=results/$@ --model_dir=checkpoints/$@ --loss=all

report: .venv/installed
	$(BIN)/python evaluate.py --out_dir=results
	$(BIN)/python evaluate.py pages

test: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n auto --dist=worksteal $(ARGS)

test-fast: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n auto -m "not slow" $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/perceptual: requirements-perceptual.txt .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-perceptual.txt
	touch $@

.venv/tested: requirements.txt requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@
