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


def build(name, frames, size, classes=CLASSES):
    if name in VIDEO_VIT:
        return reference_models.VideoMae(classes, frames, size, *VIDEO_VIT[name])
    if name == "timesformer_base":
        return reference_transformers.Timesformer(classes, frames, size, 768, 12, 12)
    if name in WHISPER:
        return reference_transformers.Whisper(*WHISPER[name])
    return conv_models.build(name, classes)


def batch_of(name, batch, frames, size, audio_frames=AUDIO_FRAMES, classes=CLASSES, heatmap=HEATMAP):
    """Returns (inputs, labels). For speech models, `frames` is the number of tokens."""
    if name in WHISPER:
        tokens = [torch.randint(VOCABULARY, (batch, frames)) for _ in range(2)]
        return (torch.randn(batch, MELS, audio_frames), tokens[0]), tokens[1]
    clips = torch.randn(batch, 3, frames, size, size)
    labels = torch.randint(classes, (batch,))
    if name.startswith("posec3d"):
        return (torch.rand(batch, 17, frames, heatmap, heatmap),), labels
    if name == "rgbposeconv3d":
        return (clips, torch.rand(batch, 17, 4 * frames, size // 4, size // 4)), labels
    return (clips,), labels


def loss_of(outputs, labels):
    """Mean cross entropy; with two heads, the sum of both."""
    heads = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return sum(functional.cross_entropy(logits.flatten(0, -2), labels.flatten()) for logits in heads)
