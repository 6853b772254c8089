"""The options every model that the engine trains understands; a plugin extends these sets with its own."""

from __future__ import annotations

from typing import Annotated, Literal

from zoo.errors import OptionInvalid
from zoo.options import Options, option
from zoo.privacy import check_private_options, read_privacy, unit_column

Seed = Annotated[int, option("Seed of everything random.", ge=0, lt=2**32, advanced=True)]
EvalShare = Annotated[
    float, option("Share of the rows held out for evaluation where no evaluation data is given.", ge=0, le=0.5)
]
MaxRejected = Annotated[
    float, option("The run fails when more than this share of the rows cannot be used.", ge=0, le=1, advanced=True)
]


class DataOptions(Options, frozen=True, kw_only=True):
    """What the host needs to know to prepare the data of any training; a `fit` of one's own may need no more."""

    seed: Seed = 42
    eval_share: EvalShare = 0.1
    max_rejected: MaxRejected = 0.1


class TrainingOptions(Options, frozen=True, kw_only=True):
    """What the engine needs to know, whatever it trains; None (auto) leaves a choice to the size of the data."""

    with_task_options = True

    epochs: Annotated[
        float | None,
        option(
            "Passes over the training data.",
            gt=0,
            le=10_000,
            unit="epochs",
            aliases=("num_epochs", "num_train_epochs"),
        ),
    ] = None
    max_steps: Annotated[
        int | None, option("Stop after this many optimizer steps.", ge=1, unit="steps", advanced=True)
    ] = None
    batch_size: Annotated[
        int | None, option("Examples per optimizer step, over all processes.", ge=1, le=65_536, unit="examples")
    ] = None
    micro_batch_size: Annotated[
        int | None,
        option(
            "Examples computed at once; smaller needs less memory, the result stays the same.",
            ge=1,
            unit="examples",
            advanced=True,
        ),
    ] = None
    activation_checkpointing: Annotated[
        bool,
        option(
            "Keep only the inputs of layers until their gradients are computed, and compute the rest again: less "
            "memory for more time, the result stays the same (Chen et al. 2016).",
            aliases=("gradient_checkpointing",),
            advanced=True,
        ),
    ] = False
    lr: Annotated[float | None, option("Peak learning rate.", gt=0, le=10, aliases=("learning_rate",))] = None
    weight_decay: Annotated[float, option("Decoupled weight decay of AdamW.", ge=0, le=1, advanced=True)] = 0.01
    warmup: Annotated[
        float,
        option(
            "Share of the steps over which the learning rate rises.",
            ge=0,
            lt=1,
            aliases=("warmup_ratio",),
            advanced=True,
        ),
    ] = 0.1
    schedule: Annotated[
        Literal["linear", "cosine", "constant"],
        option(
            "How the learning rate falls after the warm-up.",
            aliases=("lr_scheduler_type", "lr_schedule"),
            advanced=True,
        ),
    ] = "linear"
    max_grad_norm: Annotated[
        float, option("Gradients longer than this are scaled down; 0 turns it off.", ge=0, advanced=True)
    ] = 1.0
    seed: Seed = 42
    eval_share: EvalShare = 0.1
    eval_steps: Annotated[
        int | None,
        option("Optimizer steps between evaluations; auto is once an epoch.", ge=1, unit="steps", advanced=True),
    ] = None
    patience: Annotated[
        int | None,
        option(
            "Stop after this many evaluations without a better result; auto never stops early.",
            ge=1,
            aliases=("early_stopping_patience",),
            advanced=True,
        ),
    ] = None
    save_steps: Annotated[
        int | None,
        option("Optimizer steps between checkpoints; auto is about one a minute.", ge=1, unit="steps", advanced=True),
    ] = None
    max_rejected: MaxRejected = 0.1
    compile: Annotated[
        bool,
        option("Record steps and replay them, on a CUDA device where a trial shows that it is faster.", advanced=True),
    ] = True

    def check(self) -> None:
        """No more is computed at once than a batch holds, unless it is one of people, who have several examples."""
        if unit_column(self) or not self.batch_size or not self.micro_batch_size:
            return
        if self.micro_batch_size > self.batch_size:
            raise OptionInvalid(
                f"--micro-batch-size is {self.micro_batch_size}, more than a batch of {self.batch_size} holds",
                "make it smaller, or --batch-size larger",
            )


class FinetuneOptions(TrainingOptions, frozen=True, kw_only=True):
    """Options of fine-tuning on labelled data."""

    method: Annotated[
        Literal["full", "head", "lora"] | None,
        option(
            "What is trained: all, the new head, or low-rank adapters (Hu et al. 2021) and the head; auto is full, "
            "privately lora, with clients head."
        ),
    ] = None
    lora_rank: Annotated[int, option("Rank of the LoRA matrices.", ge=1, le=1024, advanced=True)] = 8
    lora_alpha: Annotated[float, option("LoRA scaling; the update is scaled by alpha / rank.", gt=0, advanced=True)] = (
        16.0
    )

    folds: Annotated[
        int,
        option(
            "Also train this many models, each without one part of the rows, and judge every row by the one that has "
            "not seen it: for small data. 0 trains none.",
            ge=0,
            le=100,
            advanced=True,
        ),
    ] = 0

    private: Annotated[
        str,
        option(
            "Tell little of any row, and of any client of zoo federate, by differential privacy with a budget: eps=8 "
            "or eps=8,delta=1e-5,clip=0.1.",
            advanced=True,
        ),
    ] = ""
    unit: Annotated[
        str,
        option(
            "The column that says whose a row is: --private protects each of them with all rows. `row` says that each "
            "row is somebody else's.",
            advanced=True,
        ),
    ] = ""

    def check(self) -> None:
        """A budget can be read, and nothing else is asked for that would tell of rows."""
        super().check()
        if self.folds == 1:
            raise OptionInvalid("--folds is 1, but a fold is judged by what the others teach", "2 or more, mostly 5")
        if read_privacy(self.private) and self.folds:
            raise OptionInvalid(
                "--folds learns from every row several times, and --private counts one training",
                "leave one of them out",
            )
        if read_privacy(self.private):
            check_private_options(self)
        elif self.unit:
            raise OptionInvalid("--unit says whom --private protects, and there is no --private", "add --private eps=8")


