#include "memory/executor/test_chains.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <random>
#include <utility>

namespace slimreel {
namespace {

constexpr int64_t kBatch = 6;
constexpr int64_t kWidth = 48;

// Values from a formula, not from a generator, so that every call gives the same.
at::Tensor Values(std::vector<int64_t> shape, double phase) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return at::sin(at::arange(n, at::kDouble) * 0.7 + phase).mul_(0.2).to(at::kFloat).reshape(shape);
}

at::Tensor Weight(double phase) { return Values({kWidth, kWidth}, phase).requires_grad_(true); }

class Builder {
 public:
  explicit Builder(std::string name) { chain_.name = std::move(name); }
  LambdaStage& Add(const Tensors& parameters, std::vector<int> handed_on, LambdaStage::Body body) {
    auto stage = std::make_unique<LambdaStage>("s" + std::to_string(chain_.stages.size()),
                                               parameters, std::move(handed_on), std::move(body));
    LambdaStage& added = *stage;
    chain_.stages.push_back(std::move(stage));
    return added;
  }
  void AddDense(double phase) {
    Add({Weight(phase)}, {}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
      return {at::tanh(at::matmul(in[0], p[0]))};
    });
  }
  void AddLoss() {
    Add({}, {}, [](const StageContext& context, const Tensors&, Tensors in) -> Tensors {
      return {(in[0] * in[0]).sum() / context.loss_denominator};
    });
  }
  TestChain Finish(Tensors inputs) {
    AddLoss();
    chain_.inputs = std::move(inputs);
    return std::move(chain_);
  }
  TestChain chain_;
};

at::Tensor Input(double phase = 0.3) { return Values({kBatch, kWidth}, phase); }
at::Tensor Ids() { return at::arange(kBatch, at::kLong) % 4; }

TestChain Dense(int frozen) {
  Builder b(frozen > 0 ? "frozen_prefix" : "dense");
  for (int i = 0; i < 5; ++i) b.AddDense(i);
  for (int i = 0; i < frozen; ++i) {
    at::Tensor weight = b.chain_.stages[i]->parameters()[0].tensor;
    weight.requires_grad_(false);
  }
  return b.Finish({Input()});
}

// A chain that moves its running mean only at the first visit.
TestChain BatchNorm() {
  Builder b("batch_norm");
  for (int i = 0; i < 3; ++i) {
    b.AddDense(i);
    const auto log = std::make_shared<StepLog*>();
    *log = b.Add({Values({kWidth}, i + 0.5).requires_grad_(true)}, {},
                 [log](const StageContext& context, const Tensors& p, Tensors in) -> Tensors {
                   const at::Tensor mean = in[0].mean(0);
                   at::Tensor centred = in[0] - mean;
                   if (context.first_visit) {
                     (*log)->Append(context.first_position, 1).copy_(mean.detach());
                   }
                   return {centred * at::rsqrt(centred.pow(2).mean(0) + 1e-5) * p[0]};
                 })
               .AddLoggedBuffer(at::zeros({kWidth}));
  }
  return b.Finish({Input()});
}

TestChain Dropout() {
  Builder b("dropout");
  for (int i = 0; i < 4; ++i) {
    b.AddDense(i);
    b.Add({}, {}, [i](const StageContext& context, const Tensors&, Tensors in) -> Tensors {
      const double key = 1.0 + i + 10.0 * context.step + 100.0 * context.first_position;
      const at::Tensor draws = at::sin(at::arange(in[0].numel(), at::kFloat) * key);
      return {in[0] * (draws > 0).to(at::kFloat).reshape(in[0].sizes()) * 2};
    });
  }
  return b.Finish({Input()});
}

TestChain TwoStreams() {
  Builder b("two_streams");
  for (int i = 0; i < 4; ++i) {
    b.Add({Weight(i), Weight(i + 0.5)}, {},
          [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
            return {in[0] + at::tanh(at::matmul(in[1], p[0])),
                    in[1] + at::tanh(at::matmul(in[0], p[1]))};
          });
  }
  b.Add({}, {},
        [](const StageContext&, const Tensors&, Tensors in) -> Tensors { return {in[0] * in[1]}; });
  return b.Finish({Input(), Input(0.9)});
}

// {x, ids}: an encoder works on x. Its states are handed on, and the decoder's stages read them.
TestChain EncoderDecoder(bool tied) {
  Builder b(tied ? "tied" : "encoder_decoder");
  b.chain_.tied = tied;
  for (int i = 0; i < 2; ++i) {
    b.Add({Weight(i)}, {-1, 1}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
      return {at::tanh(at::matmul(in[0], p[0])), in[1]};
    });
  }
  const at::Tensor table = Weight(7);
  b.Add({table}, {0, -1}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
    return {in[0], at::embedding(p[0], in[1])};
  });
  for (int i = 0; i < 3; ++i) {
    b.Add({Weight(i + 3)}, {0, -1},
          [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
            return {in[0], in[1] + at::tanh(at::matmul(in[0] + in[1], p[0]))};
          });
  }
  const Tensors last = {tied ? table : Weight(8)};
  b.Add(last, {}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
    return {at::matmul(in[1], p[0].t())};
  });
  return b.Finish({Input(), Ids()});
}

// Unread slots, undefined slots, and integer slots that a stage makes.
TestChain OddSlots() {
  Builder b("odd_slots");
  b.Add({Weight(0)}, {}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
    const at::Tensor y = at::matmul(in[0], p[0]);
    return {y, at::Tensor(), at::argmax(y, 1), at::tanh(y)};
  });
  b.Add({Weight(1)}, {-1, 1, 2, 3, -1},
        [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
          return {at::matmul(in[0], p[0]), in[1], in[2], in[3], at::exp(in[0])};
        });
  b.Add({Weight(2)}, {}, [](const StageContext&, const Tensors& p, Tensors in) -> Tensors {
    return {at::matmul(in[0], p[0]) + at::embedding(p[0], in[2])};
  });
  b.AddDense(3);
  return b.Finish({Input()});
}

