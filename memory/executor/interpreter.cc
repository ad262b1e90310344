#include "memory/executor/interpreter.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "memory/executor/autocast_scope.h"

namespace slimreel {
namespace {

using torch::autograd::Edge;
using torch::autograd::edge_list;
using torch::autograd::Engine;
using torch::autograd::Node;
using torch::autograd::variable_list;

// Note [Gradients enter and leave a stage by nodes of our own]
// The engine's caller holds the root gradients until backward returns, and a leaf's
// AccumulateGrad clones a gradient that it may not take over. Both would put the chain's peak
// above that of one connected graph. So a source node moves the gradients of a stage's outputs
// into the engine, which frees each as soon as it is used, and a sink node receives the gradients
// of the stage's inputs. With these two nodes the engine sees of each stage what it would see in
// the connected graph: same order, same sums, same bits.

// Passes the output gradients into the stage's graph along its next_edges.
struct GradientSource : public Node {
  GradientSource(edge_list&& edges, variable_list&& gradients)
      : Node(std::move(edges)), gradients(std::move(gradients)) {}
  variable_list apply(variable_list&& /*inputs*/) override { return std::move(gradients); }
  variable_list gradients;
};

// Collects the gradients of the input slots that carry one.
struct GradientSink : public Node {
  variable_list apply(variable_list&& inputs) override {
    gradients = std::move(inputs);
    return {};
  }
  variable_list gradients;
};

// Note [What a failed backward leaves in the engine]
// When a node throws, the engine returns. It leaves the nodes that were ready to run, with their
// saved tensors and gradients, in the calling thread's queue until that thread's next backward.
// After out of memory the retry needs this memory. The queue hands out the youngest node first
// and drops nodes of a dead graph. So one backward of a graph that ends in the oldest node of all
// empties the queue.
struct OldestNode : public Node {
  OldestNode() : Node(/*sequence_nr=*/0, {}) {}
  variable_list apply(variable_list&& /*inputs*/) override { return {}; }
};

// Versions of a tuple's slots, taken without holding their storage.
class WriteCheck {
 public:
  explicit WriteCheck(const Tensors& slots) {
    for (const at::Tensor& slot : slots) {
      if (!slot.defined() || slot.is_inference()) {
        counters_.emplace_back();
        versions_.push_back(0);
        continue;
      }
      counters_.push_back(slot.unsafeGetTensorImpl()->version_counter());
      versions_.push_back(counters_.back().current_version());
    }
  }
  void Verify(const Stage& stage) const {
    for (size_t k = 0; k < counters_.size(); ++k) {
      TORCH_CHECK(!counters_[k].enabled() || counters_[k].current_version() == versions_[k],
                  "stage ", stage.name(), " wrote its input slot ", k,
                  " in place; a stage must not write its inputs (memory/stage/stage.h)");
    }
  }

