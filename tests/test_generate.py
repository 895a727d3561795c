"""The grids of generate.py that look around in a latent space, against numpy, scipy and Pillow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit
from scipy.stats import norm

import data
import generate
from config.system.errors import UserError
from evaluation import grids
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent
SHIPPED = f"--model_dir={ROOT / 'checkpoints'}"
EIGHT_LATENTS = ROOT / "checkpoints/blur_error/l2_seed1/model.npz"


@pytest.fixture
def model():
    """A shipped model of two latents."""
    found, _ = checkpoint.load_model(ROOT / "checkpoints/ssim/model.npz")
    return found


def tiles(path, rows, columns):
    """The images uint8 [rows, columns, 28, 28] of a file of a grid."""
    with Image.open(path) as image:
        shown = np.asarray(image.convert("L"))[:: grids.SCALE, :: grids.SCALE]
    pitch = 28 + grids.GAP
    assert shown.shape == (rows * pitch + grids.GAP, columns * pitch + grids.GAP)
    inside = shown[grids.GAP :, grids.GAP :].reshape(rows, pitch, columns, pitch).swapaxes(1, 2)
    return inside[:, :, :28, :28]


def shown(images):
    """Images as 8 bits, without their channel."""
    return np.round(np.clip(images, 0, 1) * 255)[..., 0]


def test_a_traversal(tmp_path):
    """A row for each of eight latents: the largest KL divergence first, at scipy's quantiles."""
    generate.main(["--grid=traversal", f"--checkpoint={EIGHT_LATENTS}", "--num_samples=5", f"--out_dir={tmp_path}"])
    model, _ = checkpoint.load_model(EIGHT_LATENTS)
    images = data.load("mnist", "test").images[: generate.NUM_ENCODED] / np.float32(255)
    mean, log_variance = map(np.asarray, model.encode(images))
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).mean(0)
    found = tiles(tmp_path / "l2_seed1/traversal.png", rows=8, columns=5)
    for row, latent in zip(found, np.argsort(-kl), strict=True):
        z = np.zeros((5, 8), np.float32)
        z[:, latent] = norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9])
        np.testing.assert_allclose(row, shown(model.decode(z)), atol=1)


def test_an_interpolation(model, tmp_path):
    digits = data.load("mnist", "test").images[:2, :, :, 0]
    for name, digit in zip("ab", digits, strict=True):
        Image.fromarray(digit).save(tmp_path / f"{name}.png")
    pictures = f"--image={tmp_path}/a.png,{tmp_path}/b.png"
    flags = [SHIPPED, "--loss=ssim", "--grid=interpolation", pictures, "--num_samples=4", f"--out_dir={tmp_path}"]
    generate.main(flags)
    start, end = np.asarray(model.encode(digits[..., None] / np.float32(255))[0])
    expected = model.decode(np.stack([start, (2 * start + end) / 3, (start + 2 * end) / 3, end]))
    np.testing.assert_allclose(tiles(tmp_path / "ssim/interpolation.png", 1, 4)[0], shown(expected), atol=1)


def test_an_animation(model, tmp_path):
    """The columns of the grid, there and back: both ends stand once."""
    flags = [SHIPPED, "--loss=ssim", "--grid=traversal", "--num_samples=4", f"--out_dir={tmp_path}"]
    generate.main(flags)
    generate.main([*flags, "--format=gif"])
    columns = tiles(tmp_path / "ssim/traversal.png", rows=2, columns=4).swapaxes(0, 1)
    with Image.open(tmp_path / "ssim/traversal.gif") as image:
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("L"))[:: grids.SCALE, :: grids.SCALE])
        assert image.info["loop"] == 0
    assert len(frames) == 6
    for frame, column in zip(frames, [0, 1, 2, 3, 2, 1], strict=True):
        np.testing.assert_array_equal(frame[1:29, 1:29], columns[column][0])
        np.testing.assert_array_equal(frame[1:29, 30:58], columns[column][1])


def test_as_published(model, tmp_path):
    """The sigmoid of what the decoder puts out, from the darkest pixel of each image to its brightest."""
    flags = [SHIPPED, "--loss=ssim", "--as_published", "--num_samples=4", "--seed=2", f"--out_dir={tmp_path}"]
    generate.main(flags)
    found = tiles(tmp_path / "ssim/gen_samples_as_published.png", 2, 2).reshape(4, 28, 28)
    for tile, image in zip(found, expit(model.sample(4, 2).numpy())[..., 0], strict=True):
        np.testing.assert_allclose(tile, 255 * (image - image.min()) / (image.max() - image.min()), atol=0.51)


def test_a_flat_image_on_its_own_scale_is_black():
    assert not grids.on_own_scales(np.full((1, 4, 4, 1), 0.7)).any()


