// Measures the peaks of tensor memory outside of the step and compares them with the predicted
// ones, and with the step's own peak, which they must not pass.
#include "memory/policy/outside_peaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/test_files.h"
#include "data/loading/loader.h"
#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "models/weights/pretrained.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/evaluation/evaluator.h"
#include "trainer/inputs/model_inputs.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

constexpr int64_t kClasses = 5;

struct Subject {
  const char* model;
  int64_t size;  // pixels, height and width
  int64_t frames;
  int64_t batch;  // effective batch, micro-batch and evaluation batch
  at::ScalarType dtype = at::kFloat;
};

// The highest sum of live bytes while `phase` runs, beyond `base`.
template <typename Phase>
int64_t PeakOf(int64_t base, Phase phase) {
  ResetCpuPeaks();
  phase();
  return ReadCpuMemory().peak_live_bytes - base;
}

// All phases of one model, each measured.
class Phases {
 public:
  explicit Phases(const Subject& subject)
      : subject_(subject), base_(ReadCpuMemory().live_bytes), run_(TestFolder(subject.model)) {
    ModelSpec spec;
    spec.name = subject.model;
    spec.num_classes = kClasses;
    spec.num_frames = subject.frames;
    spec.height = spec.width = subject.size;
    spec.dtype = subject.dtype;
    load = PeakOf(base_, [&] { model_ = BuildModel(spec).value(); });
    const int64_t built = ReadCpuMemory().live_bytes;
    terms.model_bytes = built - base_;
    terms.float64 = subject.dtype == at::kDouble;
    for (const auto& list : {Parameters(*model_), Buffers(*model_)}) {
      for (const NamedTensor& named : list) {
        terms.largest_tensor_bytes =
            std::max<int64_t>(terms.largest_tensor_bytes, named.tensor.nbytes());
        EXPECT_TRUE(named.tensor.is_contiguous()) << named.name;
      }
    }
    executor_ = std::make_unique<Executor>(model_->ChainWithLoss());
    optimizer_ = std::make_unique<Optimizer>(TrainOptions(),
                                             MakeParamGroups(Parameters(*model_), 0.01, false));
    const int64_t with_optimizer = ReadCpuMemory().live_bytes;
    terms.optimizer_bytes = with_optimizer - built;
    EXPECT_GE(terms.optimizer_bytes, optimizer_->StateBytes());
    MakeStep();
    terms.step_bytes = ReadCpuMemory().live_bytes - with_optimizer;
    MeasureStep();
    MeasureFiles();
    MeasureEvaluation();
  }

  OutsideTerms terms;
  // Measured.
  int64_t load = 0, load_file = 0, restore = 0, save = 0, evaluate = 0, step = 0;

 private:
  LoaderOptions LoaderOf(bool training) const {
    LoaderOptions options;
    options.sources = {"synthetic:" + std::to_string(2 * subject_.batch)};
    options.height = options.width = subject_.size;
    options.num_frames = subject_.frames;
    options.num_classes = kClasses;
    options.batch_size = subject_.batch;
    options.num_workers = 0;
    options.training = training;
    if (!training) options.sampling = Sampling::kSequential;
    if (model_->inputs[0].kind == InputKind::kKeypoints) {
      const std::vector<int64_t>& sizes = model_->inputs[0].sizes;
      options.frames = false;
      options.keypoints = {sizes[0], sizes[1], sizes[2], kHeatmapSize};
    }
    return options;
  }

