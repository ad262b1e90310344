// What to say where two lists of class names are not the same: lists may be hundreds of names
// long, so it is how many there are and the first place where they part.
//
// Who calls it: session and evaluate, after they compared. Pure text.
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

// "data.val has 3 classes, data.train 4: class 1 is left in data.val, down in data.train". A list
// that the other one only goes on has "nothing" there. The two must differ.
std::string DescribeClassDifference(const ClassList& a, const ClassList& b);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CLASS_LISTS_H_
