#include "base/word_list.h"

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"

namespace slimreel {

std::optional<size_t> FindWord(absl::string_view word, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (absl::EqualsIgnoreCase(word, words[i])) return i;
  }
  return std::nullopt;
}

std::string WordList(const std::vector<std::string>& words) { return absl::StrJoin(words, " | "); }

}  // namespace slimreel
