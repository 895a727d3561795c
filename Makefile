# make train ARGS="--epochs=1 --loss=l2"; likewise generate, evaluate and test
# make colour DATA_DIR=DIR, or ambient_colour, with the folder of cifar10.npz; make ambient DATA_DIR=DIR, that of mnist-gray
# make ablations SEEDS=1,2 first, then SEEDS=1,2,3 for the rest; make report: the runs of RECIPE, and every number
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SEEDS ?= 1,2,3
DATA_DIR ?=
RECIPE = config/two_stage.yml
ABLATION = $(BIN)/python train.py --config=config/ablations.yml --seed=$(SEEDS) $(ARGS)
ABLATED = $(BIN)/python evaluate.py --runs=results/ablations/runs.csv --config=config/ablations.yml \
	--split=held-out --out_dir=results/ablations
BLUR_ERROR = $(BIN)/python train.py --config=config/blur_error.yml --seed=$(SEEDS) $(ARGS)
AMBIENT = $(BIN)/python train.py --config=config/ambient_mnist_sum.yml --data_dir=$(DATA_DIR) $(ARGS)
AMBIENT_COLOUR = $(BIN)/python train.py --config=config/ambient_cifar10.yml --data_dir=$(DATA_DIR) $(ARGS)
COLOUR = $(BIN)/python train.py --config=config/colour.yml --data_dir=$(DATA_DIR) $(ARGS)
# of every loss the run with the smallest beta
COLOURFUL = l2_seed1_beta0.0001,l1_beta0.0003,l2+ffl_beta0.00015
SHARP = ssim_beta1.2,dft+ssim_beta1.2,ours_beta1.2,ours-corrected_beta1.2

.PHONY: train generate evaluate figures ablations blur_error colour ambient ambient_colour report test test-fast

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

blur_error: .venv/installed
	$(BLUR_ERROR) --loss=l2 --beta=0.0003,0.001
	$(BLUR_ERROR) --model=blur_error_vae --beta=0.4,1.5
	$(BIN)/python evaluate.py --runs=results/blur_error/runs.csv --config=config/blur_error.yml --out_dir=results/blur_error \
		--match=kl
	$(BIN)/python -m evaluation.figures --results_dir=results/blur_error --model_dir=checkpoints/blur_error \
		--loss=l2_seed1_beta0.0003,blur_error_vae_seed1_beta0.4

colour: .venv/perceptual
	$(COLOUR) --seed=$(SEEDS) --loss=l2 --beta=0.0001,0.00025
	$(COLOUR) --seed=$(SEEDS) --model=blur_error_vae --beta=0.5,1.5
	$(COLOUR) --seed=1 --loss=ssim,ours,ours-corrected,dft+ssim --beta=1.2,2.5
	$(COLOUR) --seed=1 --loss=l2+ffl --beta=0.00015,0.0004
	$(COLOUR) --seed=1 --loss=l1 --beta=0.0003,0.0007,0.002
	$(BIN)/python evaluate.py --runs=results/colour/runs.csv --config=config/colour.yml --out_dir=results/colour \
		--dataset=cifar10 --data_dir=$(DATA_DIR) --match=kl --perceptual=500
	$(BIN)/python -m evaluation.figures --results_dir=results/colour --model_dir=checkpoints/colour --dataset=cifar10 \
		--data_dir=$(DATA_DIR) --loss=$(COLOURFUL),$(SHARP),blur_error_vae_seed1_beta0.5

ambient: .venv/installed
	$(AMBIENT) --measurement=drop_patch --tag=ambient_drop_patch
	$(AMBIENT) --measurement=drop_patch --supervised=1 --tag=supervised_drop_patch
	$(AMBIENT) --measurement=add_noise --pixel_side=unmeasured --tag=ambient_add_noise
	$(AMBIENT) --measurement=add_noise --supervised=1 --tag=supervised_add_noise
	$(AMBIENT) --measurement=drop_independent --pixel_side=unmeasured --alpha=2 --epochs=2 --lr_step_size=938 \
		--tag=ambient_drop_independent_start
	$(AMBIENT) --measurement=drop_independent --alpha=1 --epochs=6 --lr_step_size=2814 --max_lr=0.0006 --min_lr=0.00002 \
		--init_from=checkpoints/ambient_drop_independent_start/model.npz --tag=ambient_drop_independent
	$(AMBIENT) --measurement=drop_independent --alpha=2 --supervised=1 --tag=supervised_drop_independent
	$(BIN)/python evaluate.py --task=restore --data_dir=$(DATA_DIR) --acsg_images=300 --json=results/restore.json

ambient_colour: .venv/installed
	$(AMBIENT_COLOUR) --measurement=drop_independent --tag=ambient_cifar10_drop_independent
	$(AMBIENT_COLOUR) --measurement=drop_independent --supervised=1 --tag=supervised_cifar10_drop_independent
	$(BIN)/python evaluate.py --task=restore --data_dir=$(DATA_DIR) --acsg_images=300 --out_dir=results/ambient_colour \
		--loss=ambient_cifar10_drop_independent,supervised_cifar10_drop_independent

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

.venv/perceptual: requirements-perceptual.txt .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-perceptual.txt
	touch $@

.venv/tested: requirements.txt requirements-test.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	touch $@