  // The tightest schedule, so that the step's peak is its lowest.
  void MakeStep() {
    TrainStepOptions options;
    options.norm_group = options.limits.norm_group = 1;
    options.effective_batch = subject_.batch;
    const auto modes = ParseStageModes("checkpoint", executor_->num_scheduled_stages() - 1).value();
    step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), options,
                                        MakePlan(subject_.batch, modes, executor_->stage_names()));
  }

  void MeasureStep() {
    const auto loader = Loader::Open(LoaderOf(/*training=*/true)).value();
    const Batch batch = loader->Next().value();
    step = PeakOf(base_, [&] { EXPECT_TRUE(step_->Run(batch, 0, 1e-3).ok()); });
  }

  void MeasureFiles() {
    save = PeakOf(base_, [&] {
      TrainState state;
      state.step = 1;
      EXPECT_TRUE(
          SaveCheckpoint(
              {.run_dir = run_, .config = "", .model = model_.get(), .optimizer = optimizer_.get()},
              state)
              .ok());
    });
    const std::string checkpoint = run_ + "/checkpoints/" + CheckpointName(1);
    restore = PeakOf(
        base_, [&] { EXPECT_TRUE(RestoreTensors(checkpoint, *model_, optimizer_.get()).ok()); });
    load_file = PeakOf(base_, [&] {
      const auto files = OpenPretrained(checkpoint + "/" + kModelFile);
      EXPECT_TRUE(LoadPretrained(*model_, *files).ok());
    });
  }

  void MeasureEvaluation() {
    const auto loader = Loader::Open(LoaderOf(/*training=*/false)).value();
    {
      const Batch batch = loader->Next().value();
      terms.evaluation_batch_bytes = batch.bytes();
      const int64_t held = ReadCpuMemory().live_bytes;
      terms.forward_peak_bytes = PeakOf(held, [&] {
        Executor::Forward(model_->Chain(), StageContext(), ModelInputs(*model_, batch));
      });
    }
    Evaluator evaluator(*model_, loader.get(), -1, at::kCPU);
    evaluate = PeakOf(base_, [&] { EXPECT_TRUE(evaluator.Run().ok()); });
  }

  Subject subject_;
  int64_t base_;
  std::string run_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainStep> step_;
};

class OutsidePeaksTest : public testing::TestWithParam<Subject> {};

TEST_P(OutsidePeaksTest, ThePredictionsHoldAndNoPhasePassesTheStep) {
  const Phases measured(GetParam());
  const OutsidePeaks predicted = PredictOutsidePeaks(measured.terms);
  EXPECT_LE(measured.load, predicted.load);
  const int64_t converted = measured.terms.float64 ? measured.terms.largest_tensor_bytes / 2 : 0;
  EXPECT_LE(predicted.load - measured.load, kBuildSlackBytes + converted);
  // Measured while the step's own memory is held, which a real start makes later.
  EXPECT_EQ(measured.restore, predicted.resume + measured.terms.step_bytes);
  EXPECT_EQ(measured.load_file, measured.restore) << "a file takes no tensor memory";
  EXPECT_EQ(measured.save, predicted.save);
  EXPECT_EQ(measured.evaluate, predicted.evaluate);
  for (const int64_t peak :
       {predicted.load, predicted.resume, predicted.save, predicted.evaluate}) {
    EXPECT_LT(peak, measured.step);
  }
  std::cout << GetParam().model << ": step " << measured.step << ", load " << measured.load
            << ", resume " << predicted.resume << ", save " << measured.save << ", evaluate "
            << measured.evaluate << " bytes\n";
}

std::string NameOf(const testing::TestParamInfo<Subject>& info) {
  return std::string(info.param.model) + (info.param.dtype == at::kDouble ? "_float64" : "");
}

INSTANTIATE_TEST_SUITE_P(Small, OutsidePeaksTest,
                         testing::Values(Subject{"r3d_nano", 32, 8, 2},
                                         Subject{"video_vit_nano", 32, 8, 2},
                                         Subject{"posec3d_nano", 56, 8, 2},
                                         Subject{"r3d_nano", 32, 8, 3, at::kDouble}),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(
    Large, OutsidePeaksTest,
    testing::Values(Subject{"r3d_18", 112, 8, 2}, Subject{"r2plus1d_18", 112, 8, 1},
                    Subject{"resnet18", 112, 8, 2}, Subject{"slowonly_r50", 112, 8, 1},
                    Subject{"video_vit_small", 112, 16, 2}, Subject{"timesformer_base", 112, 8, 1},
                    Subject{"posec3d", 56, 16, 2}),
    NameOf);

}  // namespace
}  // namespace slimreel
