"""Fine-tuning Whisper: transcripts are learnt token by token, each from the recording and the true tokens before it.

Whisper writes segments, each between two times, and long recordings are heard by them. Transcripts of data have no
times, so none is taught, and none is forgotten: inside of a text the next token is told from all others but times; at
its end some time has to come, whichever it be; after that, the token that ends texts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from zoo import Example, OptionInvalid, Rejected, TranscriptMetrics
from zoo.training import Batch, Objective, Output
from zoo.training.audio import SEEN, normalized
from zoo.training.audio.augmentation import masked
from zoo.training.audio.store import RecordingStore
from zoo.training.media_store import THREADS
from zoo.training.pretrained import read_json
from zoo_speech.whisper_cards import FILES
from zoo_speech.whisper_features import FRAMES, SAMPLING_RATE, STEP, MelBands, filled_up
from zoo_speech.whisper_folder import model_folder
from zoo_speech.whisper_module import CachedDecoder, TrainableWhisper, load_network
from zoo_speech.whisper_readme import README
from zoo_speech.whisper_tokens import FRAMES_A_TIME, NORMALIZER, WhisperTokens
from zoo_speech.whisper_writing import write

if TYPE_CHECKING:
    from zoo import TrainingRun

IDS, LABELS, LEARNT, ENCODED, REFERENCES = "ids", "labels", "learnt", "encoded", "references"
"""Entries of a batch beside `seen`: what the decoder reads, what comes after each token of it, where that is learnt,
what the encoder makes of windows, in the place of these, and the code points of transcripts as they are judged."""
NOTHING = -1
"""Fills up tokens that were written."""
RATES = {384: 3.75e-5, 512: 2.5e-5, 768: 1.25e-5, 1024: 6.25e-6, 1280: 4.375e-6}
"""Peak learning rates by the width of the network: a fortieth of those that it was pretrained with (Radford et al.
2022, table 18), as its authors advise."""
LORA_LR = 1e-3
UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")
"""Languages whose words are not apart: texts of all others begin with a blank, as Whisper's authors have them."""
MOST_SCORES = 2**26
"""Scores of the vocabulary that a micro-batch has room for: 256 MB in float32."""
MOST_UNITS = 2**14
"""Windows computed at once in training, times width and layers of the encoder: some gigabytes."""
MOST_JUDGED_UNITS, MOST_ON_CARDS = 2**15, 2**18
"""The same where nothing is learnt of them: half a gigabyte and a few seconds, and more on devices with a memory of
their own; where there is less room, fewer are tried."""
MOST_WINDOWS = 32
"""Computed at once in any case."""


class TranscribedRecording(NamedTuple):
    """A recording of the store and the text that is learnt of it."""

    number: int
    """Among those of the store."""
    ids: list[int]
    """All tokens, from the first of the prompt to the one that ends texts."""
    reference: str
    """The transcript as the data have it."""


