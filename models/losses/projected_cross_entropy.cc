#include "models/losses/projected_cross_entropy.h"

#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

#include "models/layers/autocast.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kNoLabel = -100;
constexpr int64_t kBlockBytes = int64_t{8} << 20;  // See Note [Buffers of a piece]
constexpr double kHalfScale = 256.0;               // See Note [A power of two for float16]

// Note [The gradient is made in the forward pass]
// The loss ends the chain, so its backward follows at once. Backward would have to
// rebuild each piece's softmax, which the forward pass has. So the forward pass makes
// the gradients of the states [B L, C] and of the weight [V, C] piece by piece and keeps
// them instead of logits: three products instead of four. Backward multiplies them by
// the upstream gradient (1, or the loss scale). Products use softmax - target, which
// lies within [-1, 1]; only their results are divided by the denominator, so narrow
// dtypes do not underflow. Without grad, and for a frozen weight, the unused gradient is
// not made.

// Note [A power of two for float16]
// Over 51865 tokens most values of a softmax are below 6e-8, which float16 rounds to zero,
// and autocast's loss scale is applied only in backward. So softmax - target is made in
// float32 and multiplied by kHalfScale before it is cast; then the smallest value that
// survives is 2e-10. The product with the weight is divided again in float32: it is at most
// 2 kHalfScale max|weight|, and float16 ends at 65504. The product with the states uses
// states / kHalfScale, because a frequent token's sum over rows has no such bound. A power
// of two changes no other bit.

// Note [Buffers of a piece]
// A piece's logits become its gradient in place, in blocks of rows that fill kBlockBytes.
// So memory holds the piece and at most two such blocks in the dtype of the softmax, even
// if the products are narrower. In that case the weight [V, C] is cast once for all pieces,
// and its gradient is summed in blocks.

struct Pieces {
  at::Tensor states;  // [N, C] of the rows with a label, in the dtype of the product
  at::Tensor labels;  // [N]
  at::Tensor weight;  // [V, C], as states
  int64_t rows;       // per piece
  double smoothing;
  double scale;  // 1 / denominator
  // The factor on the logits' gradients while they have the product's dtype.
  double grad_scale() const { return states.scalar_type() == at::kHalf ? kHalfScale : 1.0; }
  at::ScalarType wide() const {  // dtype of the softmax and the sums
    return states.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  }
};

struct Gradients {
  at::Tensor states;  // [N, C], or undefined: not needed
  at::Tensor weight;  // [V, C], or undefined
};

// sum += scale * a x b. The product has the dtype of a and b; it is made in blocks if that is
// not sum's dtype.
void AddProduct(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b, double scale) {
  if (a.scalar_type() == sum.scalar_type()) {
    sum.addmm_(a, b, 1.0, scale);
    return;
  }
  const int64_t row_bytes = b.size(1) * static_cast<int64_t>(b.element_size());
  const int64_t block = std::max<int64_t>(1, kBlockBytes / row_bytes);
  for (int64_t row = 0; row < a.size(0); row += block) {
    const int64_t rows = std::min(block, a.size(0) - row);
    sum.narrow(0, row, rows).add_(at::mm(a.narrow(0, row, rows), b), scale);
  }
}

// Adds the loss of logits [n, V] with labels [n, 1] to `sum`. With `want_gradient` it leaves
// grad_scale * (softmax - (1 - s) onehot - s / V) in `logits`.
void AddLossOfRows(const Pieces& in, at::Tensor logits, const at::Tensor& label, bool want_gradient,
                   at::Tensor& sum) {
  const double uniform = in.smoothing / static_cast<double>(logits.size(1));
  const at::Tensor wide = logits.to(in.wide());
  at::Tensor log_softmax = at::_log_softmax(wide, 1, /*half_to_float=*/false);
  sum.sub_(log_softmax.gather(1, label).sum(at::kDouble), 1.0 - in.smoothing);
  // Sums each row first: a sum of all values in another dtype would copy them to that dtype.
  if (in.smoothing > 0) sum.sub_(log_softmax.sum(1).sum(at::kDouble), uniform);
  if (!want_gradient) return;
  at::Tensor grad = wide;  // the logits themselves if they are wide
  at::exp_out(grad, log_softmax);
  if (in.smoothing > 0) grad.sub_(uniform);
  grad.scatter_add_(1, label, at::empty(label.sizes(), grad.options()).fill_(in.smoothing - 1));
  if (in.grad_scale() != 1.0) grad.mul_(in.grad_scale());
  if (!grad.is_same(logits)) logits.copy_(grad);
}

// Adds the gradients of a piece's rows. `grad` [n, V] is what AddLossOfRows leaves.
void AddGradients(const Pieces& in, int64_t begin, const at::Tensor& grad, Gradients* gradients) {
  const int64_t rows = grad.size(0);
  if (gradients->states.defined()) {
    at::Tensor piece_grad = gradients->states.narrow(0, begin, rows);
    AddProduct(piece_grad, grad, in.weight, in.scale / in.grad_scale());
  }
  if (gradients->weight.defined()) {
    at::Tensor states = in.states.narrow(0, begin, rows);
    if (in.grad_scale() != 1.0) states = states.div(in.grad_scale());
    AddProduct(gradients->weight, grad.t(), states, in.scale);
  }
}

