#include "models/losses/projected_cross_entropy.h"

#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/argsort.h>
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

// Note [No size depends on the labels]
// The memory of a step must follow from its shapes. So the rows are sorted, those with a label
// first, and cut into pieces and blocks whose sizes follow from the shapes. On the CPU, where
// labels can be read without waiting, blocks without any label are skipped: wide products then
// use the upper rows of the same buffers. Narrow products take scratch from the allocator, by their
// number of rows, so they are skipped only with a whole piece. The last block that is worked on may
// have padding: rows without a label. On other devices all of them are worked on. Padding counts as
// zero states, whatever the states are, so its logits are finite. Its loss and its states'
// gradients are set to zero, and its part of the weight's gradient is a product with zero states.

struct Rows {
  at::Tensor states;  // [N, C], as they come
  at::Tensor labels;  // [N], 0 if there is none
  at::Tensor valid;   // [N] bool: has a label
  at::Tensor order;   // [N]: the positions of the rows with a label, then the others, each in order
  int64_t visited = 0;  // rows of `order` to work on; those after them have no label
};

struct Head {
  at::Tensor weight;  // [V, C], in the dtype of the products
  int64_t rows;       // per piece
  double smoothing;
  double scale;  // 1 / denominator
  // The factor on the logits' gradients while they have the product's dtype.
  double grad_scale() const { return weight.scalar_type() == at::kHalf ? kHalfScale : 1.0; }
  at::ScalarType wide() const {  // dtype of the softmax and the sums
    return weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  }
};

struct Gradients {
  at::Tensor states;  // [N, C], or undefined: not needed
  at::Tensor weight;  // [V, C], or undefined
};

// One piece of rows. Padding has zero states.
struct Piece {
  Piece(const Rows& all, int64_t begin, int64_t count, at::ScalarType product)
      : order(all.order.narrow(0, begin, count)),
        padding(all.valid.index_select(0, order).logical_not_()),
        labels(all.labels.index_select(0, order).unsqueeze(1)),
        states(
            all.states.index_select(0, order).masked_fill_(padding.unsqueeze(1), 0).to(product)) {}
  at::Tensor order, padding;  // [n]
  at::Tensor labels;          // [n, 1]
  at::Tensor states;          // [n, C]
};

// sum += scale * a x b. The product has the dtype of a and b; if that is not sum's dtype, it is
// made in blocks, in a buffer for at most `most_rows` rows.
void AddProduct(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b, double scale,
                int64_t most_rows) {
  if (a.scalar_type() == sum.scalar_type()) {
    sum.addmm_(a, b, 1.0, scale);
    return;
  }
  const int64_t row_bytes = b.size(1) * static_cast<int64_t>(b.element_size());
  const int64_t block = std::clamp<int64_t>(kBlockBytes / row_bytes, 1, most_rows);
  const at::Tensor buffer = at::empty({block, b.size(1)}, b.options());
  for (int64_t row = 0; row < a.size(0); row += block) {
    const int64_t rows = std::min(block, a.size(0) - row);
    at::Tensor product = buffer.narrow(0, 0, rows);
    at::mm_out(product, a.narrow(0, row, rows), b);
    sum.narrow(0, row, rows).add_(product, scale);
  }
}

// Adds the loss of logits [n, V] with labels [n, 1] to `sum`. With `want_gradient` it leaves
// grad_scale * (softmax - (1 - s) onehot - s / V) in `logits`, also for padding.
void AddLossOfRows(const Head& head, at::Tensor logits, const at::Tensor& label,
                   const at::Tensor& padding, bool want_gradient, at::Tensor& sum) {
  const double uniform = head.smoothing / static_cast<double>(logits.size(1));
  const at::Tensor wide = logits.to(head.wide());
  at::Tensor log_softmax = at::_log_softmax(wide, 1, /*half_to_float=*/false);
  const auto add = [&](at::Tensor of_rows, double factor) {
    sum.sub_(of_rows.masked_fill_(padding, 0).sum(at::kDouble), factor);
  };
  add(log_softmax.gather(1, label).squeeze(1), 1.0 - head.smoothing);
  // Sums each row first: a sum of all values in another dtype would copy them to that dtype.
  if (head.smoothing > 0) add(log_softmax.sum(1), uniform);
  if (!want_gradient) return;
  at::Tensor grad = wide;  // the logits themselves if they are wide
  at::exp_out(grad, log_softmax);
  if (head.smoothing > 0) grad.sub_(uniform);
  grad.scatter_add_(1, label, at::empty(label.sizes(), grad.options()).fill_(head.smoothing - 1));
  if (head.grad_scale() != 1.0) grad.mul_(head.grad_scale());
  if (!grad.is_same(logits)) logits.copy_(grad);
}

// Adds the gradients of a piece's first rows. `grad` [rows, V] is what AddLossOfRows leaves.
void AddGradients(const Head& head, const Piece& piece, const at::Tensor& grad,
                  Gradients* gradients) {
  const int64_t rows = grad.size(0);
  if (gradients->states.defined()) {
    const at::Tensor of_piece = at::zeros(piece.states.sizes(), gradients->states.options());
    at::Tensor of_rows = of_piece.narrow(0, 0, rows);
    AddProduct(of_rows, grad, head.weight, head.scale / head.grad_scale(), head.rows);
    of_rows.masked_fill_(piece.padding.narrow(0, 0, rows).unsqueeze(1), 0);
    gradients->states.index_copy_(0, piece.order, of_piece);
  }
  if (gradients->weight.defined()) {
    at::Tensor states = piece.states;
    if (head.grad_scale() != 1.0) states = states.div(head.grad_scale());
    AddProduct(gradients->weight, grad.t(), states.narrow(0, 0, rows), head.scale,
               head.weight.size(0));
  }
}

