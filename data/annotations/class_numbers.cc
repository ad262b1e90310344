#include "data/annotations/class_numbers.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "data/annotations/label_file.h"

namespace slimreel {
namespace {

bool IsDigits(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
}

absl::Status CheckNames(const ClassRequest& request) {
  std::set<absl::string_view> seen;
  for (const std::string& name : request.named) {
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat(request.named_by, ": class ", name,
                                                     " is named twice; remove one of the lines"));
    }
  }
  if (request.known.empty() || request.named.empty() || request.known == request.named) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      request.named_by, ": its class names differ from those that this data set already has (",
      absl::StrJoin(request.known, ", "), ")"));
}

// The first few names: "left, right, ...".
std::string FirstFew(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  const auto end = names.begin() + static_cast<int64_t>(std::min(names.size(), kShown));
  return absl::StrCat(absl::StrJoin(names.begin(), end, ", "),
                      names.size() > kShown ? ", ..." : "");
}

class Numbering {
 public:
  Numbering(const std::vector<WrittenLabel>& labels, const ClassRequest& request)
      : labels_(labels), request_(request) {}

  absl::StatusOr<ClassNumbers> Number() {
    SLIMREEL_RETURN_IF_ERROR(ChooseClasses());
    for (size_t i = 0; i < result_.classes.size(); ++i) by_name_.emplace(result_.classes[i], i);
    std::vector<bool> used(result_.classes.size());
    for (const WrittenLabel& label : labels_) {
      SLIMREEL_ASSIGN_OR_RETURN(const int64_t number, NumberOf(label));
      result_.numbers.push_back(number);
      used[number] = true;
    }
    WarnOfEmptyClasses(used);
    return std::move(result_);
  }

 private:
  absl::Status ChooseClasses() {
    std::set<std::string> names;  // of folders; of lists too, unless all their labels are numbers
    std::set<std::string> in_lists;
    const WrittenLabel* no_number = nullptr;
    int64_t digits = 0;
    for (const WrittenLabel& label : labels_) {
      (label.from_folder ? names : in_lists).insert(label.text);
      if (label.from_folder) continue;
      if (IsDigits(label.text)) {
        ++digits;
      } else if (no_number == nullptr) {
        no_number = &label;
      }
    }
    if (!request_.known.empty() || !request_.named.empty()) {
      result_.classes = request_.known.empty() ? request_.named : request_.known;
      numbers_allowed_ = true;
      return absl::OkStatus();
    }
    if (no_number == nullptr && names.empty()) return CountClasses();
    if (no_number != nullptr) names.insert(in_lists.begin(), in_lists.end());
    if (no_number != nullptr && digits > 0) {
      result_.warnings.push_back(absl::StrCat(no_number->origin, ": `", no_number->text,
                                              "` is no number, so the ", digits,
                                              " labels that are numbers become class names too"));
    }
    result_.classes.assign(names.begin(), names.end());
    return absl::OkStatus();
  }

  // Makes the classes 0, 1, ... up to the highest label.
  absl::Status CountClasses() {
    int64_t count = 0;
    for (const WrittenLabel& label : labels_) {
      const std::optional<int64_t> number = LabelNumber(label.text);
      if (!number || *number >= kMaxNumberedClasses) {
        return absl::InvalidArgumentError(
            absl::StrCat(label.origin, ": ", label.text, " as a class number would make more than ",
                         kMaxNumberedClasses,
                         " classes; check that this is the column of labels, or use names "
                         "as labels"));
      }
      count = std::max(count, *number + 1);
    }
    for (int64_t i = 0; i < count; ++i) result_.classes.push_back(absl::StrCat(i));
    numbers_allowed_ = true;
    return absl::OkStatus();
  }

  // Looks for a name first, then for a number: a class may be named "7".
  absl::StatusOr<int64_t> NumberOf(const WrittenLabel& label) const {
    const auto at = by_name_.find(label.text);
    if (at != by_name_.end()) return at->second;
    const std::optional<int64_t> number =
        label.from_folder ? std::nullopt : LabelNumber(label.text);
    const int64_t count = static_cast<int64_t>(result_.classes.size());
    if (number && numbers_allowed_ && *number < count) return *number;
    if (number && !numbers_allowed_) {
      return absl::InvalidArgumentError(
          absl::StrCat(label.origin, ": `", label.text,
                       "` is a number, but other labels are names (", FirstFew(result_.classes),
                       "). A folder's name is the label of its videos unless --annotations gives "
                       "another. Use names only, or list all class names in order in "
                       "--annotations, one word per line"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(label.origin, ": `", label.text, "` is no class of this data set, which has ",
                     count, number ? " classes, numbered from 0" : " classes",
                     "; correct the label, or use another --output if the classes have changed"));
  }

  void WarnOfEmptyClasses(const std::vector<bool>& used) {
    const int64_t empty = std::count(used.begin(), used.end(), false);
    if (empty == 0 || labels_.empty()) return;
    const auto first = std::find(used.begin(), used.end(), false) - used.begin();
    result_.warnings.push_back(absl::StrCat(
        empty, " of ", used.size(), " classes have no video, the first is ", first,
        result_.classes[first] == absl::StrCat(first)
            ? ""
            : absl::StrCat(" (", result_.classes[first], ")"),
        request_.known.empty() && request_.named.empty()
            ? "; numbers as labels count from 0, and the highest sets the number of classes"
            : ""));
  }

  const std::vector<WrittenLabel>& labels_;
  const ClassRequest& request_;
  bool numbers_allowed_ = false;  // whether a label may be the index of a class
  absl::flat_hash_map<absl::string_view, int64_t> by_name_;
  ClassNumbers result_;
};

}  // namespace

absl::StatusOr<ClassNumbers> NumberClasses(const std::vector<WrittenLabel>& labels,
                                           const ClassRequest& request) {
  SLIMREEL_RETURN_IF_ERROR(CheckNames(request));
  return Numbering(labels, request).Number();
}

}  // namespace slimreel
