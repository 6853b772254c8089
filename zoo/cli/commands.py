"""The commands: one file each, imported only when it is the one that was typed."""

from __future__ import annotations

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "start here": {
        "quickstart": ("zoo.cli.quickstart", "the whole journey on real data, in a few minutes"),
        "serve": ("zoo.cli.serve", "show the terminal UI in a browser (zoo alone opens it here)"),
        "doctor": ("zoo.cli.doctor", "look for what is wrong here, and say how to mend it"),
        "config": ("zoo.cli.config", "show and change defaults: device, precision, folder, theme"),
        "completion": ("zoo.cli.completion", "print what lets a shell complete commands, models and runs"),
    },
    "models": {
        "ls": ("zoo.cli.ls", "list the models"),
        "show": ("zoo.cli.show", "show one model: figures, sources, options"),
        "search": ("zoo.cli.search", "find models on the Hugging Face Hub"),
        "pull": ("zoo.cli.pull", "bring a model's weights to this machine"),
        "alias": ("zoo.cli.alias", "call a model by another name, such as sentiment"),
        "cache": ("zoo.cli.cache", "weights on this machine: list, verify, delete"),
        "plugins": ("zoo.cli.plugins", "list the plugins and what is wrong with them"),
        "install": ("zoo.cli.install", "install a plugin"),
        "uninstall": ("zoo.cli.uninstall", "take a plugin out"),
        "tasks": ("zoo.cli.tasks", "list the tasks: what goes in, which columns, what comes out"),
        "devices": ("zoo.cli.devices", "show what can compute here"),
    },
    "work": {
        "data": ("zoo.cli.data", "look at a data set before training on it"),
        "pick": ("zoo.cli.pick", "pick the model that does best on labelled data"),
        "finetune": ("zoo.cli.finetune", "train a model on labelled data"),
        "sweep": ("zoo.cli.sweep", "try a fine-tuning with many settings, and take the best"),
        "pretrain": ("zoo.cli.pretrain", "train a model on unlabelled data"),
        "plan": ("zoo.cli.plan", "say what a training takes: memory, time, disk"),
        "federate": ("zoo.cli.federate", "train a model on the data of several clients that keep it"),
        "evaluate": ("zoo.cli.evaluate", "judge a model on labelled data"),
        "audit": ("zoo.cli.audit", "look whether a model gives away the rows that it learnt from"),
        "compare": ("zoo.cli.compare", "hold runs and models against one another"),
        "predict": ("zoo.cli.predict", "let a model answer"),
        "shrink": ("zoo.cli.shrink", "make a model smaller that answers as well"),
    },
    "runs": {
        "ps": ("zoo.cli.ps", "list the runs that are going on"),
        "runs": ("zoo.cli.runs", "list all runs"),
        "attach": ("zoo.cli.attach", "watch a run"),
        "logs": ("zoo.cli.logs", "show what happened in a run"),
        "report": ("zoo.cli.report", "write all that is known of a run as one page of HTML"),
        "why": ("zoo.cli.why", "say what went wrong with a run, and what to do"),
        "stop": ("zoo.cli.stop", "stop a run; it writes a checkpoint first"),
        "resume": ("zoo.cli.resume", "go on with a run from its last checkpoint"),
        "replay": ("zoo.cli.replay", "do a run again, and say whether the same bits come out"),
        "export": ("zoo.cli.export", "write a result for other libraries, or a run for another machine"),
        "places": ("zoo.cli.places", "list the places where runs compute, and check them"),
        "rename": ("zoo.cli.rename", "call a run and its model by another name"),
        "rm": ("zoo.cli.rm", "delete runs and their results"),
    },
}

COMMANDS: dict[str, tuple[str, str]] = {name: entry for group in GROUPS.values() for name, entry in group.items()}
"""Name to module and one line of help."""

_TRAIN = "zoo finetune trains on labelled data, zoo pretrain on unlabelled data"
OTHER_NAMES: dict[str, str] = {
    "train": _TRAIN,
    "fit": _TRAIN,
    "inspect": "zoo data inspect looks at a data set, zoo show at a model",
    "new": "zoo plugins new writes a plugin to begin with",
    "guide": "the pages for authors of plugins are printed by: zoo plugins guide",
    "prune": "zoo cache prune deletes weights that were not used for long",
    "verify": "zoo cache verify checks weights on this machine",
    "help": "zoo --help lists the commands; zoo COMMAND --help tells more of one",
    "version": "zoo --version",
    "tui": "zoo alone opens the terminal UI",
    "ui": "zoo alone opens the terminal UI",
    **{
        other: f"did you mean zoo {name}? ({COMMANDS[name][1]})"
        for name, others in {
            "ls": ("list", "models"),
            "show": ("info", "card", "describe"),
            "pull": ("download", "get", "fetch"),
            "plugins": ("plugin",),
            "finetune": ("tune", "fine-tune", "fine_tune"),
            "pretrain": ("pre-train",),
            "sweep": ("search-space", "hyperparameters", "hpo", "tune-hyperparameters", "grid", "grid-search"),
            "plan": ("estimate", "dry-run", "cost"),
            "federate": ("federated", "fedavg"),
            "evaluate": ("eval", "test", "judge", "score"),
            "audit": ("attack", "mia", "membership"),
            "compare": ("diff", "versus", "vs"),
            "shrink": ("compress", "quantize", "quantise", "prune"),
            "pick": ("choose", "select", "rank", "automl", "benchmark"),
            "predict": ("infer", "inference", "classify", "run", "ask", "embed"),
            "runs": ("jobs", "history", "experiments"),
            "attach": ("watch", "follow"),
            "report": ("html", "summary", "page"),
            "why": ("diagnose", "explain", "postmortem"),
            "stop": ("kill", "cancel", "abort"),
            "replay": ("rerun", "repeat", "again", "reproduce"),
            "resume": ("continue", "restart"),
            "places": ("clusters", "cluster", "hosts", "slurm"),
            "export": ("convert", "save"),
            "rename": ("mv", "move"),
            "rm": ("delete", "remove", "del"),
            "config": ("settings", "set", "configure", "preferences"),
            "doctor": ("check", "diagnose", "env", "status"),
        }.items()
        for other in others
    },
}
"""What other tools call something like a command, to what is said of it."""
