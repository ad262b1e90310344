// Describes how two lists of class names differ. Lists may have hundreds of names, so the text
// gives their lengths and the first class that differs.
//
// Pure text.
#ifndef TRAINER_SETUP_CLASS_LISTS_H_
#define TRAINER_SETUP_CLASS_LISTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace slimreel {

struct ClassList {
  absl::string_view owner;              // "data.val"
  absl::Span<const std::string> names;  // by label
};

// "data.val has 3 classes, data.train 4: class 1 is left in data.val, down in data.train". If one
// list is the beginning of the other, it has "nothing" there. The two must differ.
std::string DescribeClassDifference(const ClassList& a, const ClassList& b);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CLASS_LISTS_H_
