"""Train a VAE:  python train.py --loss=ours --epochs=50  (every key of config/*.yml is a flag)."""

import argparse

import config
from config.command_line import Parser
from config.errors import run
from config.runtime import import_tensorflow


def parse(argv):
    """The configuration and the other flags in `argv`."""
    parser = Parser(__doc__)
    parser.add_argument("--config", metavar="PATH", help="YAML file of keys to use in place of the defaults")
    parser.add_argument("--resume", action="store_true", help="go on with the interrupted run of this tag")
    parser.add_argument("--overwrite", action="store_true", help="begin anew where an unfinished run stands")
    parser.add_argument("--replay", metavar="RECORD", help="show the terms of a recorded step that was not finite")
    for name, default in config.defaults().items():
        parser.add_key(name, argparse.SUPPRESS, shown=default)
    return parser.parse(argv)


def main(argv):
    """Train, and say what came out and where it is."""
    arguments = vars(parse(argv))
    path, resume, overwrite, record = (arguments.pop(name) for name in ("config", "resume", "overwrite", "replay"))
    given = (config.read_yaml(path) if path else {}) | arguments
    settings = config.resolve(given)

    import_tensorflow()
    from evaluation.quality import reconstruction_quality
    from training import guard, loop, state

    if record:
        step, terms = guard.replay(record)
        print(f"step {step}", *(f"{name:40} {value:g}" for name, value in terms.items()), sep="\n")
        return

    if resume:
        settings = state.resumed(loop.paths(settings).state, given)
    files = loop.paths(settings)
    model, test_images = loop.train(settings, resume, overwrite)
    quality = {name: values.mean() for name, values in reconstruction_quality(model, test_images).items()}
    print(
        f"PSNR {quality['psnr']:.2f} dB, SSIM {quality['ssim']:.3f} "
        f"on {len(test_images):,} {settings.test_split} images (z sampled)\n"
        f"checkpoint {files.model}\nsamples    {files.samples}\nmetrics    {files.metrics}"
    )


if __name__ == "__main__":
    run(main)
