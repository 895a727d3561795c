"""Losses in Keras: what people do with them, on TensorFlow here, on JAX and PyTorch in processes of their own.

`uses.py` has the uses and prints the table of every loss and every use. Here a sum of all terms goes through
them, so that each term is in a graph once.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import uses

import losses

ALL = "+".join(name for name in uses.TERMS if losses.output_space(name) == "linear")
# for the uses that go through a graph of Keras, losses that together have every term, an alias and sums
IN_A_GRAPH = {
    "loss": [ALL, "bce"],
    "metric": ["l2+ssim", "ours"],
    "save, load": ["l2+stft+masked-amplitude", "bce"],
    "jit": [ALL],
    "float16": ["ours-corrected"],
    "bfloat16": ["ours-corrected"],
    "sample_weight": ["l2+ssim"],
    "sizes": [ALL],
    "finite": uses.TERMS,
}
SLOW = {"loss", "metric", "jit", "sizes", "save, load"}


@pytest.mark.parametrize("use", [pytest.param(use, marks=pytest.mark.slow if use in SLOW else ()) for use in uses.USES])
def test_use(use):
    uses.USES[use](IN_A_GRAPH.get(use, uses.NAMES))


def test_the_name_in_keras():
    """The scope of a graph takes no plus sign; the name as it was given is the label."""
    loss = losses.build("l1+stft-wrapped")
    assert (loss.name, loss.label) == ("l1_stft-wrapped", "l1+stft-wrapped")
    assert [*loss.terms(*uses.images())] == ["l1", "stft-wrapped"]


def test_images_too_small_for_a_graph_of_any_size():
    """The graph cannot know before it runs, and then says the same."""
    import tensorflow as tf

    anything = tf.TensorSpec([None, None, None, 3])
    graph = tf.function(losses.build("ours").call, input_signature=[anything, anything], autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="stft_f: expected a window of at most the image"):
        graph(*uses.images(10))


def test_a_stream_of_images_whose_size_only_the_model_knows():
    """The target of a stream may have the shape [None, None, None, None]."""
    import tensorflow as tf

    x, y = uses.images()
    shapes = [tf.TensorSpec([None] * 4), tf.TensorSpec(y.shape)]
    graph = tf.function(losses.build("ours").call, input_signature=shapes, autograph=False)
    np.testing.assert_allclose(graph(x, y), losses.build("ours").call(x, y), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend, tmp_path):
    """The values to 1e-6 and the gradients to 1e-5 of those on TensorFlow; and the uses."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"expected the package {backend} for the losses on the backend {backend}, which is not installed")
    write_reference(tmp_path / "reference.npz")
    environment = os.environ | {"KERAS_BACKEND": backend, "REFERENCE": str(tmp_path / "reference.npz")}
    # compiling with torch.compile takes minutes
    chosen = {use: IN_A_GRAPH.get(use, uses.NAMES) for use in [*uses.USES, "reference"] if use != "jit"}
    code = f"import uses\nfor use, names in {chosen}.items():\n    uses.USES[use](names)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def write_reference(path):
    """Write the values and gradients of every loss on this backend, for a batch without vanishing bins."""
    kept = {}
    for size in uses.REFERENCE_SIZES:
        x, y = uses.images(size)
        kept |= {f"{size} image": x, f"{size} reconstruction": y}
        for name in uses.NAMES:
            found = uses.gradient(losses.build(name), x, y)
            kept |= {f"{size} {name} value": found[0], f"{size} {name} gradient": found[1]}
    np.savez(path, **kept)
    assert keras.backend.backend() == "tensorflow"
