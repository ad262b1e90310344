"""Writes the fixtures of the transformers: what plain PyTorch computes in float64.

    python3 tools/parity/make_transformer_fixtures.py models

writes models/rgb/testdata/{video_vit,timesformer,video_vit_small_keys}.json and models/speech/testdata/whisper.json,
read by models/testing/parity. Weights, inputs and the audio positions follow a formula of
their key (`value`), so the files hold results only: activations, gradients and weights
after three steps as L2 norm and projection, logits and losses in full.
"""

import json
import pathlib
import sys

import torch
from torch.nn import functional

import reference_models
import reference_transformers
from formula import CLASS_WEIGHTS, CLASSES, LABELS, SMOOTHING, randomise, summary, value

LR, MOMENTUM = 0.02, 0.9

# Speech: two sentences of up to seven tokens out of 40; 39 starts and pads.
SPEECH_LABELS = [[3, 17, 2, 9, 30, 38, -100], [5, 38, -100, -100, -100, -100, -100]]
SPEECH_PAD = 39


def record(model, inputs, loss_of, stages, training):
    """stages: stage name of SlimReel -> (submodule whose output is a slot of that stage, the slot)."""
    randomise(model)
    model.train(training)
    activations = {}

    def recorder(name, slot):
        def hook(_, __, out):
            activations[name] = summary(name, out.clone()) + [slot]
        return hook

    hooks = [module.register_forward_hook(recorder(name, slot)) for name, (module, slot) in stages.items()]
    loss, last = loss_of(model, inputs)
    for hook in hooks:
        hook.remove()
    model.zero_grad()
    loss.backward()
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    result = {
        "logits": [last.flatten().tolist()],
        "loss": loss.item(),
        "activations": activations,
        "gradients": {key: summary(key, p.grad) for key, p in trained.items()},
        "buffers_after": {key: summary(key, p) for key, p in model.named_parameters() if not p.requires_grad},
    }
    if training:
        optimizer = torch.optim.SGD(trained.values(), LR, MOMENTUM)
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss, _ = loss_of(model, inputs)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        result["losses"] = losses
        result["weights"] = {key: summary(key, p) for key, p in trained.items()}
    return result


def classification_loss(model, inputs):
    logits = model(*inputs)
    return functional.cross_entropy(
        logits, torch.tensor(LABELS), weight=torch.tensor(CLASS_WEIGHTS, dtype=torch.float64),
        ignore_index=-1, label_smoothing=SMOOTHING), logits


def video_vit():
    model = reference_models.VideoMae(CLASSES, 4, 32, dim=24, heads=3, layers=2).double()
    stages = {f"layer.{i}.mlp": (layer, 0) for i, layer in enumerate(model.videomae.encoder.layer)}
    stages["classifier"] = (model.classifier, 0)
    return model, stages


def timesformer():
    model = reference_transformers.Timesformer(CLASSES, 4, 32, dim=24, heads=3, layers=2).double()
    stages = {"embeddings": (model.embedded, 0), "classifier": (model.classifier, 0)}
    for i, layer in enumerate(model.timesformer.encoder.layer):
        stages[f"layer.{i}.temporal"] = (layer.temporal, 0)
        stages[f"layer.{i}.spatial"] = (layer.spatial, 0)
        stages[f"layer.{i}.mlp"] = (layer, 0)
    return model, stages


def classification_case(make):
    case = {"inputs": [[3, 3, 4, 32, 32]], "labels": LABELS, "class_weights": CLASS_WEIGHTS,
            "label_smoothing": SMOOTHING}
    inputs = [value("input", tuple(case["inputs"][0]))]
    for mode in ("train", "eval"):
        model, stages = make()
        case[mode] = record(model, inputs, classification_loss, stages, mode == "train")
    return case


def whisper():
    model = reference_transformers.Whisper(
        dim=24, heads=3, encoder_layers=2, decoder_layers=2, mels=6, vocabulary=40, audio=11, text=9,
        pad=SPEECH_PAD).double()
    encoder, decoder = model.model.encoder, model.model.decoder
    stages = {"encoder.embeddings": (model.heard, 0), "encoder.norm": (encoder.layer_norm, 0),
              "decoder.embeddings": (model.read, 0), "decoder.norm": (decoder.layer_norm, 0)}
    for i, layer in enumerate(encoder.layers):
        stages[f"encoder.{i}.attention"] = (layer.after_attention, 0)
        stages[f"encoder.{i}.mlp"] = (layer, 0)
    for i, layer in enumerate(decoder.layers):
        stages[f"decoder.{i}.attention"] = (layer.after_attention, 0)
        stages[f"decoder.{i}.cross_attention"] = (layer.after_cross, 0)
        stages[f"decoder.{i}.mlp"] = (layer, 0)
    return model, stages


def speech_loss(model, inputs):
    states = []
    hook = model.model.decoder.layer_norm.register_forward_hook(lambda _, __, out: states.append(out))
    logits = model(*inputs)
    hook.remove()
    loss = functional.cross_entropy(logits.flatten(0, 1), torch.tensor(SPEECH_LABELS).flatten(),
                                    ignore_index=-100, label_smoothing=SMOOTHING)
    return loss, states[0]


def speech_case():
    labels = torch.tensor(SPEECH_LABELS)
    tokens = torch.full_like(labels, SPEECH_PAD)
    tokens[:, 1:] = labels[:, :-1]
    tokens[tokens == -100] = SPEECH_PAD
    case = {"inputs": [[2, 6, 20]], "integer_inputs": [tokens.tolist()], "labels": SPEECH_LABELS,
            "label_smoothing": SMOOTHING}
    inputs = [value("input", (2, 6, 20)), tokens]
    for mode in ("train", "eval"):
        model, stages = whisper()
        case[mode] = record(model, inputs, speech_loss, stages, mode == "train")
    return case


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    for path, case in (("rgb/testdata/video_vit.json", classification_case(video_vit)),
                       ("rgb/testdata/timesformer.json", classification_case(timesformer)),
                       ("speech/testdata/whisper.json", speech_case())):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(case, indent=0) + "\n")
    small = reference_models.VideoMae(400, 16, 112, dim=384, heads=6, layers=12)
    (folder / "rgb/testdata/video_vit_small_keys.json").write_text(
        json.dumps({key: list(t.shape) for key, t in small.state_dict().items()}, indent=0) + "\n")


if __name__ == "__main__":
    main()
