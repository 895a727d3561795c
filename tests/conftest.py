"""TensorFlow set up as the scripts set it up, and small data that every test can share."""

import os

import numpy as np
import pytest

import config
from config.system.runtime import import_tensorflow

import_tensorflow()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def digits():
    """Eight real binarised digits, float32 [8, 28, 28, 1]."""
    import data

    return data.load("mnist", "test").images[:8].astype(np.float32) / 255


@pytest.fixture
def defaults_in(monkeypatch):
    """A function that makes a folder that of the default values; they are read once a process otherwise."""

    def use(folder):
        monkeypatch.setattr(config, "FOLDER", folder)
        config.defaults.cache_clear()

    yield use
    config.defaults.cache_clear()


@pytest.fixture
def without_make(monkeypatch):
    """What the `make` around the tests was told does not reach one that a test begins."""
    for name in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARGS"} & {*os.environ}:
        monkeypatch.delenv(name)
