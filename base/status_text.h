// Replaces the message of a status.
#ifndef BASE_STATUS_TEXT_H_
#define BASE_STATUS_TEXT_H_

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// `status` with another message. Code and payloads stay, and with them the exit code.
inline absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload([&changed](absl::string_view type, const absl::Cord& payload) {
    changed.SetPayload(type, payload);
  });
  return changed;
}

}  // namespace slimreel

#endif  // BASE_STATUS_TEXT_H_
