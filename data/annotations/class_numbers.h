// Labels as they were written -> classes and their numbers. Pure functions.
//
// The name of a folder is a name, whatever it looks like: `01` and `1` are two classes. In
// lists digits are a number, unless a class bears that name, or names stand among the labels.
#ifndef DATA_ANNOTATIONS_CLASS_NUMBERS_H_
#define DATA_ANNOTATIONS_CLASS_NUMBERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// Labels that are numbers make as many classes as the highest one says, up to this: a wrong
// column (bytes, times, identities) would make millions.
inline constexpr int64_t kMaxNumberedClasses = 100000;

struct WrittenLabel {
  std::string text;
  bool from_folder = false;
  std::string origin;  // "list.txt:3", of the first video that has it
};

struct ClassRequest {
  std::vector<std::string> known;  // by another split; empty: none
  std::vector<std::string> named;  // by the annotations, in their order; empty: none
  std::string named_by;            // the file, for messages
};

struct ClassNumbers {
  std::vector<std::string> classes;  // known, else named, else by name, else 0, 1, ...
  std::vector<int64_t> numbers;      // of each label
  std::vector<std::string> warnings;
};

// InvalidArgument with the origin: a label that is no class, a number over the bound, a number
// beside folder names; with the file: classes named twice, or others than the known ones.
absl::StatusOr<ClassNumbers> NumberClasses(const std::vector<WrittenLabel>& labels,
                                           const ClassRequest& request);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_CLASS_NUMBERS_H_
