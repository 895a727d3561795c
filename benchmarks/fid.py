"""Whether FID is the published one:  python -m benchmarks.fid --data_dir=DIR  (DIR: the folder with cifar10.npz)

Between CIFAR-10's 50,000 training and 10,000 test images it is known to be 3.15. Of n training images it is
larger by about c/n (Chong and Forsyth 2020), a line along which fewer than 50,000 are extrapolated.
"""

import numpy as np

import config
from benchmarks import publish
from config.command_line import Parser
from config.schema import Key
from config.system.errors import run
from config.system.runtime import import_tensorflow

# what generative models of CIFAR-10 are held against, with the network of Heusel et al. (2017)
KNOWN, OF = 3.15, 50_000
PARTS = (2, 1)
IMAGES = Key(int, "training images", low=4, high=OF)


def extrapolated(counts, distances, count=OF):
    """What a distance that is a + c/n is at n = `count`, a line fitted by least squares."""
    slope, intercept = np.polyfit(1 / np.asarray(counts, float), distances, 1)
    return float(intercept + slope / count)


def main(argv):
    """Print the table: FID of the halves (their mean) and of all of the training images to the test images."""
    parser = Parser(__doc__)
    parser.add_value("images", IMAGES, OF)
    parser.add_key("data_dir", config.defaults()["data_dir"])
    arguments = parser.parse(argv)
    import_tensorflow()
    import data
    from evaluation.metrics import fid

    fid.inception()
    train, test = (data.load("cifar10", split, arguments.data_dir).images for split in ("train", "test"))
    reference = fid.gaussian(fid.features(test))
    features = fid.features(train[: arguments.images])
    counts = [len(features) // parts for parts in PARTS]
    distances = [
        np.mean([fid.distance(fid.gaussian(part), reference) for part in np.array_split(features, parts)])
        for parts in PARTS
    ]
    rows = [[f"{count:,}", f"{distance:.2f}"] for count, distance in zip(counts, distances, strict=True)]
    if counts[-1] < OF:
        rows.append([f"{OF:,}, extrapolated", f"{extrapolated(counts, distances):.2f}"])
    rows.append([f"{OF:,}, as known", f"{KNOWN:.2f}"])
    publish("fid", ["training images", f"FID to {len(test):,} test images"], rows)


if __name__ == "__main__":
    run(main)