class PretrainOptions(TrainingOptions, frozen=True, kw_only=True):
    """Options of pretraining on unlabelled data."""


class MixingOptions(Options, frozen=True, kw_only=True):
    """How several sources become one run."""

    sampling: Annotated[
        Literal["temperature", "proportional", "equal", "annealed"],
        option(
            "How much each source is learnt: by its rows to the power 1 / temperature, by its rows, the same, or from "
            "the second to the third in the course of the run (Stickland and Murray 2019)."
        ),
    ] = "temperature"
    sampling_temperature: Annotated[
        float, option("1 goes by the rows of the sources, more evens them out.", ge=1, le=100, advanced=True)
    ] = 2.0
    mixing: Annotated[
        Literal["turns", "together"],
        option("Whether a step learns from one source after the other, or from all of them.", advanced=True),
    ] = "turns"
    weighting: Annotated[
        Literal["fixed", "uncertainty"],
        option(
            "Whether the losses keep the weights they are given, or find them (Kendall et al. 2018).", advanced=True
        ),
    ] = "fixed"
    baseline: Annotated[
        bool,
        option(
            "Also learn from each source alone, as many steps as it gets, and report what sharing bought or cost it."
        ),
    ] = False
    baseline_scratch: Annotated[
        bool,
        option(
            "Also learn from each source alone from random numbers, beside --baseline, and report what pretraining "
            "bought it.",
            advanced=True,
        ),
    ] = False
    best_by: Annotated[
        str,
        option(
            "A source: its evaluations alone decide which weights are the best, and when --patience ends the run; auto "
            "is the mean of the ranks over all.",
            advanced=True,
        ),
    ] = ""
    keep_best_of: Annotated[
        str,
        option(
            "Sources, commas between: where one does best at another step than all do, its head and the body of that "
            "step are kept, too, as RUN.NAME-best.",
            advanced=True,
        ),
    ] = ""

    @property
    def kept_sources(self) -> tuple[str, ...]:
        """The sources whose own best is kept."""
        return tuple(filter(None, map(str.strip, self.keep_best_of.split(","))))

    def check(self) -> None:
        """A mixed batch has a fixed part of each source."""
        if self.sampling == "annealed" and self.mixing == "together":
            raise OptionInvalid(
                "--sampling annealed changes the shares from step to step, and --mixing together keeps them",
                "use --mixing turns, or another --sampling",
            )


class TeachingOptions(Options, frozen=True, kw_only=True):
    """How a model learns from the answers of another one (Hinton et al. 2015, arXiv:1503.02531)."""

    teacher_share: Annotated[
        float | None,
        option(
            "Of the teacher's answers in the loss, beside the targets of the data; auto is 0.5, and 1 where the data "
            "have none.",
            gt=0,
            le=1,
            advanced=True,
        ),
    ] = None
    teacher_temperature: Annotated[
        float,
        option(
            "Divides the scores of teacher and model before they are compared: more says more of what is unlikely.",
            gt=0,
            le=100,
            advanced=True,
        ),
    ] = 2.0


class FederationOptions(Options, frozen=True, kw_only=True):
    """How clients that keep their data learn one model (McMahan et al. 2017, arXiv:1602.05629)."""

    rounds: Annotated[
        int, option("How often clients train and their weights are averaged.", ge=1, le=100_000, unit="rounds")
    ] = 10
    share: Annotated[
        float, option("Of the clients, drawn anew for each round; one at least but for --private.", gt=0, le=1)
    ] = 1.0
    local_epochs: Annotated[
        float, option("Passes of a client over its own rows in a round.", gt=0, le=1_000, unit="epochs")
    ] = 1.0
    strategy: Annotated[
        Literal["fedavg", "fedprox"],
        option("Whether clients train as they like, or are pulled back to where they began (Li et al. 2020)."),
    ] = "fedavg"
    mu: Annotated[
        float | None,
        option("How hard --strategy fedprox pulls: of half the squared distance in the loss.", gt=0, le=1_000),
    ] = None
    baseline: Annotated[
        bool,
        option(
            "Also train on all rows in one place, as many examples as all clients see, and on those of each client "
            "alone, and report what federating bought or cost."
        ),
    ] = False

    def check(self) -> None:
        """A pull has a strength, and nothing but a pull has one."""
        if self.strategy == "fedprox" and self.mu is None:
            raise OptionInvalid("--strategy fedprox needs --mu, which says how hard it pulls", "such as --mu 0.01")
        if self.strategy == "fedavg" and self.mu is not None:
            raise OptionInvalid("--mu is of --strategy fedprox, and fedavg pulls at nothing", "leave it out")


USUAL_MIXING = MixingOptions()
"""Where nothing else is asked for."""
