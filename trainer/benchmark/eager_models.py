"""PyTorch's side of the step benchmarks: for a model name of SlimReel, the module, a batch and the loss.

The modules are the published architectures in plain PyTorch (tools/parity/).
"""

import pathlib
import sys

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "parity"))
import conv_models  # noqa: E402
import reference_models  # noqa: E402
import reference_transformers  # noqa: E402

CLASSES = 60
HEATMAP = 56  # of PoseC3D; with two streams, heatmaps have a quarter of the image's side
VIDEO_VIT = {"video_vit_tiny": (192, 3, 12), "video_vit_small": (384, 6, 12), "video_vit_base": (768, 12, 12)}
WHISPER = {"whisper_tiny": (384, 6, 4, 4), "whisper_base": (512, 8, 6, 6), "whisper_small": (768, 12, 12, 12)}
AUDIO_FRAMES, MELS, VOCABULARY = 3000, 80, 51865


def build(name, frames, size):
    if name in VIDEO_VIT:
        return reference_models.VideoMae(CLASSES, frames, size, *VIDEO_VIT[name])
    if name == "timesformer_base":
        return reference_transformers.Timesformer(CLASSES, frames, size, 768, 12, 12)
    if name in WHISPER:
        return reference_transformers.Whisper(*WHISPER[name])
    return conv_models.build(name, CLASSES)


def batch_of(name, batch, frames, size):
    """Returns (inputs, labels). For speech models, `frames` is the number of tokens."""
    if name in WHISPER:
        tokens = torch.randint(VOCABULARY, (2, batch, frames))
        return (torch.randn(batch, MELS, AUDIO_FRAMES), tokens[0]), tokens[1]
    clips = torch.randn(batch, 3, frames, size, size)
    labels = torch.randint(CLASSES, (batch,))
    if name.startswith("posec3d"):
        return (torch.rand(batch, 17, frames, HEATMAP, HEATMAP),), labels
    if name == "rgbposeconv3d":
        return (clips, torch.rand(batch, 17, 4 * frames, size // 4, size // 4)), labels
    return (clips,), labels


def loss_of(outputs, labels):
    """Mean cross entropy; with two heads, the sum of both."""
    heads = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return sum(functional.cross_entropy(logits.flatten(0, -2), labels.flatten()) for logits in heads)
