"""Configuration: what is accepted, what is refused, and that a refusal is one line and harmless."""

import contextlib
import functools
import inspect
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import config
import data
import evaluate
import generate
import losses
import measurements
import models
import train
from config import schema
from config.command_line import checkpoint_files
from config.places import present
from config.schema import KEYS
from config.system.errors import UserError, run
from config.system.files import write_atomically
from config.system.runtime import import_tensorflow
from models.ambient_vae_gan import AmbientVAEGAN
from models.blur_error_vae import BlurErrorVAE
from models.latent import LatentModel
from training.cyclical import CyclicalLearningRate

SCRIPTS = (train, generate, evaluate)
ROOT = Path(__file__).parent.parent
PAPER = {
    "epochs": 50,
    "batch_size": 50,
    "min_lr": 1e-4,
    "max_lr": 1e-3,
    "lr_step_size": 2000,
    "stft_f": 16,
    "stft_s": 4,
}
PAPER |= {"latent_dim": 2, "beta": 0.005, "ssim_coef": 500, "stft_coef": 0.0015, "amp_coef": 0.1, "arg_coef": 0.9}


class Reached(Exception):
    """A command went as far as TensorFlow."""


@pytest.fixture
def without_tensorflow(monkeypatch):
    """A training that would begin ends with Reached."""

    def reached(**_):
        raise Reached

    monkeypatch.setattr(train, "import_tensorflow", reached)


def of_file(text, path):
    """The runs in a YAML file with this text."""
    path.write_text(text, encoding="utf-8")
    return config.read_experiment(path, {})


class TestValues:
    def test_the_defaults_are_the_papers(self):
        assert {name: config.defaults()[name] for name in PAPER} == PAPER

    def test_every_key_is_a_flag_in_every_form(self):
        for argv in (["--epochs=3"], ["--epochs", "3"], ["epochs=3"]):
            assert train.parse(argv).epochs == 3
        assert train.parse(["--resume", "tag=mine"]).tag == "mine"

    def test_the_command_of_the_original_readme(self):
        found = vars(train.parse(["--batch_size=40", "min_lr=0.0001", "max_lr=0.001", "--epochs=30"]))
        expected = {"batch_size": 40, "min_lr": 1e-4, "max_lr": 1e-3, "epochs": 30}
        assert {name: found[name] for name in expected} == expected

    @pytest.mark.parametrize("text,value", [("1e-4", 1e-4), ("'0.5'", 0.5), ("1", 1.0)])
    def test_yaml_numbers_as_people_write_them(self, tmp_path, text, value):
        assert of_file(f"min_lr: {text}\n", tmp_path / "c.yml") == [{"min_lr": value}]

    @pytest.mark.parametrize("key,text", [
        ("seed", "010"), ("epochs", "1:30"), ("epochs", "0x10"), ("seed", "1_000"), ("beta", "1_0.5"), ("beta", "٣"),
        ("tag", "007"), ("tag", "no"), ("tag", "2024-01-01"), ("data_dir", "0b11"),
    ])  # fmt: skip
    def test_a_value_means_in_a_file_what_it_means_as_a_flag(self, tmp_path, key, text):
        def read_or_refusal(read):
            try:
                return read()
            except UserError as error:
                return str(error).split("expected")[1]

        as_flag = read_or_refusal(lambda: KEYS[key].parse_list(key, text))
        in_file = read_or_refusal(lambda: of_file(f"{key}: {text}\n", tmp_path / "c.yml")[0][key])
        assert in_file == as_flag
        refused = key in ("epochs", "beta") or "_" in text
        assert isinstance(as_flag, KEYS[key].kind) or (refused and "number from" in as_flag)

    def test_a_block_takes_over_another(self, tmp_path):
        first, second = of_file("runs: [&a {loss: l2, seed: 1}, {<<: *a, loss: l1}]", tmp_path / "c.yml")
        assert (first, second) == ({"loss": "l2", "seed": 1}, {"loss": "l1", "seed": 1})

    def test_tag_defaults_to_the_loss(self):
        assert config.resolve({"loss": "l2"}).tag == "l2"
        assert config.resolve({"loss": "l2", "tag": "mine"}).tag == "mine"

    def test_settings_are_read_back_from_json(self):
        settings = config.resolve({"loss": "dft+ssim", "eps": 1e-7})
        assert config.recorded(json.loads(json.dumps(vars(settings)))) == settings


