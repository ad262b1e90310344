// Turns labels, as users wrote them, into classes and their numbers.
//
// A folder's name is always a name: `01` and `1` are two classes. In lists, digits are a number,
// unless a class has that name or other labels of the lists are names.
//
// Threading: pure functions.
#ifndef DATA_ANNOTATIONS_CLASS_NUMBERS_H_
#define DATA_ANNOTATIONS_CLASS_NUMBERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// Labels that are numbers make (highest number + 1) classes, up to this bound. Without a bound a
// wrong column (sizes, times, identifiers) would make millions of classes.
inline constexpr int64_t kMaxNumberedClasses = 100000;

struct WrittenLabel {
  std::string text;
  bool from_folder = false;
  std::string origin;  // "list.txt:3": where the first video with this label was given
};

struct ClassRequest {
  std::vector<std::string> known;  // the classes of another split; empty: none
  std::vector<std::string> named;  // the classes that annotations name, in order; empty: none
  std::string named_by;            // the annotations file, for messages
};

struct ClassNumbers {
  std::vector<std::string> classes;  // the known ones, else the named ones, else those of the
                                     // labels: sorted names, or 0, 1, ...
  std::vector<int64_t> numbers;      // of each label: an index into classes
  std::vector<std::string> warnings;
};

// InvalidArgument with the origin: a label that is not a class, a number above the bound, a number
// together with folder names. InvalidArgument with `named_by`: a class named twice, or classes that
// differ from the known ones.
absl::StatusOr<ClassNumbers> NumberClasses(const std::vector<WrittenLabel>& labels,
                                           const ClassRequest& request);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_CLASS_NUMBERS_H_
