# make train ARGS="--epochs=1 --loss=l2"; likewise generate, evaluate and test
# make ablations SEEDS=1,2 first, then SEEDS=1,2,3 for the rest; make report: the runs of RECIPE, and every number
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SEEDS ?= 1,2,3
RECIPE = config/two_stage.yml
ABLATION = $(BIN)/python train.py --config=config/ablations.yml --seed=$(SEEDS) $(ARGS)
ABLATED = $(BIN)/python evaluate.py --runs=results/ablations/runs.csv --config=config/ablations.yml \
	--split=held-out --out_dir=results/ablations

.PHONY: train generate evaluate figures ablations report test test-fast

train generate evaluate: .venv/installed
	$(BIN)/python $@.py $(ARGS)

figures: .venv/installed
	$(BIN)/python -m evaluation.figures $(ARGS)

ablations: .venv/installed
	$(ABLATION) --loss=l2 --beta=0.0001 --init_from= --train_size=50000 --lr_step_size=5000 --tag=start
	$(ABLATION) --loss=ours,ours-corrected,ours-released,stft-wrapped+ssim,stft-unwindowed+ssim,ssim
	$(ABLATION) --loss=ours --arg_coef=0,0.1
	$(ABLATION) --loss=ours --amp_coef=0,0.1
	$(ABLATION) --loss=ours,ours-corrected --stft_f=8,28
	$(ABLATION) --loss=ours,ours-corrected --stft_s=2,8
	$(ABLATION) --loss=ours,ours-corrected,ssim --beta=0.0005,0.05
	$(ABLATED) --baseline=ours,ours-corrected
	$(ABLATED) --baseline=ssim --match=kl

report: .venv/installed
	$(BIN)/python evaluate.py --runs=results/runs.csv --config=$(RECIPE) --baseline=l2,ssim
	$(BIN)/python evaluate.py --runs=results/runs.csv --config=$(RECIPE) --audit
	$(BIN)/python -m evaluation.report

test: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n auto --dist=worksteal $(ARGS)

test-fast: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/tested: requirements.txt requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@