// Appends a random persistent schedule (Beaumont et al.) of the stages `from` to `to`, both
// included. The input of `from` exists.
void AppendRandom(int from, int to, std::mt19937& random, Schedule& schedule) {
  if (from == to || random() % 3 == 0) {
    schedule.push_back({OpKind::kForwardKeep, from});
    if (from < to) AppendRandom(from + 1, to, random, schedule);
    schedule.push_back({OpKind::kBackward, from});
    return;
  }
  const int middle = from + 1 + static_cast<int>(random() % (to - from));
  schedule.push_back({OpKind::kForwardCheckpoint, from});
  for (int i = from + 1; i < middle; ++i) schedule.push_back({OpKind::kForwardNoGrad, i});
  AppendRandom(middle, to, random, schedule);
  AppendRandom(from, middle - 1, random, schedule);
}

}  // namespace

LambdaStage::LambdaStage(std::string name, const Tensors& parameters, std::vector<int> handed_on,
                         Body body)
    : Stage(std::move(name)),
      tensors_(parameters),
      handed_on_(std::move(handed_on)),
      body_(std::move(body)) {
  for (const at::Tensor& parameter : parameters) state_.parameters.push_back({"weight", parameter});
}

StepLog* LambdaStage::AddLoggedBuffer(const at::Tensor& buffer) {
  const at::Tensor counter = at::zeros({}, at::kLong);
  state_.buffers.push_back({"buffer", buffer});
  state_.buffers.push_back({"counter", counter});
  state_.step_logs.push_back(
      std::make_unique<StepLog>(std::vector<at::Tensor>{buffer}, counter, 0.1));
  state_.step_logs.back()->Reserve(8);
  return state_.step_logs.back().get();
}

Tensors LambdaStage::Forward(const StageContext& context, Tensors in) {
  return body_(context, tensors_, std::move(in));
}

std::vector<Stage*> TestChain::Chain() const {
  std::vector<Stage*> chain;
  for (const auto& stage : stages) chain.push_back(stage.get());
  return chain;
}

Tensors TestChain::Parameters() const {
  Tensors all;
  for (const auto& stage : stages) {
    for (const NamedTensor& named : stage->parameters()) {
      const bool seen = std::any_of(all.begin(), all.end(), [&](const at::Tensor& other) {
        return other.is_same(named.tensor);
      });
      if (!seen) all.push_back(named.tensor);
    }
  }
  return all;
}

Tensors TestChain::Buffers() const {
  Tensors all;
  for (const auto& stage : stages) {
    for (const NamedTensor& named : stage->buffers()) all.push_back(named.tensor);
  }
  return all;
}

void TestChain::ClearGradients() const {
  DropLogs(StepLogs(Chain()));
  for (at::Tensor parameter : Parameters()) parameter.mutable_grad().reset();
}

std::vector<std::string> TestChainNames() {
  return {"dense",       "frozen_prefix",   "batch_norm", "dropout",
          "two_streams", "encoder_decoder", "tied",       "odd_slots"};
}

TestChain MakeTestChain(const std::string& name) {
  if (name == "frozen_prefix") return Dense(2);
  if (name == "batch_norm") return BatchNorm();
  if (name == "dropout") return Dropout();
  if (name == "two_streams") return TwoStreams();
  if (name == "encoder_decoder") return EncoderDecoder(false);
  if (name == "tied") return EncoderDecoder(true);
  if (name == "odd_slots") return OddSlots();
  return Dense(0);
}

StepResult TakeResult(const TestChain& chain, const at::Tensor& loss) {
  StepResult result{loss, {}, {}};
  CommitLogs(StepLogs(chain.Chain()));
  for (const at::Tensor& parameter : chain.Parameters()) {
    result.gradients.push_back(parameter.grad());
  }
  for (const at::Tensor& buffer : chain.Buffers()) result.buffers.push_back(buffer.clone());
  return result;
}

at::Tensor RunConnected(const TestChain& chain, const StageContext& context) {
  Tensors value = chain.inputs;
  for (const auto& stage : chain.stages) value = stage->Forward(context, std::move(value));
  at::Tensor loss = value[0];
  value.clear();
  const torch::autograd::edge_list root = {torch::autograd::impl::gradient_edge(loss)};
  torch::autograd::Engine::get_default_engine().execute(root, {at::ones_like(loss)}, false, false,
                                                        true);
  return loss.detach();
}

std::vector<Schedule> TestSchedules(int num_stages) {
  std::vector<Schedule> all;
  for (const char* words : {"keep", "checkpoint", "every:2", "every:3"}) {
    all.push_back(MakeSchedule(ParseStageModes(words, num_stages - 1).value()));
  }
  std::mt19937 random(11);
  for (int n = 0; n < 8; ++n) {
    std::vector<StageMode> modes(num_stages - 1);
    for (StageMode& mode : modes) mode = random() % 2 ? StageMode::kKeep : StageMode::kCheckpoint;
    all.push_back(MakeSchedule(modes));
  }
  for (int n = 0; n < 25; ++n) {
    all.emplace_back();
    AppendRandom(0, num_stages - 1, random, all.back());
  }
  return all;
}

StageContext TestContext() {
  StageContext context;
  context.step = 3;
  context.first_position = 2;
  context.training = true;
  context.loss_denominator = 6.0;
  return context;
}

}  // namespace slimreel