class SpeechToText(Objective[TranscribedRecording]):
    """Cross entropy of the tokens of transcripts, given those before; a recording weighs as much as it has tokens.

    The head is the decoder: where it learns alone, each recording is encoded once.

    Args:
        run: its options are `WhisperFinetuneOptions`.

    Raises:
        OptionInvalid: what is spoken is not known.
    """

    module: TrainableWhisper
    auto_steps = 60
    writes_to_be_judged = True
    collate_threads = THREADS
    lora_targets = ("q_proj", "v_proj")
    layout = (("network.", ""),)

    def __init__(self, run: TrainingRun) -> None:
        self._run, self._folder = run, model_folder(run)
        options: Any = run.options
        self._tokens = WhisperTokens(self._folder)
        self._tokens.tokenizer.encode_special_tokens = True  # in a transcript they are words
        self._language_id = self._tokens.language_id(options.language, run.card.name)
        if self._tokens.languages and self._language_id is None:
            raise OptionInvalid(
                f"{run.card.name} writes {len(self._tokens.languages)} languages; nothing says which is spoken here",
                "--language takes a code of ISO 639-1, such as de",
            )
        self._prompt = self._tokens.prompt(self._language_id)
        self._normalizer: str = options.normalizer or self._tokens.normalizer
        self.module = TrainableWhisper(load_network(self._folder))
        config = self._config = self.module.network.config
        self.default_lr = RATES[min(RATES, key=lambda width: abs(width - config.d_model))]
        self.head_lr = self.default_lr if options.method == "head" else LORA_LR
        if options.method == "head":
            self.head = ("network.model.decoder", "network.proj_out")
        self._longest = 1
        self._recordings = RecordingStore(run, rate=SAMPLING_RATE, prepare=MelBands(config.num_mel_bins).heard)

    def features(self, examples: Sequence[Example]) -> list[TranscribedRecording | Rejected]:
        """Decode, and tokenise; what does not fit into a window is set aside."""
        numbers = self._recordings.add([example.input for example in examples])
        features = [
            number if isinstance(number, Rejected) else self._transcribed(number, example.target)
            for number, example in zip(numbers, examples, strict=True)
        ]
        self._longest = max(self._longest, *(len(one.ids) for one in features if not isinstance(one, Rejected)), 1)
        room = min(MOST_WINDOWS, MOST_SCORES // (self._config.vocab_size * self._longest))
        units = self._config.d_model * self._config.encoder_layers
        on_card = self._run.device.partition(":")[0] in ("cuda", "xpu")
        self.evaluation_batch_size = max(1, min(room, (MOST_ON_CARDS if on_card else MOST_JUDGED_UNITS) // units))
        self.micro_batch_size = max(1, room if self.head else min(room, MOST_UNITS // units))
        return features

    def _transcribed(self, number: int, transcript: str) -> TranscribedRecording | Rejected:
        tokens = self._tokens
        frames, bands = self._recordings.shape(number)
        if not bands:
            return Rejected(
                f"it lasts {frames * STEP / SAMPLING_RATE:.1f} s, and {FRAMES * STEP / SAMPLING_RATE:.0f} s are heard "
                "at once; cut it where somebody pauses, and its transcript with it"
            )
        text = normalized(transcript, self._normalizer or "none")
        if not text:
            return Rejected(f"the transcript {transcript!r} has no word that can be learnt")
        blank = "" if tokens.code(self._language_id) in UNSPACED else " "
        words = tokens.tokenizer.encode(blank + text, add_special_tokens=False).ids
        if odd := [one for one in words if one >= tokens.end]:
            mark = tokens.tokenizer.id_to_token(odd[0])
            return Rejected(f"the transcript has {mark}, which Whisper writes for something else than words")
        if len(words) + 2 > tokens.most_written:
            return Rejected(
                f"the transcript has {len(words):,} tokens, and {tokens.most_written - 2:,} can be written of one "
                "recording; cut both"
            )
        heard = min(FRAMES, frames)
        times = (tokens.first_time, tokens.first_time + -(-heard // FRAMES_A_TIME))
        return TranscribedRecording(number, [*self._prompt, times[0], *words, times[1], tokens.end], transcript)

    def length(self, features: TranscribedRecording) -> int:
        """Tokens: windows are equal."""
        return len(features.ids)

    def collate(self, features: Sequence[TranscribedRecording], seeds: Sequence[int], *, training: bool) -> Batch:
        """Windows and their texts.

        Returns:
            `seen` (batch, frames, bands), in training with bands left out where that is asked for; `ids`, `labels` and
            `learnt` (batch, tokens); else also `references` (batch, letters), code points filled up with 0.
        """
        recordings = [self._recordings[one.number] for one in features]
        if training and self._run.options.spec_augment:
            recordings = [masked(one, seed) for one, seed in zip(recordings, seeds, strict=True)]
        ids = [torch.tensor(one.ids) for one in features]
        # What comes after the first time is learnt: words, another time, the end.
        learnt = [torch.arange(len(one.ids) - 1) >= len(self._prompt) for one in features]
        batch = {
            SEEN: torch.stack([filled_up(one) for one in recordings]),
            IDS: _padded([one[:-1] for one in ids]),
            LABELS: _padded([one[1:] for one in ids]),
            LEARNT: _padded(learnt),
        }
        if not training:
            batch[REFERENCES] = _padded([torch.tensor([ord(one) for one in each.reference]) for each in features])
        return batch

    def reduced(self, module: nn.Module, batch: Batch) -> Batch | None:
        """The encoder's vectors; none where it sees other bands in every epoch."""
        if self._run.options.spec_augment:
            return None
        return {name: batch[name] for name in batch if name != SEEN} | {ENCODED: self.module.encoded(batch[SEEN])}

    def losses(self, module: nn.Module, batch: Batch) -> Output:
        """Mean cross entropy over the tokens of each text, in nats, shape (batch,); judged, it is written."""
        judged = not torch.is_grad_enabled()
        if judged and ENCODED not in batch:
            batch = batch | {ENCODED: self.module.encoded(batch[SEEN])}
        heard = ENCODED if ENCODED in batch else SEEN
        learnt = batch[LEARNT]
        scores: torch.Tensor = module(**{name: batch[name] for name in (IDS, LEARNT, heard)}).float()
        by_token = self._cross_entropy(scores, batch[LABELS][learnt])
        rows, counts = learnt.nonzero()[:, 0], learnt.sum(-1)
        losses = by_token.new_zeros(len(counts)).index_add(0, rows, by_token) / counts
        if not judged:
            return Output(losses, {}, weights=counts)
        figures = {
            "written": self._written(batch[ENCODED]),
            "last_time": batch[LABELS].amax(-1),  # of all tokens, times have the largest numbers
            "reference": batch[REFERENCES],
            "loss": losses,
            "tokens": counts,
        }
        return Output(losses, figures, weights=counts)

    def _cross_entropy(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Minus the log-probability of words among all but times, of any time, and of the end.

        Args:
            scores: shape (places, vocabulary).
            labels: shape (places,).
        """
        first_time = self._tokens.first_time
        words, times = scores[:, :first_time].logsumexp(-1), scores[:, first_time:].logsumexp(-1)
        is_time = labels >= first_time
        right = torch.where(is_time, times, scores.gather(1, labels[:, None])[:, 0])
        return torch.where(is_time | (labels == self._tokens.end), torch.logaddexp(words, times), words) - right

    def _written(self, encoded: torch.Tensor) -> torch.Tensor:
        """What the network writes of windows as it stands, shape (windows, tokens), filled up."""
        decoder = CachedDecoder(self.module, encoded)
        texts = write(decoder, self._tokens, decoder.begin(self._prompt), self._tokens.most_written)
        return _padded([torch.tensor(ids, dtype=torch.long) for ids in texts], NOTHING).to(encoded.device)

    def metrics(self) -> TranscriptMetrics:
        """Word error rate and character error rate, and mean loss of a token."""
        return TranscriptMetrics()

    def update_metrics(self, metrics: TranscriptMetrics, output: Output, count: int) -> None:
        """Compare what was written with what was said."""
        columns = [values[:count].tolist() for values in output.for_metrics.values()]
        compared_by = {"normalizer": self._normalizer} if self._normalizer else {}
        for written, last_time, reference, loss, weight in zip(*columns, strict=True):
            frames = (last_time - self._tokens.first_time) * FRAMES_A_TIME
            heard = self._tokens.text_within([one for one in written if one != NOTHING], frames)
            said = "".join(chr(one) for one in reference if one)
            metrics.update(said, heard, loss=loss, weight=weight, **compared_by)

    def export(self, module: nn.Module, folder: Path) -> None:
        """Write a folder that transformers loads, with the tokenizer and the rules of writing that it came with."""
        network: Any = module.get_submodule("network")
        if self._normalizer:
            network.config.update({NORMALIZER: self._normalizer})
        network.save_pretrained(folder)
        for name in FILES:
            if name != "config.json" and (self._folder / name).exists():
                shutil.copyfile(self._folder / name, folder / name)
        if self._language_id is not None:
            path = folder / "generation_config.json"
            code = self._tokens.code(self._language_id)
            rules = read_json(path) | {"language": code, "task": "transcribe"}
            path.write_text(json.dumps(rules, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(README, encoding="utf-8")


def _padded(rows: Sequence[torch.Tensor], value: float = 0) -> torch.Tensor:
    """One tensor of all, shape (rows, longest)."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=value)
