#include "models/spec/builder.h"

#include "absl/strings/str_cat.h"

namespace slimreel {

absl::Status RefuseDropPath(const ModelSpec& spec) {
  if (spec.drop_path.value_or(0.0) <= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "model ", spec.name, " has no drop-path: remove model.drop_path or set it to 0, not ",
      *spec.drop_path));
}

absl::Status RequireMinImageSize(int64_t size, const ModelSpec& spec) {
  if (spec.height >= size && spec.width >= size) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("model ", spec.name, " takes images from ", size,
                                                 "x", size, " up, not ", spec.height, "x",
                                                 spec.width, " (data.img_size)"));
}

}  // namespace slimreel