class TestList:
    @staticmethod
    def rows(text):
        """The rows of a table in Markdown, dicts, by folder and name."""
        header, _, *rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines())
        found = [dict(zip(header, row, strict=True)) for row in rows]
        return {f"{row['--model_dir']}/{row['--loss']}": row for row in found}

    def test_the_checkpoints_of_the_repository(self, capsys):
        """As they are loaded, with the scores that a training wrote; those of a folder before those of experiments."""
        folder = ROOT / "checkpoints"
        generate.main(["--list", f"--model_dir={folder}"])
        found = self.rows(capsys.readouterr().out)
        every = {str(path.parent): path for path in folder.rglob("model.npz") if "local" not in path.parts}
        assert {*found} == {*every}
        for name, row in found.items():
            _, manifest = checkpoint.read(every[name])
            for key in ("model", "dataset", "loss", "latent_dim"):
                assert row[key] == str(manifest["config"][key])
            assert row["steps"] == f"{manifest['step']:,}"
        one = found[f"{folder}/two_stage/ssim_seed2"]
        (run,) = (run for run in runs.read(ROOT / "results/two_stage/runs.csv") if run["tag"] == "ssim_seed2")
        assert [one["epochs"], one["PSNR"], one["SSIM"]] == [
            "8",
            f"{float(run['psnr']):.2f}",
            f"{float(run['ssim']):.3f}",
        ]
        assert [name.count("/") for name in found] == sorted(name.count("/") for name in found)

    def test_ones_own_come_first_and_damaged_ones_are_a_line_each(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        content = (ROOT / "checkpoints/ours/model.npz").read_bytes()
        files = {"mine": content, "experiment/one": content, "cut": content[:-300], "text": b"no checkpoint"}
        for name, part in files.items():
            (tmp_path / "checkpoints/local" / name).mkdir(parents=True)
            (tmp_path / "checkpoints/local" / name / "model.npz").write_bytes(part)
        generate.main(["--list"])
        printed = capsys.readouterr()
        assert [*self.rows(printed.out)][:3] == [
            "checkpoints/local/mine", "checkpoints/local/experiment/one", f"{ROOT}/checkpoints/ambient_add_noise",
        ]  # fmt: skip
        assert [line.partition(": expected")[0] for line in printed.err.splitlines()] == [
            f"skipped checkpoints/local/{name}/model.npz" for name in ("cut", "text")
        ]

    def test_a_checkpoint_of_a_loss_that_is_no_more(self, tmp_path, capsys):
        """It is not called damaged."""
        _, manifest = checkpoint.read(ROOT / "checkpoints/ours/model.npz")
        for loss in ("l2", "gone"):
            changed = manifest["config"] | {"loss": loss}
            checkpoint.write(tmp_path / loss / "model.npz", {}, config=changed, step=15_000)
        generate.main(["--list", f"--model_dir={tmp_path}"])
        printed = capsys.readouterr()
        assert [row["loss"] for row in self.rows(printed.out).values()] == ["l2"]
        assert printed.err.startswith(f"skipped {tmp_path}/gone/model.npz: loss: expected ")
        assert printed.err.endswith("got 'gone'\n")

    def test_an_interrupted_run_has_no_scores(self, tmp_path, capsys):
        tensors, manifest = checkpoint.read(ROOT / "checkpoints/ours/model.npz")
        checkpoint.write(tmp_path / "ours/model.npz", tensors, config=manifest["config"], step=15_000)
        generate.main(["--list", f"--model_dir={tmp_path}"])
        (row,) = self.rows(capsys.readouterr().out).values()
        assert [row["epochs"], row["steps"], row["PSNR"]] == ["25", "15,000", ""]

    def test_no_checkpoint(self, tmp_path):
        with pytest.raises(UserError, match=f"--list: expected checkpoints in {tmp_path}/, got none"):
            generate.main(["--list", f"--model_dir={tmp_path}"])

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file of Linux that is always full")
    def test_on_a_full_disk(self):
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, "generate.py", "--list"]
            done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "error: expected space for what is printed, got a full disk\n")

    def test_without_tensorflow(self):
        code = "import sys, generate; generate.main(['--list']); sys.exit('numpy' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0

    def test_whoever_reads_it_may_stop(self):
        command = f"{sys.executable} generate.py --list | head -n 1"
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("flags,message", [
    (["--list", "--format=gif"], "--format: expected without --list, got both"),
    (["--format=gif"], "expected gif with --grid=traversal or interpolation, got it with samples"),
    (["--image=a.png"], "--image: expected with --grid=interpolation, got it with samples"),
    (["--data_dir=x"], "--data_dir: expected with --grid=traversal, got it with samples"),
    (["--grid=manifold", "--seed=1"], "--seed: expected with --grid=samples, got it with manifold"),
    (["--grid=interpolation"], "--image: expected two pictures for the interpolation, FILE,FILE, got none"),
    (["--grid=interpolation", "--image=a.png"], "FILE,FILE, got a.png"),
    (["--grid=explorer", "--as_published"], "--as_published: expected with a grid, got it with explorer"),
    (["--grid=explorer", "--num_samples=4"], "--num_samples: expected with a grid, got it with explorer"),
])  # fmt: skip
def test_flags_without_a_meaning(flags, message):
    with pytest.raises(UserError, match=message):
        generate.main(flags)


@pytest.mark.parametrize("flags,name", [
    ([], "ours/gen_samples.png"),
    (["--grid=traversal", "--format=gif", "--name=a"], "ours/a.gif"),
    (["--grid=explorer"], "explorer.html"),
])  # fmt: skip
def test_a_folder_in_the_place_of_the_file(flags, name, tmp_path, monkeypatch):
    """It is found before TensorFlow is imported."""
    (tmp_path / name).mkdir(parents=True)
    monkeypatch.delattr(generate, "import_tensorflow")
    with pytest.raises(UserError, match=f"{name}: expected a file, or a place for one, got a folder"):
        generate.main([*flags, f"--out_dir={tmp_path}"])
