# make train ARGS="--epochs=1"; likewise generate, evaluate, figures, test, and every experiment; some need DATA_DIR=DIR
PYTHON ?= python3
BIN := .venv/bin
EXPERIMENTS = shipped shipped_colour two_stage ablations printed scratch digits sharp target_kl blur_error colour long_colour ambient ambient_colour convergence
EVALUATE = $(BIN)/python evaluate.py
RUNS = $(EVALUATE) runs --runs=results/$@/runs.csv --out_dir=results/$@
FIGURES = $(EVALUATE) figures --results_dir=results/$@ --out_dir=results/$@ --model_dir=checkpoints/$@
COLOUR = --dataset=cifar10 --data_dir=$(DATA_DIR)
GREY = --dataset=mnist-gray --data_dir=$(DATA_DIR)
RESTORE = $(EVALUATE) restore --data_dir=$(DATA_DIR) --acsg_images=300
# what is made of the trainings of an experiment
two_stage = $(RUNS) --baseline=l2,ssim --controls=l2 --as_sharp_as=ssim && $(EVALUATE) audit --runs=results/$@/runs.csv --out_dir=results/$@
ablations = $(RUNS) --split=held-out --baseline=ours,ours-corrected && $(RUNS) --split=held-out --baseline=ssim --match=kl
blur_error = $(RUNS) --controls=l2 && $(FIGURES) --loss=l2_seed1,blur_error_vae_seed1_variancefixed
colour = $(RUNS) $(COLOUR) --match=kl --perceptual=500 && $(FIGURES) $(COLOUR) --loss=all
long_colour = $(RUNS) $(COLOUR) --baseline=l2,l1+ssim,unsharp --controls=l2 --perceptual=500 && $(FIGURES) $(COLOUR) --loss=l2,l1+ssim,sharp-colour
PART = $(EVALUATE) runs --runs=results/$@/$(1)/runs.csv --out_dir=results/$@/$(1)
sharp = $(call PART,binary) --split=held-out --baseline=ssim && \
	$(call PART,grey) --split=held-out $(GREY) --baseline=ssim && \
	$(call PART,colour) --split=held-out $(COLOUR) --baseline=l2,l1+ssim --perceptual=0
printed = $(RUNS) --baseline=ssim
scratch = $(RUNS) --baseline=ssim
digits = $(call PART,binary) --baseline=ssim --controls=l2 && $(call PART,grey) $(GREY) --baseline=ssim --controls=ssim --as_sharp_as="ours stft_coef=0.15 arg_coef=0.0"
target_kl = $(call PART,digits) && $(call PART,colour) $(COLOUR)
ambient = $(RESTORE) --out_dir=results
ambient_colour = $(RESTORE) --out_dir=results/$@ --model_dir=checkpoints/$@ --loss=all
.PHONY: train generate evaluate figures report test test-fast $(EXPERIMENTS)

train generate evaluate: .venv/installed
	$(BIN)/python $@.py $(ARGS)

figures: .venv/installed
	$(EVALUATE) figures --results_dir=results --out_dir=results --model_dir=checkpoints $(ARGS)

$(EXPERIMENTS): .venv/perceptual
	$(BIN)/python train.py --config=config/experiments/$@.yml $(if $(DATA_DIR),--data_dir=$(DATA_DIR)) $(ARGS)
	$($@)

report: .venv/installed
	$(EVALUATE) --model_dir=checkpoints --out_dir=results
	$(EVALUATE) pages

test: .venv/tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
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
.venv/tested: requirements.txt requirements-test.txt requirements-export.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@
