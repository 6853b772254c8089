"""Write texts with SmolLM2: zoo beside transformers' `generate`, alternating in one process.

    uv run bench/generate.py [--model smollm2-135m-instruct] [--tokens 48] [--rounds 3]

Both read the same weights and take the most likely token. transformers computes as shipped, in the type that the folder
of the weights states (float32 for what was unpacked from a GGUF file), and in bf16 as well; zoo in fp32, at its default
precision and in int8. Tokens a second are those of whole answers to one prompt, and to sixteen of different lengths at
once, reading the prompts included. The first token is the time to it of a warm model, from a prompt of about forty
tokens. Checked in the same run: the texts of zoo in fp32 are those of transformers in fp32. Memory is what a process of
its own has more after an answer than before loading; beside it the bytes of weights that each token needs, which is the
limit of one prompt.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

os.environ.setdefault("HF_HUB_OFFLINE", "1")
BEGINNINGS = (
    "The capital of France is",
    "Once upon a time, there was a small village at the edge of a forest where",
    "To bake bread, you need flour, water, salt and",
    "The history of the steam engine begins with",
)
PROMPTS = tuple(f"{number}. {BEGINNINGS[number % 4]}" for number in range(16))
LETTER = (
    "Dear customer, thank you for writing to us. Your parcel left our warehouse on Monday and should reach you within "
    "three days. If it does not, please answer this message with the number of your order, and we will"
)
NUMBER_BYTES = {"fp32": 4, "bf16": 2, "int8": 1, "auto": 2}


class Side(Protocol):
    """One way to write."""

    def write(self, prompts: Sequence[str]) -> list[tuple[str, int]]:
        """What follows each prompt, and its number of tokens."""
        ...

    def first(self, prompt: str) -> None:
        """Go on with a prompt by one token."""
        ...


class Transformers:
    """transformers' generate."""

    def __init__(self, folder: Path, precision: str, tokens: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}.get(precision, "auto")
        self._tokens = tokens
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        self._end = self._model.generation_config.eos_token_id
        self._model.generation_config.pad_token_id = self._tokenizer.pad_token_id or self._end

    def write(self, prompts: Sequence[str]) -> list[tuple[str, int]]:
        """Padded on the left."""
        ids = self._generate(prompts, self._tokens).tolist()
        ended = [(row.index(self._end) + 1 if self._end in row else len(row)) for row in ids]
        texts = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return list(zip(texts, ended, strict=True))

    def first(self, prompt: str) -> None:
        """One new token."""
        self._generate([prompt], 1)

    def _generate(self, prompts: Sequence[str], tokens: int) -> Any:
        inputs = self._tokenizer(list(prompts), return_tensors="pt", padding=True)
        ids = self._model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        return ids[:, inputs.input_ids.shape[1] :]


class Zoo:
    """zoo.load."""

    def __init__(self, model: str, precision: str, tokens: int) -> None:
        import zoo

        options = {"raw": True, "max_tokens": tokens}
        self._predictor: Any = zoo.load(model, device="cpu", precision=precision, **options).predictor

    @property
    def folder(self) -> Path:
        """The weights as transformers has them."""
        folder: Path = self._predictor._body._folder
        return folder

    def write(self, prompts: Sequence[str]) -> list[tuple[str, int]]:
        """All in one batch, where they fit."""
        return [(answer.text, answer.tokens) for answer in self._predictor.predict(list(prompts))]

    def first(self, prompt: str) -> None:
        """The first piece of a text, which is one token of plain English."""
        next(self._predictor.stream(prompt))


def side(name: str, model: str, folder: Path, tokens: int) -> Side:
    """By the name that a table has."""
    who, _, how = name.partition(", ")
    return Transformers(folder, how, tokens) if who == "transformers" else Zoo(model, how.split()[0], tokens)


NAMES = ("transformers, as shipped", "transformers, bf16", "zoo, fp32", "zoo, auto", "zoo, int8")


def resident() -> int:
    """Bytes of memory that this process has now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def memory_of(name: str, args: argparse.Namespace, folder: Path) -> int:
    """Bytes, of a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--model", args.model, "--memory-of", name]
    done = subprocess.run([*command, "--folder", str(folder)], check=True, capture_output=True, encoding="utf-8")
    return int(done.stdout.split()[-1])


def print_memory(args: argparse.Namespace) -> None:
    """Load one side, write a little, and print what that took."""
    import torch
    import transformers  # noqa: F401

    before = resident()
    with torch.inference_mode():
        side(args.memory_of, args.model, Path(args.folder), 8).write(PROMPTS[:1])
    print(resident() - before)


def seconds(work: Any) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Writing beside transformers' generate.")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-of", choices=NAMES)
    parser.add_argument("--folder")
    args = parser.parse_args()
    if args.memory_of:
        print_memory(args)
        return
    import torch
    from safetensors import safe_open

    folder = Zoo(args.model, "fp32", args.tokens).folder
    sides = {name: side(name, args.model, folder, args.tokens) for name in NAMES}
    exact = Transformers(folder, "fp32", args.tokens).write(PROMPTS)
    same = sum(ours == theirs for ours, theirs in zip(sides["zoo, fp32"].write(PROMPTS), exact, strict=True))
    gc.collect()
    one: dict[str, list[float]] = {name: [] for name in NAMES}
    many: dict[str, list[float]] = {name: [] for name in NAMES}
    first: dict[str, list[float]] = {name: [] for name in NAMES}
    for round_number in range(args.rounds + 1):  # the first one warms up
        for name, way in sides.items():
            for prompts, rates in ((PROMPTS[1:2], one), (PROMPTS, many)):
                began = time.perf_counter()
                tokens = sum(count for _, count in way.write(prompts))
                rates[name].append(tokens / (time.perf_counter() - began))
            first[name].append(min(seconds(lambda way=way: way.first(LETTER)) for _ in range(3)))
        if round_number == 0:
            for kept in (one, many, first):
                for values in kept.values():
                    values.clear()
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        numbers = sum(torch.Size(file.get_slice(key).get_shape()).numel() for key in file.keys())  # noqa: SIM118
        stated = {"F32": 4, "BF16": 2, "F16": 2}[file.get_slice(next(iter(file.keys()))).get_dtype()]
    peer = NAMES[0]
    print(f"{args.model}, {args.tokens} tokens, {args.rounds} rounds, {torch.get_num_threads()} threads")
    print(f"texts of zoo in fp32 that are those of transformers in fp32: {same} of {len(PROMPTS)}")
    for name in NAMES:
        medians = [statistics.median(values[name]) for values in (one, many, first)]
        ratios = [statistics.median(a / b for a, b in zip(v[name], v[peer], strict=True)) for v in (one, many, first)]
        needed = numbers * NUMBER_BYTES.get(name.partition(", ")[2], stated)
        print(
            f"{name:<25} one {medians[0]:6.1f} tokens/s {ratios[0]:5.2f}x   sixteen {medians[1]:6.1f} "
            f"{ratios[1]:5.2f}x   first {1000 * medians[2]:6.1f} ms {ratios[2]:4.2f}x   "
            f"a token needs {needed / 1e6:.0f} MB",
            flush=True,
        )
    for name in NAMES:
        print(f"{name:<25} memory {memory_of(name, args, folder) / 1e6:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