 private:
  std::vector<c10::VariableVersion> counters_;
  std::vector<uint32_t> versions_;
};

Tensors ForwardChecked(Stage& stage, const StageContext& context, Tensors in) {
  const WriteCheck check(in);
  const AutocastScope autocast(context.autocast, in);
  const std::vector<int> handed_on = stage.handed_on();
  std::vector<const void*> in_ids;
  for (const at::Tensor& slot : in) in_ids.push_back(slot.unsafeGetTensorImpl());
  Tensors out = stage.Forward(context, std::move(in));
  check.Verify(stage);
  TORCH_CHECK(handed_on.empty() || handed_on.size() == out.size(), "stage ", stage.name(),
              " returns ", out.size(), " slots, but handed_on() lists ", handed_on.size());
  for (size_t j = 0; j < handed_on.size(); ++j) {
    const int from = handed_on[j];
    TORCH_CHECK(from < 0 || (from < static_cast<int>(in_ids.size()) &&
                             out[j].unsafeGetTensorImpl() == in_ids[from]),
                "stage ", stage.name(), " declares that output slot ", j, " hands on input slot ",
                from, ", but returns another tensor");
  }
  return out;
}

// Nor with the tensor that a slot is a view of: LibTorch keeps it also without grad, and a slot
// that is not alone in holding its memory cannot wait on the host.
Tensors WithoutGraph(Tensors slots) {
  for (at::Tensor& slot : slots) {
    if (slot.defined() && (slot.requires_grad() || slot.is_view())) slot = slot.detach();
  }
  return slots;
}

// Which output slots carry a gradient. Dtype, trainable parameters and handed-on slots decide
// this, never the graph, so that a forward pass without grad decides the same.
std::vector<bool> OutputsNeedingGradient(const Stage& stage, const std::vector<bool>& inputs,
                                         const Tensors& out) {
  const bool made_here =
      HasTrainableParameter(stage) || std::find(inputs.begin(), inputs.end(), true) != inputs.end();
  const std::vector<int> handed_on = stage.handed_on();
  std::vector<bool> needs(out.size());
  for (size_t j = 0; j < out.size(); ++j) {
    if (!out[j].defined() || !(out[j].is_floating_point() || out[j].is_complex())) continue;
    const int from = handed_on.empty() ? -1 : handed_on[j];
    needs[j] = from >= 0 ? inputs[from] : made_here;
  }
  return needs;
}

// Runs backward from `edges` and frees each gradient as soon as it is used.
void RunEngine(edge_list edges, variable_list given) {
  // The engine starts at an input; this one is empty and costs no byte.
  const at::Tensor start = at::empty({0}, given[0].options());
  auto source = c10::make_intrusive<GradientSource>(std::move(edges), std::move(given));
  source->add_input_metadata(start);
  Engine::get_default_engine().execute({Edge(std::move(source), 0)}, {start},
                                       /*keep_graph=*/false, /*create_graph=*/false,
                                       /*accumulate_grad=*/true);
}

}  // namespace

bool HasTrainableParameter(const Stage& stage) {
  return std::any_of(stage.parameters().begin(), stage.parameters().end(),
                     [](const NamedTensor& named) { return named.tensor.requires_grad(); });
}

EngineQueueCleaner::EngineQueueCleaner() : exceptions_(std::uncaught_exceptions()) {}

EngineQueueCleaner::~EngineQueueCleaner() {
  if (std::uncaught_exceptions() == exceptions_) return;
  const at::Tensor nothing = at::empty({0});
  auto oldest = c10::make_intrusive<OldestNode>();
  oldest->add_input_metadata(nothing);
  RunEngine({Edge(std::move(oldest), 0)}, {nothing});
}

// What the backward of a stage needs. It does not hold the outputs, so their storage lives only
// as long as a consumer has saved it.
struct Interpreter::StageGraph {
  edge_list output_edges;  // invalid if a slot carries no gradient
  c10::intrusive_ptr<GradientSink> sink;
  std::vector<int> slot_of_gradient;  // sink input -> slot of the stage's input
  size_t num_input_slots = 0;
};

Interpreter::Interpreter(std::vector<Stage*> stages, const StageContext& context, Boundary inputs,
                         bool ends_with_loss, const at::Tensor& loss_gradient)
    : stages_(std::move(stages)),
      context_(context),
      ends_with_loss_(ends_with_loss),
      loss_gradient_(loss_gradient),
      values_(stages_.size() + 1),
      offloaded_(stages_.size() + 1),
      graphs_(stages_.size()),
      visited_(stages_.size()) {
  inputs.slots = WithoutGraph(std::move(inputs.slots));
  values_[0] = std::move(inputs);
}

Interpreter::~Interpreter() = default;

void Interpreter::Execute(const Op& op, bool output_read) {
  if (op.kind == OpKind::kBackward) {
    Backward(op.stage);
  } else {
    Forward(op, output_read);
  }
}

Tensors Interpreter::TakeOutputs() { return std::move(outputs_); }

Boundary Interpreter::TakeBoundary(int i) {
  BringBack(i);
  return std::exchange(values_[i], Boundary());
}

Tensors Interpreter::TakeGradients() { return std::exchange(gradients_, Tensors()); }

void Interpreter::SetGradients(Tensors gradients) { gradients_ = std::move(gradients); }

void Interpreter::MarkVisited(int i) { visited_[i] = true; }

bool Interpreter::IsLoss(int i) const {
  return ends_with_loss_ && i + 1 == static_cast<int>(stages_.size());
}

void Interpreter::Forward(const Op& op, bool output_read) {
  const int i = op.stage;
  Stage& stage = *stages_[i];
  BringBack(i);
  context_.first_visit = !visited_[i];
  visited_[i] = true;
  const std::vector<bool> needs = values_[i].needs_gradient;
  Tensors in =
      op.kind == OpKind::kForwardCheckpoint ? values_[i].slots : std::move(values_[i].slots);
  Tensors out;
  context_.lean = op.kind == OpKind::kForwardLean;
  if (op.kind == OpKind::kForwardKeep || op.kind == OpKind::kForwardLean) {
    out = ForwardKeep(i, needs, std::move(in));
  } else {
    const c10::AutoGradMode no_grad(false);
    out = ForwardChecked(stage, context_, std::move(in));
  }
  out = WithoutGraph(std::move(out));
  if (i + 1 == static_cast<int>(stages_.size()) && context_.first_visit) outputs_ = out;
  if (output_read) {
    values_[i + 1].needs_gradient = OutputsNeedingGradient(stage, needs, out);
    values_[i + 1].slots = std::move(out);
  }
  if (op.kind == OpKind::kForwardCheckpoint && offload_ != nullptr) Offload(i);
}

// Slots that somebody else holds too, such as one that is handed on, stay.
void Interpreter::Offload(int i) {
  Tensors& slots = values_[i].slots;
  for (at::Tensor& slot : slots) offloaded_[i].push_back(offload_->Push(slot));
}

void Interpreter::BringBack(int i) {
  std::vector<OffloadStack::Handle>& handles = offloaded_[i];
  for (size_t k = 0; k < handles.size(); ++k) {
    if (handles[k].defined()) values_[i].slots[k] = offload_->Pop(std::move(handles[k]));
  }
  handles.clear();
}

Tensors Interpreter::ForwardKeep(int i, const std::vector<bool>& needs, Tensors in) {
  StageGraph graph;
  graph.sink = c10::make_intrusive<GradientSink>();
  graph.num_input_slots = in.size();
  for (size_t k = 0; k < in.size(); ++k) {
    if (!needs[k]) continue;
    in[k] = in[k].detach();
    torch::autograd::create_gradient_edge(in[k], graph.sink);
    graph.slot_of_gradient.push_back(static_cast<int>(k));
  }
  const c10::AutoGradMode with_grad(true);
  Tensors out = ForwardChecked(*stages_[i], context_, std::move(in));
  for (const at::Tensor& slot : out) {
    graph.output_edges.push_back(slot.defined() && slot.requires_grad()
                                     ? torch::autograd::impl::gradient_edge(slot)
                                     : Edge());
  }
  if (IsLoss(i)) SeedGradient(out);
  graphs_[i] = std::move(graph);
  return out;
}

// Only the loss, slot 0, gets a gradient; the other outputs of the last stage get none.
void Interpreter::SeedGradient(const Tensors& out) {
  TORCH_CHECK(!out.empty() && out[0].defined() && out[0].requires_grad(),
              "the chain's last stage, ", stages_.back()->name(),
              ", must return a loss in slot 0 that depends on a trainable parameter");
  const c10::AutoGradMode no_grad(false);
  gradients_.assign(out.size(), at::Tensor());
  // A copy, because the engine may write into the gradients that it takes.
  gradients_[0] = loss_gradient_.defined() ? loss_gradient_.clone() : at::ones_like(out[0]);
}

// Turns gradients_ from those of the stage's outputs into those of its inputs.
void Interpreter::Backward(int i) {
  StageGraph graph = std::exchange(graphs_[i], StageGraph());
  edge_list edges;
  variable_list given;
  for (size_t j = 0; j < graph.output_edges.size(); ++j) {
    if (!graph.output_edges[j].is_valid() || !gradients_[j].defined()) continue;
    edges.push_back(std::move(graph.output_edges[j]));
    given.push_back(std::move(gradients_[j]));
  }
  gradients_.clear();
  graph.output_edges.clear();
  if (!given.empty()) RunEngine(std::move(edges), std::move(given));
  gradients_.resize(graph.num_input_slots);
  variable_list& collected = graph.sink->gradients;
  for (size_t n = 0; n < collected.size(); ++n) {
    gradients_[graph.slot_of_gradient[n]] = std::move(collected[n]);
  }
}

Tensors ForwardWithoutGraph(const std::vector<Stage*>& chain, const StageContext& context,
                            Tensors inputs) {
  const c10::AutoGradMode no_grad(false);
  Tensors value = WithoutGraph(std::move(inputs));
  for (Stage* stage : chain) value = ForwardChecked(*stage, context, std::move(value));
  return value;
}

}  // namespace slimreel
