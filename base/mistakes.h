// Collects all that is wrong with a set of options, so that a user hears of it at once.
//
// Who calls it: the options' Validate() and those who join several. One thread.
#ifndef BASE_MISTAKES_H_
#define BASE_MISTAKES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace slimreel {

class Mistakes {
 public:
  void Add(std::string line) { lines_.push_back(std::move(line)); }
  // Each line of the message, `prefix` before it; an OK status adds nothing.
  void Add(const absl::Status& status, absl::string_view prefix = "");

  // InvalidArgument with a line for each mistake; OK where there is none.
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace slimreel

#endif  // BASE_MISTAKES_H_
