#include "data/decode/media_error.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace slimreel {
namespace {

constexpr char kPayloadUrl[] = "slimreel/media_reason";

constexpr std::array kPassing = {kReasonNotFound, kReasonUnreadable, kReasonIoError,
                                 kReasonNoProgress, kReasonFrameTooLarge};

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status MediaError(absl::StatusCode code, std::string_view reason, std::string_view message) {
  absl::Status status(code, View(message));
  status.SetPayload(kPayloadUrl, absl::Cord(View(reason)));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  auto payload = status.GetPayload(kPayloadUrl);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status WithPath(std::string_view path, const absl::Status& status) {
  const std::string message = absl::StrCat(View(path), ": ", status.message());
  const std::string reason = ReasonOf(status);
  return reason.empty() ? absl::Status(status.code(), message)
                        : MediaError(status.code(), reason, message);
}

bool ReasonMayPass(std::string_view reason) {
  return std::find(kPassing.begin(), kPassing.end(), reason) != kPassing.end();
}

absl::Status MachineError(std::string_view message) {
  return absl::ResourceExhaustedError(View(message));
}

bool IsMachineError(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && ReasonOf(status).empty();
}

}  // namespace slimreel
