"""Compares the plain PyTorch transformers of this folder with Hugging Face's own classes.

    $(tools/parity/setup_transformers.sh) tools/parity/check_hugging_face.py [--keys FOLDER]

It copies random weights of small configurations by name. Keys and shapes must be equal, and
logits, loss and every gradient in float64 must agree within 1e-12. Then it compares keys and
parameter counts of the published sizes, from shapes only (meta device). Exit status 1: a check failed.
"""

import argparse
import json
import pathlib
import sys

import torch
from torch.nn import functional
import transformers

import reference_models
import reference_transformers
from formula import value
from reference_run import published

TOLERANCE = 1e-12
FAILURES = []

# d, heads, encoder layers, decoder layers, mels, vocabulary -> parameters
WHISPERS = {
    "whisper_tiny": ((384, 6, 4, 4, 80, 51865), 37760640),
    "whisper_base": ((512, 8, 6, 6, 80, 51865), 72593920),
    "whisper_small": ((768, 12, 12, 12, 80, 51865), 241734912),
    "whisper_medium": ((1024, 16, 24, 24, 80, 51865), 763857920),
    "whisper_large_v2": ((1280, 20, 32, 32, 80, 51865), 1543304960),
    "whisper_large_v3": ((1280, 20, 32, 32, 128, 51866), 1543490560),
    "whisper_turbo": ((1280, 20, 32, 4, 128, 51866), 808878080),
}


def is_left_out(key):
    """True for the second name of Whisper's embedding, and for VideoMAE's biases of keys: softmax ignores those."""
    return key == "proj_out.weight" or key.endswith(".attention.attention.key.bias")


def expect(condition, what):
    print(("ok    " if condition else "WRONG ") + what)
    if not condition:
        FAILURES.append(what)


def move_weights(name, theirs, ours):
    """Gives theirs random weights and copies them by name into ours. Keys and shapes must agree."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64) * 0.2)
    state = {published(key): tensor for key, tensor in theirs.state_dict().items()
             if not is_left_out(key)}
    expect({k: v.shape for k, v in state.items()} == {k: v.shape for k, v in ours.state_dict().items()},
           f"{name}: keys and shapes")
    ours.load_state_dict(state)


def compare(name, theirs, ours, their_logits, our_logits, labels):
    expect((their_logits - our_logits).abs().max().item() < TOLERANCE, f"{name}: logits")
    for logits in (their_logits, our_logits):
        functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=-100).backward()
    theirs = {published(key): p.grad for key, p in theirs.named_parameters()
              if p.grad is not None and not is_left_out(key)}
    ours = {key: p.grad for key, p in ours.named_parameters() if p.grad is not None}
    expect(theirs.keys() == ours.keys(), f"{name}: which parameters have a gradient")
    worst = max(((theirs[key] - grad).norm() / theirs[key].norm().clamp_min(1e-3)).item()
                for key, grad in ours.items() if key in theirs)
    expect(worst < TOLERANCE, f"{name}: gradients, worst relative distance {worst:.1e}")


def check_video():
    clips, labels = value("clips", (2, 3, 4, 32, 32)), torch.tensor([3, 0])
    shape = {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 2, "intermediate_size": 96,
             "image_size": 32, "num_frames": 4, "num_labels": 5}
    for name, theirs, ours in (
            ("video_vit",
             transformers.VideoMAEForVideoClassification(transformers.VideoMAEConfig(**shape)),
             reference_models.VideoMae(5, 4, 32, 24, 3, 2)),
            ("timesformer",
             transformers.TimesformerForVideoClassification(transformers.TimesformerConfig(patch_size=16, **shape)),
             reference_transformers.Timesformer(5, 4, 32, 24, 3, 2))):
        theirs, ours = theirs.double().train(), ours.double()
        move_weights(name, theirs, ours)
        compare(name, theirs, ours, theirs(clips.transpose(1, 2)).logits, ours(clips), labels)


def whisper_config(dim, heads, encoder, decoder, mels, vocabulary, **more):
    return transformers.WhisperConfig(
        d_model=dim, encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_layers=encoder,
        decoder_layers=decoder, encoder_ffn_dim=4 * dim, decoder_ffn_dim=4 * dim, num_mel_bins=mels,
        vocab_size=vocabulary, pad_token_id=more.pop("pad_token_id", 50257), **more)


def check_whisper():
    config = whisper_config(24, 3, 2, 2, 6, 40, max_source_positions=10, max_target_positions=9, pad_token_id=39,
                            bos_token_id=38, eos_token_id=38, decoder_start_token_id=39)
    theirs = transformers.WhisperForConditionalGeneration(config).double().train()
    ours = reference_transformers.Whisper(24, 3, 2, 2, 6, 40, 10, 9, 39).double()
    move_weights("whisper", theirs, ours)
    mel = value("mel", (2, 6, 20))
    labels = torch.tensor([[3, 17, 2, 9, 38], [5, 38, -100, -100, -100]])
    tokens = torch.tensor([[39, 3, 17, 2, 9], [39, 5, 38, 39, 39]])
    their_logits = theirs(input_features=mel, labels=labels).logits
    compare("whisper", theirs, ours, their_logits, ours(mel, tokens), labels)


def shapes(model):
    return {published(key): list(t.shape) for key, t in model.state_dict().items() if not is_left_out(key)}


def digest(keys):
    """A short hash of keys and shapes: FNV-1a of the sorted lines `key d0 d1 ...`."""
    state = 0xCBF29CE484222325
    for line in sorted(f"{key} {' '.join(map(str, sizes))}\n" for key, sizes in keys.items()):
        for byte in line.encode():
            state = ((state ^ byte) * 0x100000001B3) % 2**64
    return f"{state:016x}"


def check_published(folder):
    recorded = {}
    with torch.device("meta"):
        for name, (numbers, count) in WHISPERS.items():
            theirs = transformers.WhisperForConditionalGeneration(whisper_config(*numbers))
            expect(sum(p.numel() for p in theirs.parameters()) == count, f"{name}: {count} parameters")
            recorded[name] = (count, shapes(theirs))
        for name, theirs, count in (
                ("video_vit_base", transformers.VideoMAEForVideoClassification(
                    transformers.VideoMAEConfig(num_labels=400)), 86534800),
                ("timesformer_base", transformers.TimesformerForVideoClassification(
                    transformers.TimesformerConfig(num_labels=400)), 121566352)):
            got = sum(p.numel() for key, p in theirs.named_parameters() if not is_left_out(key))
            expect(got == count, f"{name}: {count} parameters, got {got}")
            recorded[name] = (got, shapes(theirs))
    if folder:
        table = {name: {"parameters": count, "keys": len(keys), "digest": digest(keys)}
                 for name, (count, keys) in recorded.items()}
        path = pathlib.Path(folder) / "published_transformers.json"
        path.write_text(json.dumps(table, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", help="folder for published_transformers.json")
    check_video()
    check_whisper()
    check_published(parser.parse_args().keys)
    sys.exit(1 if FAILURES else 0)


if __name__ == "__main__":
    main()
