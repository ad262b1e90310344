// What the stages of a model list (parameters, buffers, constants) is all that the model holds,
// and each stage lists what it reads itself. Whoever moves, counts, saves or releases tensors
// relies on it.
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/nano_families.h"

namespace slimreel {
namespace {

const void* StorageOf(const at::Tensor& tensor) { return tensor.storage().unsafeGetStorageImpl(); }

// Which stages read tensors of the model that they do not list, forward and backward. Sees every
// tensor that an operation of this thread reads, while it lives. One at a time.
class UnlistedReads : public ExecutorHooks {
 public:
  UnlistedReads(const Executor& executor, const Model& model)
      : stages_(executor.ScheduledStages()) {
    for (const NamedTensor& named : ListedTensors(model)) {
      all_[StorageOf(named.tensor)] = named.name;
    }
    current_ = this;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&OnStart).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  }
  ~UnlistedReads() override {
    at::removeCallback(handle_);
    current_ = nullptr;
  }
  void BeforeOp(const Op& op) override { stage_ = stages_[op.stage]; }
  void AfterOp(const Op& /*op*/) override { stage_ = nullptr; }

  std::set<std::string> found;  // "STAGE reads TENSOR in OPERATION"
  std::set<const void*> read;   // storages of the model that were read

 private:
  static std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& call) {
    for (const c10::IValue& input : call.inputs()) {
      if (input.isTensor()) current_->Visit(call.name(), input.toTensor());
      if (!input.isTensorList()) continue;
      for (const at::Tensor& tensor : input.toTensorVector()) current_->Visit(call.name(), tensor);
    }
    return nullptr;
  }

  void Visit(const std::string& operation, const at::Tensor& tensor) {
    if (stage_ == nullptr || !tensor.defined() || !tensor.has_storage()) return;
    const auto known = all_.find(StorageOf(tensor));
    if (known == all_.end()) return;
    read.insert(known->first);
    for (const auto* list : {&stage_->parameters(), &stage_->buffers(), &stage_->constants()}) {
      for (const NamedTensor& own : *list) {
        if (StorageOf(own.tensor) == known->first) return;
      }
    }
    found.insert(stage_->name() + " reads " + known->second + " in " + operation);
  }

  static thread_local UnlistedReads* current_;
  std::vector<Stage*> stages_;
  std::map<const void*, std::string> all_;
  const Stage* stage_ = nullptr;
  at::CallbackHandle handle_;
};

thread_local UnlistedReads* UnlistedReads::current_ = nullptr;

class ListedTensorsTest : public testing::TestWithParam<NanoModel> {};

TEST_P(ListedTensorsTest, AModelHoldsNoOtherMemory) {
  BuildNano(GetParam());  // libraries take theirs now
  const int64_t before = ReadCpuMemory().live_bytes;
  const auto model = BuildNano(GetParam());
  int64_t listed = 0;
  std::set<const void*> storages;
  for (const NamedTensor& named : ListedTensors(*model)) {
    listed += static_cast<int64_t>(named.tensor.nbytes());
    EXPECT_TRUE(storages.insert(StorageOf(named.tensor)).second) << named.name;
  }
  EXPECT_EQ(ReadCpuMemory().live_bytes - before, listed);
}

TEST_P(ListedTensorsTest, EachStageReadsOnlyWhatItLists) {
  const auto model = BuildNano(GetParam());
  const NanoBatch batch = MakeNanoBatch(*model, at::kCPU);
  Executor executor(model->ChainWithLoss());
  UnlistedReads reads(executor, *model);
  const std::vector<StageMode> modes(executor.num_scheduled_stages() - 1, StageMode::kCheckpoint);
  executor.Run(MakeSchedule(modes), NanoContext(batch), batch.inputs, &reads);
  EXPECT_EQ(reads.found, std::set<std::string>());
  // Loops of our own read without an operation, but most tensors are seen.
  EXPECT_GE(2 * reads.read.size(), Parameters(*model).size());
}

INSTANTIATE_TEST_SUITE_P(Families, ListedTensorsTest, testing::ValuesIn(NanoFamilies()),
                         [](const auto& nano) { return std::string(nano.param.name); });

TEST(AllModelsTest, OnTheMetaDeviceAModelHoldsNoMemory) {
  for (const ModelEntry& entry : ModelTable()) {
    SCOPED_TRACE(entry.name);
    const int64_t before = ReadCpuMemory().live_bytes;
    const auto model = BuildNano({entry.name, [&](ModelSpec* spec) {
                                    spec->device = at::kMeta;
                                    if (entry.family == ModelFamily::kSpeech) return;
                                    spec->class_weights = {1, 2, 3, 4};
                                  }});
    EXPECT_EQ(ReadCpuMemory().live_bytes, before);
    for (const NamedTensor& named : ListedTensors(*model)) {
      EXPECT_TRUE(named.tensor.is_meta()) << named.name;
    }
  }
}

// Reads a tensor of another stage.
class Borrower : public Stage {
 public:
  explicit Borrower(at::Tensor other) : Stage("borrower"), other_(std::move(other)) {}
  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    return {in[0].add(other_.sum())};
  }

 private:
  at::Tensor other_;
};

TEST(UnlistedReadsTest, AStageThatReadsTheTableOfAnotherIsFound) {
  const auto model = BuildNano({"video_vit_nano"});
  const NamedTensor table = model->stages[1]->constants().at(0);
  model->stages.push_back(std::make_unique<Borrower>(table.tensor));
  const NanoBatch batch = MakeNanoBatch(*model, at::kCPU);
  Executor executor(model->ChainWithLoss());
  UnlistedReads reads(executor, *model);
  const std::vector<StageMode> modes(executor.num_scheduled_stages() - 1, StageMode::kKeep);
  executor.Run(MakeSchedule(modes), NanoContext(batch), batch.inputs, &reads);
  EXPECT_EQ(reads.found, std::set<std::string>{"borrower reads " + table.name + " in aten::sum"});
}

}  // namespace
}  // namespace slimreel
