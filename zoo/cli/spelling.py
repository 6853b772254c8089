"""Flags as people type them: with underscores, with a slip, or as another tool calls them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

_OTHER_TOOLS = {
    "--data": ("--train", "--train-data", "--train-file", "--training-data", "--dataset", "--data-file", "--file"),
    "--eval": (
        "--val",
        "--valid",
        "--validation",
        "--validation-file",
        "--eval-data",
        "--dev",
        "--test",
        "--test-file",
    ),
    "--eval-share": ("--validation-split", "--val-split", "--eval-split", "--test-split", "--test-size", "--holdout"),
    "--warmup": ("--warmup-steps", "--num-warmup-steps"),
    "--batch-size": ("--per-device-train-batch-size", "--train-batch-size", "--bs"),
    "--micro-batch-size": ("--gradient-accumulation-steps",),
    "--max-tokens": ("--max-length", "--max-len", "--max-seq-length", "--sequence-length"),
    "--input": ("--column", "--text-column", "--input-column", "--image-column", "--feature"),
    "--label": ("--label-column", "--labels", "--target", "--target-column"),
    "--file": ("--input-file", "--in", "--data"),
    "--out": ("--output", "--output-file", "-o"),
    "--name": ("--output-dir", "--run-name", "--save-as"),
    "--device cuda": ("--gpu", "--cuda", "--gpus"),
    "--device cpu": ("--cpu", "--no-cuda"),
    "--precision fp16": ("--fp16", "--half", "--float16"),
    "--precision bf16": ("--bf16", "--bfloat16"),
    "--processes": ("--workers", "--num-workers", "--num-processes", "--nproc", "--nproc-per-node"),
    "--nodes": ("--nnodes", "--num-nodes", "--num-machines", "--machines"),
    "--shard": ("--fsdp", "--fully-shard", "--zero", "--deepspeed"),
    "--detach": ("--background", "-d", "--no-wait"),
    "--method lora": ("--lora", "--peft"),
    "--yes": ("--force", "-f", "--no-confirm", "--assume-yes"),
    "--last": ("--limit", "-n", "--tail", "--head"),
    "--limit": ("--last", "-n"),
}
"""A flag, to what other tools call something like it: suggested, never taken for it, since it may differ."""
MODEL_FLAGS = ("--model", "-m", "--model-name", "--model-name-or-path")
"""How other tools take the model, which is an argument without a flag here."""


def flag_of(word: str) -> str:
    """The part of a word that names a long flag: `--name` of `--name=value`; empty for any other word."""
    return match[0] if (match := re.match(r"--[^\s=]+(?=$|=)", word)) else ""


def respelled(word: str, flags: Container[str], aliases: Mapping[str, str]) -> str:
    """A word with the flag in it as zoo spells it: underscores are dashes, aliases the flags they stand for."""
    flag = flag_of(word)
    if flag in flags:
        return word
    own = flag.replace("_", "-")
    own = aliases.get(own, own)
    return own + word[len(flag) :] if own in flags else word


def unknown_flag(words: Iterable[str], flags: Container[str]) -> str:
    """The first long flag that a command does not have; empty where there is none.

    As argparse reads them: after `--` there are no flags, and what has a blank is a value.
    """
    for word in words:
        if word == "--":
            return ""
        if (flag := flag_of(word)) and flag not in flags and " " not in word:
            return flag
    return ""


def flag_of_other_tool(flag: str, flags: Container[str]) -> str:
    """The flag, or flag and value, that does something like a flag of other tools; empty where nothing does."""
    for own, others in _OTHER_TOOLS.items():
        if flag.replace("_", "-") in others and own.partition(" ")[0] in flags:
            return own
    return ""
