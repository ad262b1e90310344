#include "models/layers/transformer/patch_embedding.h"

#include <ATen/ops/_unsafe_view.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "models/layers/autocast.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A view [B, t, h, w, 3, frames, height, width]: t h w patches per clip.
at::Tensor PatchesOf(const at::Tensor& clips, const PatchSize& size) {
  at::Tensor x = clips;
  for (size_t i = 0; i < size.size(); ++i) {
    const auto at = static_cast<int64_t>(2 + 2 * i);  // each earlier dimension has become two
    const int64_t patches = x.size(at) / size[i];
    x = x.narrow(at, 0, patches * size[i]).unflatten(at, {patches, size[i]});
  }
  return x.permute({0, 2, 4, 6, 1, 3, 5, 7});
}

struct EmbedPatchesFunction : torch::autograd::Function<EmbedPatchesFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& clips,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const PatchSize& size) {
    const WithoutAutocast full_precision;
    context->save_for_backward({clips, weight});
    context->saved_data["size"] = at::IntArrayRef(size);
    const at::Tensor tokens =
        at::addmm(bias, CutPatches(clips, size), weight.view({weight.size(0), -1}).t());
    // Not a view, because callers add to it in place.
    return at::_unsafe_view(tokens, {clips.size(0), -1, weight.size(0)});
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const WithoutAutocast full_precision;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &clips = saved[0], &weight = saved[1];
    PatchSize size;
    const std::vector<int64_t> sizes = context->saved_data["size"].toIntVector();
    std::copy(sizes.begin(), sizes.end(), size.begin());
    const at::Tensor rows = grads[0].reshape({-1, weight.size(0)});
    variable_list out(4);
    if (context->needs_input_grad(0)) {
      out[0] = at::zeros(clips.sizes(), clips.options());
      const at::Tensor places = PatchesOf(out[0], size);
      places.copy_(at::mm(rows, weight.view({weight.size(0), -1})).view(places.sizes()));
    }
    if (context->needs_input_grad(1)) {
      out[1] = at::mm(rows.t(), CutPatches(clips, size)).view(weight.sizes());
    }
    if (context->needs_input_grad(2)) out[2] = rows.sum(0);
    return out;
  }
};

}  // namespace

at::Tensor CutPatches(const at::Tensor& clips, const PatchSize& size) {
  const at::Tensor patches = PatchesOf(clips, size);
  return patches.reshape({-1, clips.size(1) * size[0] * size[1] * size[2]});
}

at::Tensor EmbedPatches(const at::Tensor& clips, const at::Tensor& weight, const at::Tensor& bias,
                        const PatchSize& size) {
  return EmbedPatchesFunction::apply(CastForProduct(clips), CastForProduct(weight),
                                     CastForProduct(bias), size);
}

}  // namespace slimreel
