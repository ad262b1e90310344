#include "base/mistakes.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace slimreel {

void Mistakes::Add(const absl::Status& status, absl::string_view prefix) {
  if (status.ok()) return;
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    lines_.push_back(absl::StrCat(prefix, line));
  }
}

absl::Status Mistakes::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
}

}  // namespace slimreel
