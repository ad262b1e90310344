"""Writes the fixtures of the transformers: the results of plain PyTorch.

    python3 tools/parity/make_transformer_fixtures.py models

It writes models/rgb/testdata/{video_vit,timesformer,video_vit_small_keys}.json and
models/speech/testdata/whisper.json, which models/testing/parity reads. See fixture.py.
"""

import json
import pathlib
import sys

import torch
from torch.nn import functional

import reference_models
import reference_transformers
from fixture import CLASSES, SMOOTHING, both_modes, classification_case
from formula import inputs_of
from stage_taps import timesformer_taps, video_vit_taps, whisper_taps

# Speech: two sentences of up to seven tokens from a vocabulary of 40. Token 39 starts and pads.
SPEECH_LABELS = [[3, 17, 2, 9, 30, 38, -100], [5, 38, -100, -100, -100, -100, -100]]
SPEECH_PAD = 39


def whisper():
    return reference_transformers.Whisper(
        dim=24, heads=3, encoder_layers=2, decoder_layers=2, mels=6, vocabulary=40, audio=11, text=9, pad=SPEECH_PAD)


def speech_loss(model, inputs):
    states = []
    hook = model.model.decoder.layer_norm.register_forward_hook(lambda _, __, out: states.append(out))
    logits = model(*inputs)
    hook.remove()
    loss = functional.cross_entropy(logits.flatten(0, 1), torch.tensor(SPEECH_LABELS).flatten(),
                                    ignore_index=-100, label_smoothing=SMOOTHING)
    return loss, states


def speech_case():
    labels = torch.tensor(SPEECH_LABELS)
    tokens = torch.full_like(labels, SPEECH_PAD)
    tokens[:, 1:] = labels[:, :-1]
    tokens[tokens == -100] = SPEECH_PAD
    shapes = [[2, 6, 20]]
    case = {"inputs": shapes, "integer_inputs": [tokens.tolist()], "labels": SPEECH_LABELS,
            "label_smoothing": SMOOTHING}
    return case | both_modes(whisper, inputs_of(shapes) + [tokens], speech_loss, whisper_taps)


def video_case(make, taps):
    return classification_case(make, lambda model, inputs: [model(*inputs)], taps, [[3, 3, 4, 32, 32]])


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    small = (CLASSES, 4, 32, 24, 3, 2)
    for path, case in (("rgb/testdata/video_vit.json",
                        video_case(lambda: reference_models.VideoMae(*small), video_vit_taps)),
                       ("rgb/testdata/timesformer.json",
                        video_case(lambda: reference_transformers.Timesformer(*small), timesformer_taps)),
                       ("speech/testdata/whisper.json", speech_case())):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(case, indent=0) + "\n")
    small = reference_models.VideoMae(400, 16, 112, dim=384, heads=6, layers=12)
    (folder / "rgb/testdata/video_vit_small_keys.json").write_text(
        json.dumps({key: list(t.shape) for key, t in small.state_dict().items()}, indent=0) + "\n")


if __name__ == "__main__":
    main()
