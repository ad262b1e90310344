// Looks a word up in a list of allowed words, and prints the list. Threading: pure functions.
#ifndef BASE_WORD_LIST_H_
#define BASE_WORD_LIST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

// The index of `word` in `words`, ignoring case, or nullopt.
std::optional<size_t> FindWord(absl::string_view word, const std::vector<std::string>& words);

// "a | b | c", as help and errors show it.
std::string WordList(const std::vector<std::string>& words);

}  // namespace slimreel

#endif  // BASE_WORD_LIST_H_
