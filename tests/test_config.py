"""Configuration: what is accepted, what is refused, and that a refusal is one line and harmless."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import config
import evaluate
import generate
import losses
import train
from config.schema import KEYS
from config.system.errors import UserError, run
from config.system.files import write_atomically

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


class TestValues:
    def test_the_defaults_are_the_papers(self):
        assert {name: config.defaults()[name] for name in PAPER} == PAPER

    def test_the_losses_own_defaults_are_the_same(self):
        found = losses.TERMS["stft"].make().get_config()
        named = {"window": "stft_f", "stride": "stft_s", "amp_coef": "amp_coef", "arg_coef": "arg_coef", "eps": "eps"}
        assert {key: found[name] for name, key in named.items()} == {
            key: config.defaults()[key] for key in named.values()
        }

    def test_every_key_is_a_flag_in_every_form(self):
        for argv in (["--epochs=3"], ["--epochs", "3"], ["epochs=3"]):
            assert train.parse(argv).epochs == 3

    def test_the_command_of_the_original_readme(self):
        found = vars(train.parse(["--batch_size=40", "min_lr=0.0001", "max_lr=0.001", "--epochs=30"]))
        expected = {"batch_size": 40, "min_lr": 1e-4, "max_lr": 1e-3, "epochs": 30}
        assert {name: found[name] for name in expected} == expected

    @pytest.mark.parametrize("text,value", [("1e-4", 1e-4), ("'0.5'", 0.5), ("1", 1.0)])
    def test_yaml_numbers_as_people_write_them(self, tmp_path, text, value):
        (tmp_path / "c.yml").write_text(f"min_lr: {text}\n")
        assert config.read_yaml(tmp_path / "c.yml") == {"min_lr": value}

    def test_tag_defaults_to_the_loss(self):
        assert config.resolve({"loss": "l2"}).tag == "l2"
        assert config.resolve({"loss": "l2", "tag": "mine"}).tag == "mine"

    def test_dump_is_read_back(self, tmp_path):
        settings = config.resolve({"loss": "dft+ssim", "eps": 1e-7})
        (tmp_path / "c.yml").write_text(config.dump(settings))
        assert config.read_yaml(tmp_path / "c.yml") == vars(settings)


def test_a_rate_that_only_decays_has_no_lower_bound():
    assert config.resolve({"lr_mode": "exponential", "max_lr": 5e-5}).max_lr == 5e-5


REFUSED = [
    (["--batch_size=abc"], "--batch_size: expected a whole number from 1, got 'abc'"),
    (["--epochs=-1"], "--epochs: expected a whole number from 1, got '-1'"),
    (["epochs=0"], "--epochs: expected a whole number from 1, got '0'"),
    (["--epochs=1.5"], "--epochs: expected a whole number from 1, got '1.5'"),
    (["--min_lr=nan"], "--min_lr: expected a number above 0 to 1, got 'nan'"),
    (["--min_lr=1e999"], "--min_lr: expected a number above 0 to 1, got '1e999'"),
    (["--min_lr=0.1", "--max_lr=0.01"], "min_lr: expected at most max_lr (0.01), got 0.1"),
    (["--loss=sim"], "loss: expected one of ssim, l1, l2, bce, ffl"),
    (["--stft_f=29"], "stft_f: expected a window of at most the image's 28 pixels, got 29"),
    (["--bath_size=3"], "unknown key 'bath_size'; expected 'batch_size'?"),
    (["--tag=../x"], "--tag: expected text matching"),
    (["epochs"], "unexpected argument 'epochs'; expected --key=value"),
    (["--epochs"], "argument --epochs: expected one argument"),
    (["--dataset=imagenet"], "dataset: expected one of mnist, mnist-gray, fashion-mnist, cifar10, image_folder"),
    (["--train_size=60001"], "train_size: expected at most 60000 images of mnist, got 60001"),
    (["--test_split=held-out", "--train_size=60000"], "train_size: expected at most 50000 images of mnist, got 60000"),
    (["--config=none.yml"], "none.yml: expected a YAML file"),
    (["--resume", "--tag=none"], "--resume: expected the state of an interrupted run"),
    (["--model_dir=/dev/null/x"], "/dev/null/x/ours: expected a folder"),
]


class TestRefusals:
    @pytest.mark.parametrize("argv,message", REFUSED, ids=lambda value: "".join(value))
    def test_train(self, argv, message, tmp_path):
        with pytest.raises(UserError) as refusal:
            train.main([f"--model_dir={tmp_path}", f"--results_dir={tmp_path}", f"--logs_dir={tmp_path}", *argv])
        assert message in str(refusal.value)

    @pytest.mark.parametrize(
        "argv,message",
        [
            (["--loss=sim"], "the checkpoints in checkpoints/, got 'sim'"),
            (["--loss=,"], "got ','"),
            (["--num_samples=0"], "--num_samples: expected a whole number from 1 to 10000, got '0'"),
            (["--name=a/b"], "name: expected letters, digits"),
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
        (tmp_path / "c.yml").write_text(text)
        with pytest.raises(UserError, match=r"c\.yml"):
            config.read_yaml(tmp_path / "c.yml")

    @pytest.mark.parametrize("damage", ["missing", "incomplete"])
    def test_damaged_defaults(self, tmp_path, monkeypatch, damage):
        for path in config.FOLDER.glob("*_config.yml"):
            (tmp_path / path.name).write_text(path.read_text())
        path = tmp_path / "model_config.yml"
        path.unlink() if damage == "missing" else path.write_text("beta: 1\n")
        monkeypatch.setattr(config, "FOLDER", tmp_path)
        with pytest.raises(UserError, match=r"model_config\.yml: expected"):
            config.defaults()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda values: st.lists(values, max_size=3))
ONES = st.sampled_from(sorted(KEYS))


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
    def _nothing_is_written(self, tmp_path_factory, monkeypatch):
        """Stand in an empty folder; a refused command leaves it empty."""
        folder = tmp_path_factory.mktemp("empty")
        type(self).yaml = tmp_path_factory.mktemp("yaml") / "c.yml"
        monkeypatch.chdir(folder)
        yield
        assert not list(folder.iterdir())

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ONES, st.text(max_size=20))
    @example("epochs", "٣")
    @example("epochs", "1_0")
    @example("beta", "1e400")
    @example("loss", "")
    def test_flags(self, name, text):
        assume(is_refused(lambda: KEYS[name].parse_list(name, text)))
        assert refused_in_one_line(train, [f"--{name}={text}"])

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.sampled_from(SCRIPTS))
    def test_argument_lists(self, argv, script):
        assume(not any(word.startswith("-h") or word == "--help" for word in argv))
        assert refused_in_one_line(script, ["--seed=x", *argv])

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ONES, VALUES)
    @example("epochs", 16**5000)
    @example("beta", -(16**5000))
    @example("tag", 16**5000)
    def test_yaml_values(self, name, value):
        assume(is_refused(lambda: KEYS[name].parse(name, value)))
        text = f"{name}: {value:#x}" if type(value) is int else yaml.safe_dump({name: value})
        self.yaml.write_text(text, encoding="utf-8")
        assert refused_in_one_line(train, [f"--config={self.yaml}"])

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(max_size=60))
    @example("a: &a [*a]")
    @example("!!python/object/apply:os.system [ls]")
    @example("? {a: b} : c")
    def test_yaml_documents(self, text):
        self.yaml.write_bytes(text.encode("utf-8", "surrogatepass"))
        assume(is_refused(lambda: config.read_yaml(self.yaml)))
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