def test_a_rate_that_only_decays_has_no_lower_bound():
    assert config.resolve({"lr_mode": "exponential", "max_lr": 5e-5}).max_lr == 5e-5


# seen from the flags alone
REFUSED_AT_ONCE = [
    (["--batch_size=abc"], "--batch_size: expected a whole number from 1, got 'abc'"),
    (["--epochs=-1"], "--epochs: expected a whole number from 1, got '-1'"),
    (["epochs=0"], "--epochs: expected a whole number from 1, got '0'"),
    (["--epochs=1.5"], "--epochs: expected a whole number from 1, got '1.5'"),
    (["--min_lr=nan"], "--min_lr: expected a number above 0 to 1, got 'nan'"),
    (["--min_lr=1e999"], "--min_lr: expected a number above 0 to 1, got '1e999'"),
    (["--min_lr=0.1", "--max_lr=0.01"], "min_lr: expected at most max_lr (0.01), got 0.1"),
    (["--loss=sim"], "--loss: expected one of ssim, "),
    (["--loss=l2,our"], "--loss: expected one of ours, "),
    (["--loss=l2+l2"], "a sum of different ones such as l2+ssim, got 'l2+l2'"),
    (["--loss=l2+stf"], "--loss: expected one of stft, "),
    (["--bath_size=3"], "unknown key 'bath_size'; expected 'batch_size'?"),
    (["--tag=../x"], "--tag: expected a name of letters, digits and _ + . = -, of at most 100, got '../x'"),
    (["epochs"], "unexpected argument 'epochs'; expected --key=value"),
    (["--epochs"], "argument --epochs: expected one argument"),
    (["--dataset=imagenet"], "expected one of image_folder, "),
    (["--config=none.yml"], "none.yml: expected a YAML file"),
    (["--gamma=2"], "gamma: expected only with model ambient_vae_gan, got model vae"),
    (["--kernel_size=5"], "kernel_size: expected only with model blur_error_vae, got model vae"),
    (["--stft_f=8", "--loss=l2"], "stft_f: expected only with loss stft or "),
    (["--stft_f=8", "--loss=dft+ssim"], ", got loss dft+ssim"),
    (["--image_size=32"], "image_size: expected only with dataset image_folder or celeba, got dataset mnist"),
    (
        ["--measurement_k=5", "--model=ambient_vae_gan", "--measurement=add_noise"],
        "expected only with measurement drop_patch or keep_patch or extract_patch, got measurement add_noise",
    ),
    (["--lr_gamma=0.5"], "lr_gamma: expected only with lr_mode exp_range or exponential, got lr_mode triangular2"),
    (["--loss=blur_error_vae"], "got 'blur_error_vae'; --model chooses the model"),
    (["--resume", "--tag=none"], "--resume: expected the state of an interrupted run"),
    (["--replay=none.npz"], "none.npz: expected the record of a failed step"),
    (["--dataset=celeba"], "data_dir: expected the folder of the pictures of celeba, got ''"),
    (
        ["--model=ambient_vae_gan", "--architecture=conv28"],
        "expected one of ambient28, ambient32, ambient64 for model ambient_vae_gan, got 'conv28'",
    ),
    (["--lr=1"], "expected 'min_lr' or 'max_lr' or 'lr_step_size' or 'lr_mode' or 'lr_gamma'?"),
    (["extra"], "unexpected argument 'extra'; expected --key=value"),
]
# seen from the images, the files or the folders
REFUSED = [
    (["--stft_f=29"], "stft_f: expected a window of at most the image's 28 pixels, got 29"),
    (["--train_size=60001"], "train_size: expected at most 60000 images of mnist, got 60001"),
    (["--test_split=held-out", "--train_size=60000"], "train_size: expected at most 50000 images of mnist, got 60000"),
    (["--model_dir=/dev/null/x"], "/dev/null/x/ours: expected a folder"),
    (["--loss=l2+bce"], "loss: expected terms of one output space, got 'l2+bce', where bce takes logits"),
]