// Returns the loss []; adds into the gradients that are defined.
at::Tensor SumPieces(const Pieces& in, Gradients* gradients) {
  const int64_t count = in.states.size(0);
  const int64_t vocabulary = in.weight.size(0);
  const int64_t wide_row = vocabulary * static_cast<int64_t>(c10::elementSize(in.wide()));
  const int64_t block = std::max<int64_t>(1, kBlockBytes / wide_row);  // rows
  const bool want_gradient = gradients->states.defined() || gradients->weight.defined();
  at::Tensor sum = at::zeros({}, in.states.options().dtype(at::kDouble));
  const at::Tensor logits = at::empty({std::min(in.rows, count), vocabulary}, in.states.options());
  for (int64_t begin = 0; begin < count; begin += in.rows) {
    const int64_t rows = std::min(in.rows, count - begin);
    at::Tensor piece = logits.narrow(0, 0, rows);
    at::mm_out(piece, in.states.narrow(0, begin, rows), in.weight.t());
    for (int64_t row = 0; row < rows; row += block) {
      const int64_t some = std::min(block, rows - row);
      AddLossOfRows(in, piece.narrow(0, row, some),
                    in.labels.narrow(0, begin + row, some).unsqueeze(1), want_gradient, sum);
    }
    if (want_gradient) AddGradients(in, begin, piece, gradients);
  }
  return sum.mul_(in.scale).to(in.wide());
}

// The positions in labels [N] that have a label. Checks the labels.
at::Tensor LabelledRows(const at::Tensor& labels, int64_t vocabulary) {
  const at::Tensor valid = labels.ne(kNoLabel).nonzero().squeeze(1);
  if (valid.numel() > 0) {
    const at::Tensor present = labels.index_select(0, valid);
    TORCH_CHECK(present.min().item<int64_t>() >= 0 && present.max().item<int64_t>() < vocabulary,
                "labels are 0..", vocabulary - 1, " or -100, not ", present.min().item<int64_t>(),
                "..", present.max().item<int64_t>());
  }
  return valid;
}

struct ProjectedCrossEntropyFunction : torch::autograd::Function<ProjectedCrossEntropyFunction> {
  // rows [B L, C], weight [V, C]; product: the dtype of the products.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows,
                            const at::Tensor& weight, const at::Tensor& labels,
                            at::ScalarType product, int64_t piece_rows, double smoothing,
                            double scale, bool with_gradient) {
    const WithoutAutocast full_precision;
    const at::Tensor valid = LabelledRows(labels, weight.size(0));
    const Pieces pieces{rows.index_select(0, valid).to(product),
                        labels.index_select(0, valid),
                        weight.to(product),
                        piece_rows,
                        smoothing,
                        scale};
    Gradients gradients;
    if (with_gradient && rows.requires_grad()) {
      gradients.states = at::zeros({valid.numel(), rows.size(1)}, rows.options());
    }
    if (with_gradient && weight.requires_grad()) gradients.weight = at::zeros_like(weight);
    const at::Tensor loss = SumPieces(pieces, &gradients);
    if (gradients.states.defined()) {
      gradients.states =
          at::zeros_like(rows).index_copy_(0, valid, std::exchange(gradients.states, {}));
    }
    context->saved_data["states"] = gradients.states;
    context->saved_data["weight"] = gradients.weight;
    return loss;
  }

  static variable_list backward(AutogradContext* context, variable_list& grads) {
    variable_list out(8);
    const char* const names[] = {"states", "weight"};
    for (int i = 0; i < 2; ++i) {
      // Moved out, not copied: the autograd engine owns it from here.
      at::Tensor grad = std::exchange(context->saved_data[names[i]], c10::IValue()).toTensor();
      if (!grad.defined()) continue;
      const bool is_one = grads[0].is_cpu() && grads[0].item<double>() == 1.0;
      out[i] = is_one ? std::move(grad) : grad.mul_(grads[0].to(grad.scalar_type()));
    }
    return out;
  }
};

}  // namespace

ProjectedCrossEntropy::ProjectedCrossEntropy(const NamedTensor& weight,
                                             const ProjectedCrossEntropyOptions& options)
    : Loss("loss"), options_(options), weight_(weight.tensor) {
  state_.parameters.push_back(weight);
}

Tensors ProjectedCrossEntropy::Forward(const StageContext& context, Tensors in) {
  TORCH_CHECK(context.targets != nullptr && !context.targets->empty(),
              "the loss needs labels in context.targets");
  const at::Tensor rows = in[0].reshape({-1, in[0].size(-1)});
  const at::Tensor labels = (*context.targets)[0].to(rows.device()).reshape(-1);
  TORCH_CHECK(labels.numel() == rows.size(0), "labels of ", labels.numel(), " tokens for ",
              rows.size(0), " states");
  const at::ScalarType product =
      AutocastOn(rows) ? CastForProduct(rows.narrow(0, 0, 0)).scalar_type() : rows.scalar_type();
  const int64_t row_bytes = weight_.size(0) * static_cast<int64_t>(c10::elementSize(product));
  const int64_t piece_rows = std::max<int64_t>(16, options_.piece_bytes / row_bytes);
  return {ProjectedCrossEntropyFunction::apply(
      rows, weight_, labels, product, piece_rows, options_.label_smoothing,
      1.0 / context.loss_denominator, c10::GradMode::is_enabled())};
}

double ProjectedCrossEntropy::ValidWeight(const Tensors& targets) const {
  // The loader's labels are read in place.
  const at::Tensor labels = targets[0].to(at::kCPU, at::kLong).contiguous();
  const int64_t* label = labels.const_data_ptr<int64_t>();
  return static_cast<double>(labels.numel() - std::count(label, label + labels.numel(), kNoLabel));
}

}  // namespace slimreel
