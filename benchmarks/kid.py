"""Whether KID is 0 where it should be:  python -m benchmarks.kid --data_dir=DIR  (DIR: the folder with cifar10.npz)

Between training and test images of CIFAR-10, which are of one kind, the interval of KID should hold 0. Between
blurred training images and the test images, it should not.
"""

import config
from benchmarks import publish
from config.command_line import Parser
from config.schema import Key
from config.system.errors import run
from config.system.runtime import import_tensorflow

IMAGES = Key(int, "images of each kind", low=4, high=10_000)
BLUR = 1.0


def main(argv):
    """Print the table: KID to the test images, with its 95 % interval over images."""
    parser = Parser(__doc__)
    parser.add_value("images", IMAGES, 1000)
    parser.add_key("data_dir", config.defaults()["data_dir"])
    flags = parser.parse(argv)
    import_tensorflow()
    import data
    from evaluation.metrics import blur, fid

    train, test = (data.load("cifar10", split, flags.data_dir).images for split in ("train", "test"))
    images, references = train[: flags.images], test[: flags.images]
    blurred = blur.gaussian_blur(images / 255, BLUR)
    kinds = {"training images": images, f"training images, blurred by {BLUR} px": blurred}
    features = fid.features(references)
    rows = [[name, *distance(fid.features(one), features)] for name, one in kinds.items()]
    publish("kid", [f"{flags.images:,} images", "KID ×1000 to the test images", "95 % interval"], rows)


def distance(features, references):
    """Return KID ×1000 and its interval over images, in words."""
    from evaluation import bootstrap
    from evaluation.metrics import kid

    weights = bootstrap.image_weights(len(features))
    found = 1000 * kid.distance(features, references, weights, kid.within(references, weights))
    low, high = bootstrap.interval(found)
    return f"{found[0]:.2f}", f"[{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    run(main)
