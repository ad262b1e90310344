#include "trainer/setup/class_lists.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

std::string NameAt(const ClassList& list, size_t label) {
  const std::string name = label < list.names.size() ? list.names[label] : "nothing";
  return absl::StrCat(name, " in ", list.owner);
}

}  // namespace

std::string DescribeClassDifference(const ClassList& a, const ClassList& b) {
  const auto differing =
      std::mismatch(a.names.begin(), a.names.end(), b.names.begin(), b.names.end());
  const auto label = static_cast<size_t>(differing.first - a.names.begin());
  return absl::StrCat(a.owner, " has ", a.names.size(), " classes, ", b.owner, " ", b.names.size(),
                      ": class ", label, " is ", NameAt(a, label), ", ", NameAt(b, label));
}

}  // namespace slimreel
