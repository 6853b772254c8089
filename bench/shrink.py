"""What `zoo shrink` makes of a classifier of movie reviews and of a ResNet-18 on digits: bytes, speed, accuracy.

    uv run bench/shrink.py --data FOLDER [--only reviews digits] [--formats int8] [--into bert-mini] [--prune 0.5]
                        [--max-drop 0.01] [--target size] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label). MiniLM is fine-tuned on the first of them as
zoo does by itself, and made smaller on the second, which it has not seen. resnet18-32px learns from random numbers on
1,000 of scikit-learn's handwritten digits; the other 797 judge. The model as it is computes in fp32. --into and --prune
are for the reviews: those networks are trained on the rows that MiniLM learnt from. A line for each says how many of
the bytes, how much faster and how much less accurate the form is that zoo took; the table has all.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from train_joint import read_reviews, write_reviews

DIGITS = 1000
"""To learn from."""


def write_digits(root: Path, learnt: int) -> tuple[Path, Path]:
    """Class folders of the digits to learn from, and of those that judge."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = root / ("train" if number < learnt else "test") / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * (255 / 16)).round().astype("uint8")).save(path)
    return root / "train", root / "test"


def shrunk(model: str, test: str | Path, settings: dict[str, Any]) -> Any:
    """The run that makes it smaller, whether anything passed or not."""
    import zoo

    run = zoo.shrink(model, test, device="cpu", **settings)
    try:
        return run.wait(progress=False)
    except zoo.RunFailed as error:
        print(error, file=sys.stderr)
        return run


def print_result(name: str, run: Any) -> None:
    """The table, and the line of the form that was taken."""
    from zoo.rendering.text import cell_texts
    from zoo.runs.overview import candidate_table
    from zoo.text_table import render_table

    s = run.snapshot
    print(f"\n{name}: {', '.join(note for note in s.notes if note.startswith('measured on'))}")
    table = candidate_table(s.candidates)
    print("\n".join(render_table(cell_texts(table), table.headers)))
    original = s.candidates[0]
    for one in s.candidates:
        if one.chosen:
            size, speed = original.size_bytes / one.size_bytes, one.rows_per_s / original.rows_per_s
            print(
                f"{name}: {one.name}, 1/{size:.2f} of the bytes, {speed:.2f}x the rows/s, "
                f"{original.latency_s / one.latency_s:.2f}x as soon alone, {one.metric} {original.figure:.4f} -> "
                f"{one.figure:.4f}, drop {one.low:+.4f} to {one.high:+.4f}"
            )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What zoo shrink makes of two classifiers.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_{train,test}.csv")
    parser.add_argument("--only", nargs="+", choices=("reviews", "digits"), default=("reviews", "digits"))
    parser.add_argument("--formats", default="", help="what is tried; all if not given")
    parser.add_argument(
        "--into", default="", help="a smaller model, or several, that learn what the reviews' model answers"
    )
    parser.add_argument(
        "--prune", type=float, default=0.0, help="share of the layers of the reviews' model that is taken out"
    )
    parser.add_argument("--max-drop", type=float, default=0.01)
    parser.add_argument("--target", choices=("size", "latency"), default="size")
    parser.add_argument("--quick", action="store_true", help="a few steps of a few rows: does it work?")
    args = parser.parse_args()
    settings = {"max_drop": 0.9 if args.quick else args.max_drop, "target": args.target, "formats": args.formats}
    steps = {"max_steps": 3} if args.quick else {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        import zoo

        if "reviews" in args.only:
            few = 64 if args.quick else None
            parts = [read_reviews(args.data / f"movie_reviews_{part}.csv")[:few] for part in ("train", "test")]
            train, test = (write_reviews(rows, Path(folder) / f"{i}.csv") for i, rows in enumerate(parts))
            run = zoo.finetune("all-minilm-l6-v2", train, name="reviews", device="cpu", eval_share=0.0, **steps)
            trained = {"into": args.into, "prune": args.prune}
            print_result("movie reviews", shrunk(run.wait(progress=False).name, test, {**settings, **trained}))
        if "digits" in args.only:
            train_digits, test_digits = write_digits(Path(folder) / "digits", 1700 if args.quick else DIGITS)
            seen: dict[str, Any] = {"flip": False, "eval_share": 0.0, "device": "cpu"}
            run = zoo.finetune("resnet18-32px", train_digits, name="digits", **seen, **steps)
            print_result("ResNet-18 on digits", shrunk(run.wait(progress=False).name, test_digits, settings))


if __name__ == "__main__":
    main()
