"""Deep Speech beside torchaudio's, where that is in reach.

    uv pip install --no-deps --target FOLDER torchaudio
    PYTHONPATH=FOLDER uv run pytest plugins/zoo-speech/tests/test_torchaudio.py

The one file is read that has the network: the package itself refuses to be imported beside another version of torch.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from zoo_speech.deepspeech import DeepSpeech

LAYERS = {"fc1": "layers.0", "fc2": "layers.1", "fc3": "layers.2", "fc4": "last"}


def test_deepspeech_is_that_of_torchaudio() -> None:
    package = find_spec("torchaudio")
    if package is None or package.origin is None:
        pytest.skip("torchaudio is not installed")
    specification = spec_from_file_location("peer", Path(package.origin).parent / "models" / "deepspeech.py")
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    torch.manual_seed(0)
    ours, head = DeepSpeech(bands=8, context=0, width=16, dropout=0.0).eval(), torch.nn.Linear(16, 5)
    peer = module.DeepSpeech(n_feature=8, n_hidden=16, n_class=5).eval()
    for theirs, layer in LAYERS.items():
        getattr(peer, theirs).fc.load_state_dict(ours.get_submodule(layer).state_dict())
    peer.bi_rnn.load_state_dict(ours.recurrent.state_dict())
    peer.out.load_state_dict(head.state_dict())
    spectra = torch.randn(3, 20, 8)

    with torch.inference_mode():
        logits = head(ours(spectra, torch.full((3,), 20)))
        expected = peer(spectra[:, None])

    torch.testing.assert_close(logits.log_softmax(-1), expected)
