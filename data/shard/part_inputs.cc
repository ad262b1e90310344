#include "data/shard/part_inputs.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/exit_code.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

using nlohmann::json;

// How often each video occurs: two inputs may hold videos of the same name.
using Counts = std::map<PartInput, int>;

absl::Status DataUnusable(absl::string_view why) {
  return WithExitCode(absl::FailedPreconditionError(why), ExitCode::kDataUnusable);
}

absl::StatusOr<Counts> ReadNames(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) {
    return DataUnusable(absl::StrCat(
        path,
        " is missing; it lists the videos that this part was given. Copy it from where "
        "the part was prepared, or prepare the part again"));
  }
  SLIMREEL_RETURN_IF_ERROR(text.status());
  Counts names;
  for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const json name = json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    if (!name.is_array() || name.size() != 2 || !name[0].is_string() ||
        !name[1].is_number_integer()) {
      return absl::DataLossError(
          absl::StrCat(path, ": a line is not [name, label]; prepare this part again"));
    }
    ++names[{BytesOfText(name[0].get_ref<const std::string&>()), name[1].get<int64_t>()}];
  }
  return names;
}

// "a.mp4, b.mp4, c.mp4 and 5 more".
std::string FirstNames(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  const size_t shown = std::min(names.size(), kShown);
  std::string text = absl::StrJoin(names.begin(), names.begin() + shown, ", ");
  if (shown < names.size()) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  return text;
}

}  // namespace

int PartOf(std::string_view name, int num_parts) {
  return 1 +
         static_cast<int>(XXH3_64bits(name.data(), name.size()) % static_cast<uint64_t>(num_parts));
}

std::optional<PartFile> ParsePartFile(std::string_view name) {
  PartFile file;
  const size_t dash = name.rfind("-p");
  const size_t dot = name.rfind('.');
  if (dash == std::string_view::npos || dot == std::string_view::npos || dot < dash)
    return std::nullopt;
  const char* const end = name.data() + dot;
  const auto first = std::from_chars(name.data() + dash + 2, end, file.part);
  if (first.ec != std::errc() || end - first.ptr < 3 || first.ptr[0] != 'o' ||
      first.ptr[1] != 'f') {
    return std::nullopt;
  }
  const auto second = std::from_chars(first.ptr + 2, end, file.num_parts);
  if (second.ec != std::errc() || second.ptr != end || file.part < 1 ||
      file.part > file.num_parts) {
    return std::nullopt;
  }
  file.whole = absl::StrCat(std::string(name.substr(0, dash)), std::string(name.substr(dot)));
  return file;
}

std::string PartInputsFileName(const std::string& split, int part, int num_parts) {
  return absl::StrFormat("prepare_inputs%s-p%02dof%02d.jsonl",
                         split == "train" ? "" : absl::StrCat("-", split), part, num_parts);
}

absl::StatusOr<bool> WritePartInputs(const std::string& folder, const std::string& split, int part,
                                     int num_parts, std::vector<PartInput> inputs) {
  std::sort(inputs.begin(), inputs.end());
  std::string text;
  for (const auto& [name, label] : inputs) {
    text += json::array({TextOfBytes(name), label}).dump() + "\n";
  }
  const std::string path = absl::StrCat(folder, "/", PartInputsFileName(split, part, num_parts));
  if (const auto before = ReadFile(path); before.ok() && *before == text) return false;
  SLIMREEL_RETURN_IF_ERROR(WriteFileAtomically(path, text));
  return true;
}

absl::Status CheckPartInputs(const std::string& folder, const std::string& split, int num_parts) {
  std::vector<Counts> known;
  Counts all;
  for (int part = 1; part <= num_parts; ++part) {
    const std::string path = absl::StrCat(folder, "/", PartInputsFileName(split, part, num_parts));
    SLIMREEL_ASSIGN_OR_RETURN(Counts names, ReadNames(path));
    for (const auto& [name, count] : names) all[name] = std::max(all[name], count);
    known.push_back(std::move(names));
  }
  std::vector<std::string> missing;
  std::vector<int> parts;
  bool only_labels = true;  // each missing video is there with another label
  for (const auto& [input, count] : all) {
    const int part = PartOf(input.name, num_parts);
    const Counts& own = known[static_cast<size_t>(part - 1)];
    const auto found = own.find(input);
    if (found != own.end() && found->second >= count) continue;
    missing.push_back(input.name);
    const auto same_name = own.lower_bound({input.name, INT64_MIN});
    const bool is_there = same_name != own.end() && same_name->first.name == input.name;
    only_labels = only_labels && found == own.end() && is_there;
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  if (missing.empty()) return absl::OkStatus();
  std::sort(parts.begin(), parts.end());
  const char* const what = only_labels ? "with other labels" : "missing";
  return DataUnusable(
      absl::StrCat(folder, ": the parts of ", split, " were prepared from different inputs; ",
                   missing.size(), missing.size() == 1 ? " video is " : " videos are ", what, ": ",
                   FirstNames(missing), "; prepare part ", absl::StrJoin(parts, ", "), " of ",
                   num_parts, " again with the whole input"));
}

}  // namespace slimreel
