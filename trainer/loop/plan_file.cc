#include "trainer/loop/plan_file.h"

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {

absl::Status WritePlanFile(const std::string& run_dir, const PlanReport& report) {
  return WriteFileAtomically(absl::StrCat(run_dir, "/plan.json"), PlanJson(report));
}

}  // namespace slimreel
