"""VideoMAE's transformer in plain PyTorch: a reference for parity tests and benchmarks.

Written from the paper's shapes and the key names of Hugging Face's
VideoMAEForVideoClassification. This model, the original and SlimReel have the same
state-dict keys. Input: [B, 3, T, H, W], normalised.
"""

import torch
from torch import nn
from torch.nn import functional


class VitSelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=False)
        self.key = nn.Linear(dim, dim, bias=False)
        self.value = nn.Linear(dim, dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim))
        self.v_bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        batch, tokens, dim = x.shape

        def split(y):
            return y.view(batch, tokens, self.heads, dim // self.heads).transpose(1, 2)

        query = split(functional.linear(x, self.query.weight, self.q_bias))
        key = split(functional.linear(x, self.key.weight))
        value = split(functional.linear(x, self.value.weight, self.v_bias))
        out = functional.scaled_dot_product_attention(query, key, value)
        return out.transpose(1, 2).reshape(batch, tokens, dim)


class _Named(nn.Module):
    """Holds submodules under given names, so that the keys equal Hugging Face's."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class VitLayer(nn.Module):
    def __init__(self, dim, heads, mlp, eps):
        super().__init__()
        self.attention = _Named(attention=VitSelfAttention(dim, heads), output=_Named(dense=nn.Linear(dim, dim)))
        self.intermediate = _Named(dense=nn.Linear(dim, mlp))
        self.output = _Named(dense=nn.Linear(mlp, dim))
        self.layernorm_before = nn.LayerNorm(dim, eps=eps)
        self.layernorm_after = nn.LayerNorm(dim, eps=eps)

    def forward(self, x):
        x = x + self.attention.output.dense(self.attention.attention(self.layernorm_before(x)))
        hidden = functional.gelu(self.intermediate.dense(self.layernorm_after(x)))
        return x + self.output.dense(hidden)


def sinusoid_positions(tokens, dim):
    """VideoMAE's fixed table, [1, tokens, dim] float32. It is computed in float64."""
    position = torch.arange(tokens, dtype=torch.float64)[:, None]
    index = torch.arange(dim, dtype=torch.float64)
    angle = position / torch.pow(10000.0, 2 * torch.div(index, 2, rounding_mode="floor") / dim)
    table = torch.where(index.long() % 2 == 0, torch.sin(angle), torch.cos(angle))
    return table.float()[None]


class VideoMae(nn.Module):
    """Hugging Face's VideoMAEForVideoClassification."""

    def __init__(self, num_classes, num_frames, image_size, dim, heads, layers, patch=16, tubelet=2):
        super().__init__()
        tokens = (num_frames // tubelet) * (image_size // patch) ** 2
        projection = nn.Conv3d(3, dim, (tubelet, patch, patch), (tubelet, patch, patch))
        self.videomae = _Named(
            embeddings=_Named(patch_embeddings=_Named(projection=projection)),
            encoder=_Named(layer=nn.ModuleList(VitLayer(dim, heads, 4 * dim, 1e-12) for _ in range(layers))))
        self.fc_norm = nn.LayerNorm(dim, eps=1e-5)
        self.classifier = nn.Linear(dim, num_classes)
        self.register_buffer("positions", sinusoid_positions(tokens, dim), persistent=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv3d)):
                nn.init.normal_(module.weight, 0, 0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.videomae.embeddings.patch_embeddings.projection(x).flatten(2).transpose(1, 2)
        x = x + self.positions.to(x.dtype)
        for layer in self.videomae.encoder.layer:
            x = layer(x)
        return self.classifier(self.fc_norm(x.mean(1)))
