#include "trainer/benchmark/managed_steps.h"

#include <cstdint>
#include <optional>

#include "memory/manager/memory_manager.h"
#include "memory/manager/process_memory.h"

namespace slimreel {
namespace {

class ManagedSteps : public ExecutorHooks {
 public:
  ManagedSteps() : manager_({}, MakeProcessMemory(at::kCPU, {})) {}
  void BeforeStep(int64_t /*step*/) override { scope_.emplace(&manager_); }
  void AfterStep() override { scope_.reset(); }

 private:
  MemoryManager manager_;
  std::optional<AutoMemoryScope> scope_;
};

}  // namespace

std::unique_ptr<ExecutorHooks> MakeManagedSteps() { return std::make_unique<ManagedSteps>(); }

}  // namespace slimreel
