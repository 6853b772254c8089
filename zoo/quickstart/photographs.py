"""Pieces of ten photographs that scikit-image ships, as image files: no two pieces have a pixel in common.

All ten are free for any use (CC0, or in the public domain); README.md in this folder names who gave them. The wheel of
scikit-image is fetched from the package index, and not installed.
"""

from __future__ import annotations

from pathlib import Path

from zoo.card import Weights, WeightsFile, WheelSource
from zoo.errors import Unsupported
from zoo.fetch import OnProgress, fetch

SIDE = 75
"""Width and height of a piece, in pixels."""
TRAIN, TEST = 10, 20
"""Most pieces of each photograph to train on, and to judge by."""
SEED = 0
_SCIKIT_IMAGE = WheelSource(distribution="scikit-image", version="0.26.0", folder="skimage/data")
_FILES = {
    "astronaut": ("astronaut.png", 791_555, "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    "brick": ("brick.png", 106_634, "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"),
    "cameraman": ("camera.png", 139_512, "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a"),
    "cat": ("chelsea.png", 240_512, "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
    "coffee": ("coffee.png", 466_706, "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
    "grass": ("grass.png", 217_893, "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
    "gravel": ("gravel.png", 194_247, "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
    "retina": ("retina.jpg", 269_564, "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"),
    "rocket": ("rocket.jpg", 112_525, "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
    "stars": ("hubble_deep_field.jpg", 527_940, "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
}
"""What a photograph shows, to its file in the wheel, bytes and sha256."""


def fetch_photographs(on_progress: OnProgress | None = None) -> dict[str, Path]:
    """What each photograph shows, to its file on this machine.

    Raises:
        DownloadFailed: the package index cannot be reached, or does not have them.
    """
    files = tuple(WeightsFile(name=name, size_bytes=size, sha256=digest) for name, size, digest in _FILES.values())
    folder = fetch(Weights(files=files, sources=(_SCIKIT_IMAGE,)), on_progress=on_progress)
    return {label: folder / name for label, (name, _, _) in _FILES.items()}


def write_pieces(photographs: dict[str, Path], folder: Path) -> None:
    """Cut each photograph into squares like a chessboard's, and write black ones to train on, white ones to judge by.

    Squares of a single colour are left out.

        train/coffee/2-5.png    row and column of the square, from 0
        test/coffee/2-4.png

    Args:
        photographs: what each shows, to its file.
        folder: made where it is missing.

    Raises:
        Unsupported: numpy or Pillow is not installed.
    """
    try:
        import numpy as np
        from PIL import Image
    except ImportError as error:
        raise Unsupported(f"the photographs need {error.name}", "pip install zoo-torchvision") from error
    random = np.random.default_rng(SEED)
    for label, path in photographs.items():
        with Image.open(path) as photograph:
            image = photograph.convert("RGB")
        for part, colour, most in (("train", 0, TRAIN), ("test", 1, TEST)):
            pieces = {
                f"{row}-{column}.png": image.crop((column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE))
                for row in range(image.height // SIDE)
                for column in range(image.width // SIDE)
                if (row + column) % 2 == colour
            }
            names = [name for name, piece in pieces.items() if not piece.getcolors(1)]  # beside the retina is nothing
            (folder / part / label).mkdir(parents=True, exist_ok=True)
            for i in random.permutation(len(names))[:most]:
                pieces[names[i]].save(folder / part / label / names[i])
