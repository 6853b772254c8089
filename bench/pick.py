"""What `zoo pick` takes beside fine-tuning every model in full, and how far its choice is from the best of these.

    uv run bench/pick.py --data FOLDER [--only reviews digits] [--rows 2000] [--reviews A,B] [--digits C,D] [--quick]

The folder holds movie_reviews_{train,test}.csv (columns text and label). Models pick from the first file or its first
--rows rows; the second file is the test. Digits are scikit-learn's: 1,000 to learn from, the others are the test. Every
model is fine-tuned in full, too, by `zoo finetune` on the same file, which holds out a tenth for the best step, and is
judged on the test. A line for each has its accuracy and what its fine-tuning took; the last one has pick's time beside
that of all, and how far its choice is from the best of them. Models are those named, which must be here.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from shrink import write_digits
from train_joint import read_reviews, write_reviews

DIGITS = 1000
"""To learn from."""
REVIEWS = "bert-tiny,bert-mini,bert-small,bert-l6-h384,all-minilm-l6-v2"
PICTURES = "resnet10-32px,resnet18-32px,resnet18-scratch,mobilenet_v2-scratch,mobilenet_v2-v1"


def in_full(models: Sequence[str], train: str, test: str, length: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Accuracy on the test rows, and seconds of the fine-tuning, of each model."""
    import zoo

    results = {}
    for model in models:
        begun = time.perf_counter()
        run = zoo.finetune(model, train, device="cpu", **length).wait(progress=False)
        seconds = time.perf_counter() - begun
        judged = zoo.evaluate(run.name, test, device="cpu").wait(progress=False)
        results[model] = judged.metrics["accuracy"], seconds
        print(f"  {model}: accuracy {results[model][0]:.4f}, {results[model][1]:.0f} s", flush=True)
    return results


def compare(title: str, models: str, train: str, test: str, length: dict[str, float]) -> None:
    """Pick, fine-tune all in full, and print both."""
    import zoo
    from zoo.rendering.text import cell_texts
    from zoo.runs.overview import candidate_table
    from zoo.text_table import render_table

    print(f"\n{title}", flush=True)
    begun = time.perf_counter()
    run = zoo.pick(train, test=test, models=models, device="cpu", **length).wait(progress=False)
    seconds = time.perf_counter() - begun
    table = candidate_table(run.snapshot.candidates)
    print("\n".join(render_table(cell_texts(table), table.headers)))
    print(run.snapshot.report[0].text, flush=True)
    results = in_full(models.split(","), train, test, length)
    (chosen,) = (one for one in run.snapshot.candidates if one.chosen)
    best = max(results, key=lambda name: results[name][0])
    total = sum(time for _, time in results.values())
    print(
        f"{title}: pick takes {seconds:.0f} s beside {total:.0f} s of all in full ({seconds / total:.2f} of it), and "
        f"takes {chosen.name}, accuracy {run.metrics['accuracy']:.4f}; the best in full, {best}, has "
        f"{results[best][0]:.4f}, which is {results[best][0] - run.metrics['accuracy']:+.4f} from it"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What zoo pick takes, and how well it picks.")
    parser.add_argument("--data", type=Path, required=True, help="folder with movie_reviews_{train,test}.csv")
    parser.add_argument("--only", nargs="+", choices=("reviews", "digits"), default=("reviews", "digits"))
    parser.add_argument("--rows", type=int, default=None, help="of the reviews; all if not given")
    parser.add_argument("--reviews", default=REVIEWS, help="models for the reviews")
    parser.add_argument("--digits", default=PICTURES, help="models for the digits")
    parser.add_argument("--quick", action="store_true", help="few rows and two small models: does it work?")
    args = parser.parse_args()
    length = {"epochs": 1.0} if args.quick else {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_HOME"] = f"{folder}/store"
        os.environ["HF_HUB_OFFLINE"] = "1"
        if "reviews" in args.only:
            most = 200 if args.quick else args.rows
            counts = {"train": most, "test": 100 if args.quick else None}
            files = [
                write_reviews(
                    read_reviews(args.data / f"movie_reviews_{part}.csv")[:rows], Path(folder) / f"{part}.csv"
                )
                for part, rows in counts.items()
            ]
            compare("movie reviews", "bert-tiny,bert-mini,bert-small" if args.quick else args.reviews, *files, length)
        if "digits" in args.only:
            train, test = write_digits(Path(folder) / "digits", 300 if args.quick else DIGITS)
            models = "resnet10-32px,resnet18-32px" if args.quick else args.digits
            compare("digits", models, str(train), str(test), length)


if __name__ == "__main__":
    main()