class TestRefusals:
    @pytest.mark.parametrize("argv,message", REFUSED_AT_ONCE, ids=lambda value: "".join(value))
    def test_train_without_tensorflow(self, argv, message, tmp_path, without_tensorflow):
        self.test_train(argv, message, tmp_path)

    @pytest.mark.parametrize("argv,message", REFUSED, ids=lambda value: "".join(value))
    def test_train(self, argv, message, tmp_path):
        with pytest.raises(UserError) as refusal:
            train.main([f"--model_dir={tmp_path}", f"--results_dir={tmp_path}", f"--logs_dir={tmp_path}", *argv])
        assert message in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert not list(tmp_path.rglob("*.npz"))

    def test_a_key_is_read_if_one_run_of_a_sweep_reads_it(self, without_tensorflow):
        with pytest.raises(Reached):
            train.main(["--loss=l2,ours", "--stft_f=8"])

    def test_a_refusal_imports_no_tensorflow(self):
        code = "import sys, train\ntry: train.main(['--lr_gamma=0.5'])\nexcept BaseException as error: print(error)\n"
        code += "print('tensorflow' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("lr_gamma: expected only with lr_mode exp_range")
        assert done.stdout.endswith("False\n")

    @pytest.mark.parametrize(
        "argv,message",
        [
            (["--loss=sim"], "the checkpoints in checkpoints/ and checkpoints/local/, got 'sim'"),
            (["--loss=sim", "--model_dir=checkpoints"], "the checkpoints in checkpoints/, got 'sim'"),
            (["--loss=,"], "got ','"),
            (["--loss="], "--loss: expected names of checkpoints or all, got ''"),
            (["--num_samples=0"], "--num_samples: expected a whole number from 1 to 10000, got '0'"),
            (["--name=a/b"], "name: expected a name of letters, digits"),
            (["--grid=circle"], "argument --grid: invalid choice: 'circle'"),
            (["--out_dir=/dev/null/x", "--loss=ours"], "/dev/null/x/ours: expected a folder"),
        ],
    )
    def test_generate(self, argv, message):
        with pytest.raises(UserError) as refusal:
            generate.main(argv)
        assert message in str(refusal.value)

    @pytest.mark.parametrize(
        "argv,message",
        [
            (["--z=median"], "argument --z: invalid choice"),
            (["--image=none.png", "--loss=ours"], "none.png: expected a picture"),
            (["--model_dir=nowhere"], "expected one of (none), the checkpoints in nowhere/"),
            (["--json=/dev/null/x.json", "--loss=ours"], "expected a folder"),
        ],
    )
    def test_evaluate(self, argv, message):
        with pytest.raises(UserError) as refusal:
            evaluate.main(argv)
        assert message in str(refusal.value)

    @pytest.mark.parametrize("argv,message", [
        (["image", "--image=none.png"], "none.png: expected a picture"),
        (["restore", "--image=none.png", "--loss=ambient_drop_patch"], "none.png: expected a picture"),
        (["runs", "--baseline=l3"], "--baseline: expected one of l1, "),
        (["--loss="], "--loss: expected names of checkpoints or all, got ''"),
        (["runs", "--loss="], "--loss: expected a name, or several separated by commas, got ''"),
        (["probe", "--loss=,"], "--loss: expected a name, or several separated by commas, got ','"),
        (["--dataset=celeba"], "data_dir: expected the folder of the pictures of celeba"),
    ])  # fmt: skip
    def test_evaluate_without_tensorflow(self, argv, message, tmp_path, monkeypatch):
        monkeypatch.setattr("evaluation.reports.import_tensorflow", None)
        with pytest.raises(UserError) as refusal:
            evaluate.main([*argv, f"--out_dir={tmp_path}"])
        assert message in str(refusal.value)

    def test_another_backend(self, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        with pytest.raises(UserError, match="KERAS_BACKEND: expected tensorflow for this command, got 'jax'"):
            import_tensorflow()

    @pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
    def test_closed_streams(self, tmp_path, closed):
        """No other file takes the number of a stream that the caller has closed, and nothing is written to it."""
        code = "from config.system.errors import run; import os, pathlib, sys\n"
        code += "def main(argv):\n    file = open(argv[0], 'w'); print('out'); print('err', file=sys.stderr)\n"
        code += "    os.write(2, b'c++'); file.write(str(file.fileno()))\nrun(main)"
        command = f'{sys.executable} -c "$CODE" {tmp_path}/file {closed}'
        done = subprocess.run(command, shell=True, env={"CODE": code}, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0
        assert int((tmp_path / "file").read_text()) > 2

    @pytest.mark.parametrize("script", ["train", "generate", "evaluate"])
    def test_one_line_and_exit_code_two(self, script):
        command = [sys.executable, f"{script}.py", "--seed=x"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr == "error: --seed: expected a whole number from 0, got 'x'\n"

    @pytest.mark.parametrize(
        "text", ["", "[1]", "epochs: [", "epochs: \0", "epochs: yes", "epochs: {}", "1: 2", "!!python/object:os.x {}"]
    )
    def test_broken_yaml(self, tmp_path, text):
        with pytest.raises(UserError, match=r"c\.yml"):
            of_file(text, tmp_path / "c.yml")

    @pytest.mark.parametrize("text", ["runs:", "runs: []", "runs: [3]", "runs: {loss: l2}", "runs: [{runs: []}]"])
    def test_broken_runs(self, tmp_path, text):
        with pytest.raises(UserError, match=r"c\.yml: .*runs"):
            of_file(text, tmp_path / "c.yml")

    @pytest.mark.parametrize("damage", ["missing", "incomplete"])
    def test_damaged_defaults(self, tmp_path, defaults_in, damage):
        for path in config.FOLDER.glob("*_config.yml"):
            (tmp_path / path.name).write_text(path.read_text())
        path = tmp_path / "model_config.yml"
        path.unlink() if damage == "missing" else path.write_text("beta: 1\n")
        defaults_in(tmp_path)
        with pytest.raises(UserError, match=r"model_config\.yml: expected"):
            config.defaults()


def read_with(key, name):
    """The keys that are read where `key` is `name`, by the schema."""
    return {own for own, one in KEYS.items() if one.read_by and one.read_by.key == key and name in one.read_by.names}


class TestTablesAgree:
    """A name or a default that stands in two places is the same in both."""

    @pytest.mark.parametrize("listed,table", [
        (schema.TERMS, losses.TERMS),
        (schema.ALIASES, losses.ALIASES),
        (schema.DATASETS, data.DATASETS),
        (schema.MEASUREMENTS, measurements.MEASUREMENTS),
        (schema.ARCHITECTURES, models.ARCHITECTURES),
        (schema.MODELS, models.MODELS),
    ])  # fmt: skip
    def test_choices_are_the_tables(self, listed, table):
        assert list(listed) == list(table)
        assert table is not losses.ALIASES or listed == table

    @pytest.mark.parametrize("key,table", [
        ("loss", [*losses.TERMS, *losses.ALIASES]),
        ("dataset", data.DATASETS),
        ("measurement", measurements.MEASUREMENTS),
        ("architecture", ["auto", *models.ARCHITECTURES]),
        ("model", models.MODELS),
    ])  # fmt: skip
    def test_each_key_takes_the_names_of_its_table(self, key, table):
        assert KEYS[key].choices == tuple(table)

    @pytest.mark.parametrize("term", losses.TERMS)
    def test_hyperparameters_of_a_loss(self, term):
        # windows and strides of several sizes are not keys of the configuration
        found = {key: value for key, value in losses.hyperparameters(term).items() if key in KEYS}
        assert set(found) == read_with("loss", term)
        assert found == {key: config.defaults()[key] for key in found}

    @pytest.mark.parametrize("name", measurements.MEASUREMENTS)
    def test_parameters_of_a_measurement(self, name):
        found = {f"measurement_{key}": value for key, value in measurements.parameters(name).items()}
        assert set(found) == read_with("measurement", name)
        assert found == {key: config.defaults()[key] for key in found}

    @pytest.mark.parametrize("part,renamed", [
        (LatentModel, {}),
        (BlurErrorVAE, {}),
        (AmbientVAEGAN, {}),
        (CyclicalLearningRate, {"step_size": "lr_step_size", "mode": "lr_mode", "gamma": "lr_gamma"}),
    ])  # fmt: skip
    def test_defaults_of_constructors(self, part, renamed):
        """The measurement is an object there."""
        parameters = inspect.signature(part).parameters.items()
        found = {renamed.get(name, name): one.default for name, one in parameters if one.default is not one.empty}
        found = {key: value for key, value in found.items() if key in KEYS and key != "measurement"}
        assert len(found) > 2
        assert found == {key: config.defaults()[key] for key in found}

    def test_every_key_of_a_loss_is_read_by_a_term(self):
        assert {*schema.LOSS} - {"loss"} == {key for names in losses.TERMS for key in read_with("loss", names)}

    def test_architectures_of_the_ambient_model(self):
        having = {name for name, one in models.ARCHITECTURES.items() if one.discriminator}
        assert {*schema.WITH_DISCRIMINATOR} == having

    def test_data_sets_of_pictures(self):
        having = {name for name, one in data.DATASETS.items() if isinstance(one, data.Folder)}
        assert {*schema.PICTURES} == having

    def test_data_sets_that_take_a_size(self):
        pictures = {name: one for name, one in data.DATASETS.items() if isinstance(one, data.Folder)}
        assert tuple(name for name, one in pictures.items() if one.size is None) == schema.SIZED

    def test_models_read_their_keys(self):
        """A key that only one model reads is an argument of it, or of what it is made from."""
        for model, part in (("blur_error_vae", BlurErrorVAE), ("ambient_vae_gan", AmbientVAEGAN)):
            own = set(inspect.signature(part).parameters) - set(inspect.signature(LatentModel).parameters)
            made = {"blur_start_epoch", "kernel_size"} if model == "blur_error_vae" else {"measurement"}
            assert read_with("model", model) == own & {*KEYS} | made


class TestWhereCheckpointsAreLookedFor:
    @pytest.fixture
    def found(self, tmp_path, monkeypatch):
        """checkpoint_files in a folder where `both` is shipped and trained, `shipped` and `own` are one of the two."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("config.command_line.ROOT", tmp_path)
        for name in ("both", "shipped", "local/both", "local/own"):
            (tmp_path / "checkpoints" / name).mkdir(parents=True)
            (tmp_path / "checkpoints" / name / "model.npz").touch()
        return lambda *argv: checkpoint_files(generate.parse(argv), "both")

    def test_first_among_ones_own_then_among_the_shipped(self, found):
        assert found() == {"both": Path("checkpoints/local/both/model.npz")}
        assert found("--loss=shipped,own") == {
            "shipped": Path("checkpoints/shipped/model.npz"),
            "own": Path("checkpoints/local/own/model.npz"),
        }
        assert set(found("--loss=all")) == {"both", "shipped", "own"}

    def test_which_of_two_it_is(self, found, capsys):
        found("--loss=shipped,own")
        found("--loss=both", "--model_dir=checkpoints")
        assert capsys.readouterr().err == ""
        found("--loss=both")
        line = "both: checkpoints/local/both/model.npz, of your own training; --model_dir=checkpoints has another\n"
        assert capsys.readouterr().err == line

    def test_a_folder_that_is_named_is_the_only_one(self, found):
        assert found("--model_dir=checkpoints") == {"both": Path("checkpoints/both/model.npz")}
        with pytest.raises(
            UserError, match="expected one of both, shipped, the checkpoints in checkpoints/, got 'own'"
        ):
            found("--model_dir=checkpoints", "--loss=own")


def test_another_folder_finds_what_the_repository_ships(tmp_path, monkeypatch):
    """And one's own trainings there, which come first."""
    monkeypatch.chdir(tmp_path)
    assert checkpoint_files(generate.parse([]), "ours") == {"ours": ROOT / "checkpoints/ours/model.npz"}
    (tmp_path / "checkpoints/local/ours").mkdir(parents=True)
    (tmp_path / "checkpoints/local/ours/model.npz").touch()
    assert checkpoint_files(generate.parse([]), "ours") == {"ours": Path("checkpoints/local/ours/model.npz")}


@pytest.mark.parametrize("report", [["audit"], ["runs", "--runs=results/two_stage/runs.csv"]])
def test_another_folder_gives_the_same_report(report, tmp_path, monkeypatch):
    """The table of runs, the experiment, the checkpoints there and those that they started from are found."""
    load, texts = data.load, []
    monkeypatch.setattr(data, "load", lambda *some: data.Split(load(*some).images[:60], None))
    for folder in (ROOT, tmp_path):
        monkeypatch.chdir(folder)
        out = tmp_path / f"{len(texts)}"
        evaluate.main([*report, "--config=config/experiments/two_stage.yml", f"--out_dir={out}"])
        texts.append((out / f"{report[0]}.md").read_text())
    assert texts[0] == texts[1]
    assert report[0] == "runs" or "|     28 |" in texts[1]


def test_what_is_here_comes_before_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert present("README.md") == ROOT / "README.md"
    (tmp_path / "README.md").touch()
    assert present("README.md") == Path("README.md")
    for name in ("no such file", "a" * 300, "a\0b"):
        assert present(name) == Path(name)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda values: st.lists(values, max_size=3))
ONES = st.sampled_from(sorted(KEYS))


def has_wrong_value(name, value):
    """Whether a YAML value, or one of the values of a list, is none of its key's: where it is read as text."""
    values = value if isinstance(value, list) and value else [in_hex(value)]
    words = [str(one).lower() if isinstance(one, bool) else one for one in values]
    return any(is_refused(functools.partial(KEYS[name].parse, name, word)) for word in words)


def in_hex(value):
    """A YAML value as the test below writes it: an integer in hex, of which any number of digits can be written."""
    return f"{value:#x}" if type(value) is int else value


def is_refused(read):
    """Whether `read()` raises a UserError; any other exception comes through."""
    try:
        read()
    except UserError:
        return True
    return False


def refused_in_one_line(script, argv):
    """Run a script as the command line does: exit code 2, one line on stderr, nothing on stdout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        run(lambda _: script.main(argv))
    return end.value.code == 2 and out.getvalue() == "" and err.getvalue().count("\n") == 1


class TestMalformedInputs:
    """At least 1,200 malformed inputs, each refused in one line with exit code 2 and nothing written."""

    @pytest.fixture(autouse=True)
    def _nothing_is_written(self, tmp_path_factory, monkeypatch, without_tensorflow):
        """Stand in an empty folder; a refused command leaves it empty, and one that is not refused does not train."""
        folder = tmp_path_factory.mktemp("empty")
        type(self).yaml = tmp_path_factory.mktemp("yaml") / "c.yml"
        monkeypatch.chdir(folder)
        yield
        assert not list(folder.iterdir())

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ONES, st.text(max_size=20))
    @example("epochs", "٣")
    @example("epochs", "1_0")
    @example("beta", "1e400")
    @example("loss", "")
    @example("alpha", "--")
    def test_flags(self, name, text):
        assume(is_refused(lambda: KEYS[name].parse_list(name, text)))
        assert refused_in_one_line(train, [f"--{name}={text}"])

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.sampled_from(SCRIPTS))
    def test_argument_lists(self, argv, script):
        assume(not any(word.startswith("-h") or word == "--help" for word in argv))
        assert refused_in_one_line(script, ["--seed=x", *argv])

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ONES, VALUES)
    @example("epochs", 16**5000)
    @example("beta", -(16**5000))
    @example("tag", 16**5000)
    @example("seed", [0, [1]])
    @example("seed", [])
    def test_yaml_values(self, name, value):
        assume(has_wrong_value(name, value))
        text = f"{name}: {in_hex(value)}" if type(value) is int else yaml.safe_dump({name: value})
        self.yaml.write_text(text, encoding="utf-8")
        assert refused_in_one_line(train, [f"--config={self.yaml}"])

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(max_size=60))
    @example("a: &a [*a]")
    @example("runs: &a [*a]")
    @example("runs: [{seed: []}]")
    @example("!!python/object/apply:os.system [ls]")
    @example("? {a: b} : c")
    def test_yaml_documents(self, text):
        self.yaml.write_bytes(text.encode("utf-8", "surrogatepass"))
        assume(is_refused(lambda: config.read_experiment(self.yaml, {})))
        assert refused_in_one_line(train, [f"--config={self.yaml}"])


class TestAtomicWrites:
    def test_a_failing_write_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "file"
        write_atomically(path, b"first")

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(UserError, match="No space left on device; what stood there is unchanged"):
            write_atomically(path, b"second")
        assert path.read_bytes() == b"first"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["1e-400", "-0.1e-999"])
def test_a_number_that_would_become_zero_is_refused(text):
    with pytest.raises(UserError, match="beta: expected a number from 0, got"):
        KEYS["beta"].parse("beta", text)
    assert KEYS["beta"].parse("beta", "0e-400") == 0


@pytest.mark.parametrize("key", ["data_dir", "results_dir", "init_from"])
def test_a_name_that_is_no_text_is_refused(key):
    """Bytes that are not UTF-8, which Linux allows in names, could not be written into a table."""
    with pytest.raises(UserError, match=f"{key}: expected"):
        KEYS[key].parse(key, b"caf\xe9".decode("utf-8", "surrogateescape"))


def test_a_folder_that_was_deleted_under_the_command(tmp_path):
    command = f"mkdir gone; cd gone; rmdir ../gone; '{sys.executable}' '{ROOT / 'generate.py'}' --list"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: expected a folder to run in, got one that was deleted\n")


@pytest.mark.parametrize("words", [["train.py"], ["evaluate.py", "image"], ["-m", "models.export"]])
def test_help_begins_with_the_command(words):
    done = subprocess.run([sys.executable, *words, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python {' '.join(words)} [flags]")
