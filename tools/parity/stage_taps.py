"""Where a reference computes the output of a SlimReel stage: taps for reference_run.record.

A tap's name is "stage/slot". Taps use only module names. So they work with the originals
(torchvision's names, Hugging Face's and mmaction2's classes) and with the rebuilds of this folder.
"""

import torch

CONVOLUTIONS = (torch.nn.Conv3d, torch.nn.Conv2d)


def whole(x):
    return x


def without_last(channels):
    return lambda x: x[:, :-channels]


def last(channels):
    return lambda x: x[:, -channels:]


def convolution_stage(name):
    """SlimReel's name of the stage that ends with this convolution."""
    if name == "stem.0.spatial":
        return "stem.spatial"
    if name.startswith("stem"):
        return "stem"
    name = name.removeprefix("backbone.").removesuffix(".conv")
    name = name.replace("rgb_path.", "rgb.").replace("pose_path.", "pose.")
    for ending, replacement in ((".0.0", ".spatial"), (".0.3", ""), (".0", "")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name


def slot_of(stage):
    """The slot of a stream. With two streams the slots are RGB, RGB shortcut, pose, pose shortcut."""
    return 2 if stage.startswith("pose.") else 0


def conv_taps(model):
    """Taps of convolution outputs, of each block's shortcut, of laterals, and of frames and pooling."""
    taps = []
    modules = dict(model.named_modules())
    for name, module in modules.items():
        if isinstance(module, CONVOLUTIONS) and "downsample" not in name and "lateral" not in name:
            spatial = name == "stem.0" and module.kernel_size[0] == 1
            stage = convolution_stage(name + ".spatial" if spatial else name)
            taps.append((f"{stage}/{slot_of(stage)}", module, "out", whole))
        if hasattr(module, "downsample") and hasattr(module, "conv1"):
            taps.append(shortcut_tap(name, module))
    if "temporal" in modules:
        taps += [("frames/0", model.conv1, "in", whole), ("avgpool/0", model.temporal, "in", whole)]
    for point in (1, 2):
        if f"backbone.rgb_path.layer{point + 1}_lateral" in modules:
            taps += lateral_taps(model.backbone, point)
    return taps


def shortcut_tap(name, block):
    first = next(n for n, m in block.conv1.named_modules() if isinstance(m, CONVOLUTIONS))
    stage = convolution_stage(f"{name}.conv1" + (f".{first}" if first else ""))
    tap = f"{stage}/{slot_of(stage) + 1}"
    if block.downsample is None:
        return tap, block, "in", whole
    convolution = next(m for m in block.downsample.modules() if isinstance(m, CONVOLUTIONS))
    return tap, convolution, "out", whole


def lateral_taps(backbone, point):
    """Taps of the input of the next layers: a stream's activation and the lateral, concatenated."""
    taps = []
    for slot, path, layer in ((0, backbone.rgb_path, point + 1), (2, backbone.pose_path, point)):
        channels = getattr(path, f"layer{layer}_lateral").conv.out_channels
        reader = getattr(path, f"layer{layer + 1}")
        taps.append((f"laterals{point}/{slot}", reader, "in", without_last(channels)))
        taps.append((f"laterals{point}/{slot + 1}", reader, "in", last(channels)))
    return taps


def video_vit_taps(model):
    layers = model.videomae.encoder.layer
    taps = [("embeddings/0", layers[0], "in", whole)]
    for i, layer in enumerate(layers):
        taps += [(f"layer.{i}.attention/0", layer.layernorm_after, "in", whole),
                 (f"layer.{i}.mlp/0", layer, "out", whole)]
    return taps


def timesformer_taps(model):
    layers = model.timesformer.encoder.layer
    frames = model.timesformer.embeddings.time_embeddings.shape[1]

    def by_token(x):
        """[B T, 1 + P, C], the input of spatial attention -> [B, 1 + P T, C]"""
        x = x.view(-1, frames, *x.shape[1:])
        return torch.cat((x[:, 0, :1], x[:, :, 1:].transpose(1, 2).flatten(1, 2)), 1)

    taps = [("embeddings/0", layers[0], "in", whole)]
    for i, layer in enumerate(layers):
        taps += [(f"layer.{i}.temporal/0", layer.layernorm_before, "in", by_token),
                 (f"layer.{i}.spatial/0", layer.layernorm_after, "in", whole),
                 (f"layer.{i}.mlp/0", layer, "out", whole)]
    return taps


def whisper_taps(model):
    """Taps of all stages except the last one, decoder.norm."""
    encoder, decoder = model.model.encoder, model.model.decoder
    taps = [("encoder.embeddings/0", encoder.layers[0], "in", whole),
            ("encoder.norm/0", encoder.layer_norm, "out", whole),
            ("decoder.embeddings/0", decoder.layers[0], "in", whole)]
    for i, layer in enumerate(encoder.layers):
        taps += [(f"encoder.{i}.attention/0", layer.final_layer_norm, "in", whole),
                 (f"encoder.{i}.mlp/0", layer, "out", whole)]
    for i, layer in enumerate(decoder.layers):
        taps += [(f"decoder.{i}.attention/0", layer.encoder_attn_layer_norm, "in", whole),
                 (f"decoder.{i}.cross_attention/0", layer.final_layer_norm, "in", whole),
                 (f"decoder.{i}.mlp/0", layer, "out", whole)]
    return taps