// Returns the loss []; adds into the gradients that are defined.
at::Tensor SumPieces(const Rows& all, const Head& head, Gradients* gradients) {
  const int64_t count = all.states.size(0), vocabulary = head.weight.size(0);
  const int64_t wide_row = vocabulary * static_cast<int64_t>(c10::elementSize(head.wide()));
  const int64_t block = std::max<int64_t>(1, kBlockBytes / wide_row);  // rows
  const bool want_gradient = gradients->states.defined() || gradients->weight.defined();
  const bool narrow = head.weight.scalar_type() != head.wide();
  at::Tensor sum = at::zeros({}, head.weight.options().dtype(at::kDouble));
  const at::Tensor logits =
      at::empty({std::min(head.rows, count), vocabulary}, head.weight.options());
  for (int64_t begin = 0; begin < all.visited; begin += head.rows) {
    const int64_t in_piece = std::min(head.rows, count - begin);
    const Piece piece(all, begin, in_piece, head.weight.scalar_type());
    const int64_t blocks = (all.visited - begin + block - 1) / block;
    const int64_t labelled = std::min(in_piece, blocks * block);
    const int64_t rows = narrow ? in_piece : labelled;
    at::Tensor of_piece = logits.narrow(0, 0, rows);
    at::mm_out(of_piece, piece.states.narrow(0, 0, rows), head.weight.t());
    for (int64_t row = 0; row < labelled; row += block) {  // the logits of the others are zero
      const int64_t some = std::min(block, labelled - row);
      AddLossOfRows(head, of_piece.narrow(0, row, some), piece.labels.narrow(0, row, some),
                    piece.padding.narrow(0, row, some), want_gradient, sum);
    }
    if (want_gradient) AddGradients(head, piece, of_piece, gradients);
  }
  return sum.mul_(head.scale).to(head.wide());
}

// How many labels [N] on the CPU are not kNoLabel. Checks that they are in the vocabulary.
int64_t CountLabels(const at::Tensor& labels, int64_t vocabulary) {
  const int64_t* label = labels.const_data_ptr<int64_t>();
  int64_t count = 0;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] == kNoLabel) continue;
    TORCH_CHECK(label[i] >= 0 && label[i] < vocabulary, "labels are 0..", vocabulary - 1,
                " or -100, not ", label[i]);
    ++count;
  }
  return count;
}

// See Note [No size depends on the labels]. `labels` [N] int64 are on the device of `states`.
Rows SortRows(const at::Tensor& states, const at::Tensor& labels, int64_t vocabulary) {
  Rows all{states, labels.clone(), labels.ne(kNoLabel), {}, labels.numel()};
  all.order = at::argsort(all.valid, /*stable=*/true, /*dim=*/0, /*descending=*/true);
  all.labels.masked_fill_(all.valid.logical_not(), 0);
  if (labels.is_cpu()) all.visited = CountLabels(labels, vocabulary);
  return all;
}

struct ProjectedCrossEntropyFunction : torch::autograd::Function<ProjectedCrossEntropyFunction> {
  // rows [B L, C], weight [V, C]; product: the dtype of the products.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows,
                            const at::Tensor& weight, const at::Tensor& labels,
                            at::ScalarType product, int64_t piece_rows, double smoothing,
                            double scale, bool with_gradient) {
    const WithoutAutocast full_precision;
    const Rows all = SortRows(rows, labels, weight.size(0));
    const Head head{weight.to(product), piece_rows, smoothing, scale};
    Gradients gradients;
    if (with_gradient && rows.requires_grad()) gradients.states = at::zeros_like(rows);
    if (with_gradient && weight.requires_grad()) gradients.weight = at::zeros_like(weight);
    const at::Tensor loss = SumPieces(all, head, &gradients);
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
  const at::Tensor labels =
      (*context.targets)[0].to(rows.device(), at::kLong).reshape(-1).contiguous();
  TORCH_CHECK(labels.numel() == rows.size(0), "labels of ", labels.numel(), " tokens for ",
              rows.size(0), " states");
  const at::ScalarType product =
      AutocastOn(rows) ? CastForProduct(rows.narrow(0, 0, 0)).scalar_type() : rows.scalar_type();
  const int64_t row_bytes = weight_.size(0) * static_cast<int64_t>(c10::elementSize(product));
  const int64_t most = std::max<int64_t>(16, options_.piece_bytes / row_bytes);
  const int64_t pieces = std::max<int64_t>(1, (rows.size(0) + most - 1) / most);
  const int64_t piece_rows = std::max<int64_t>(1, (rows.size(0) + pieces - 1) / pieces);
  return {ProjectedCrossEntropyFunction::apply(
      rows, weight_, labels, product, piece_rows, options_.label_smoothing,
      1.0 / context.loss_denominator, c10::GradMode::is_enabled())};
}

double ProjectedCrossEntropy::ValidWeight(const Tensors& targets) const {
  // The loader's labels are read in place.
  const at::Tensor labels = targets[0].to(at::kCPU, at::kLong).contiguous();
  return static_cast<double>(CountLabels(labels, weight_.size(0)));
}

}  // namespace slimreel
