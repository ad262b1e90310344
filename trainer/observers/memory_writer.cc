#include "trainer/observers/memory_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/observers/jsonl_file.h"
#include "trainer/observers/memory_json.h"

namespace slimreel {
namespace {

class MemoryWriter : public Observer {
 public:
  MemoryWriter(JsonlFile file, int64_t every_steps)
      : file_(std::move(file)), every_steps_(std::max<int64_t>(1, every_steps)) {}

  absl::Status OnStep(const StepRecord& step, const MemoryRecord& memory) override {
    if (step.step % every_steps_ != 0 && step.oom_retries == 0) return absl::OkStatus();
    nlohmann::ordered_json json = {
        {"step", step.step},
        {"live_bytes", memory.live_bytes},
        {"peak_bytes", memory.peak_bytes},
        {"reserved_bytes", memory.reserved_bytes},
        {"host_bytes", memory.host_bytes},
        {"loader_bytes", memory.loader_bytes},
        {"budget_bytes", memory.budget_bytes},
    };
    if (AreKnown(memory.live_by_tag)) {
      json["by_tag"] = {{"live", TagsToJson(memory.live_by_tag)},
                        {"peak", TagsToJson(memory.peak_by_tag)}};
      json["phases"] = PhasesToJson(memory.peak_by_phase);
    }
    return file_.Append(json.dump());
  }

  absl::Status Flush() override { return file_.Flush(); }
  absl::Status OnEnd(const RunRecord& /*run*/) override { return file_.Flush(); }

 private:
  JsonlFile file_;
  int64_t every_steps_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Observer>> MakeMemoryWriter(const std::string& run_dir,
                                                           int64_t resumed_step,
                                                           int64_t every_steps) {
  auto file = JsonlFile::Open(absl::StrCat(run_dir, "/memory.jsonl"), resumed_step);
  if (!file.ok()) return file.status();
  return std::make_unique<MemoryWriter>(*std::move(file), every_steps);
}

}  // namespace slimreel
