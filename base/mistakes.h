// Collects everything that is wrong with a set of options, so that one error reports it all.
//
// Threading: one thread at a time.
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
  // Adds each line of the message, with `prefix` before it. An OK status adds nothing.
  void Add(const absl::Status& status, absl::string_view prefix = "");

  // InvalidArgument with one line per mistake, or OK if there is none.
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace slimreel

#endif  // BASE_MISTAKES_H_
