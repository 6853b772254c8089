"""Handwritten digits as image files, from the 1,797 that scikit-learn ships.

They are the test set of E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998 (CC BY 4.0): 8 x 8 pixels, 17 shades of grey.
"""

from __future__ import annotations

from pathlib import Path

from zoo.errors import Unsupported

LABELLED = 10
"""Labelled training images of each digit."""
SPLIT_SEED = 0


def write_digits(folder: Path) -> None:
    """Write three folders of PNG files: all training images without labels, few with, and those to judge by.

        unlabelled/17.png     1,437 training images, whatever they show
        labelled/3/17.png     ten of them for each digit
        test/3/4.png          360 others

    Args:
        folder: made where it is missing.

    Raises:
        Unsupported: scikit-learn is not installed.
    """
    try:
        import numpy as np
        from PIL import Image
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise Unsupported(f"the digits need {error.name}", "pip install 'zoo-resnet[digits]'") from error
    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    labels = digits.target
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=SPLIT_SEED, stratify=labels)
    random = np.random.default_rng(SPLIT_SEED)
    to_label = [i for digit in range(10) for i in random.choice(train[labels[train] == digit], LABELLED, replace=False)]

    def write(part: str, numbers: list[int], *, labelled: bool) -> None:
        for i in numbers:
            path = folder / part / (str(labels[i]) if labelled else "") / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[i]).save(path)

    write("unlabelled", sorted(train), labelled=False)
    write("labelled", sorted(to_label), labelled=True)
    write("test", sorted(test), labelled=True)
