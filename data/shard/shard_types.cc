#include "data/shard/shard_types.h"

#include <array>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

constexpr std::array<std::pair<std::string_view, MemberKind>, 5> kSuffixes = {{
    {"json", MemberKind::kJson},
    {"frames.npy", MemberKind::kFrames},
    {"kpts.npy", MemberKind::kKeypoints},
    {"audio.npy", MemberKind::kAudio},
    {"mel.npy", MemberKind::kMel},
}};

// Parses `text` as a number of at least `min_digits` digits.
bool ParseDigits(std::string_view text, size_t min_digits, int64_t* value) {
  if (text.size() < min_digits || text.empty() || !absl::ascii_isdigit(text[0])) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

// Splits "<separator><digits>" off the end of `text`.
bool TakeNumber(std::string_view* text, std::string_view separator, size_t min_digits,
                int64_t* value) {
  const size_t at = text->rfind(separator);
  if (at == std::string_view::npos) return false;
  if (!ParseDigits(text->substr(at + separator.size()), min_digits, value)) return false;
  *text = text->substr(0, at);
  return true;
}

}  // namespace

MemberName ParseMemberSuffix(std::string_view suffix) {
  for (const auto& [name, kind] : kSuffixes) {
    if (suffix == name) return {kind, 0};
  }
  const size_t dot = suffix.find('.');
  if (dot != std::string_view::npos) {
    const std::string_view extension = suffix.substr(dot + 1);
    int64_t number = 0;
    if ((extension == "jpg" || extension == "png") &&
        ParseDigits(suffix.substr(0, dot), 1, &number) && number <= UINT32_MAX) {
      return {MemberKind::kImage, static_cast<uint32_t>(number)};
    }
  }
  return {};
}

std::string_view MemberKindName(MemberKind kind) {
  switch (kind) {
    case MemberKind::kJson:
      return "json";
    case MemberKind::kFrames:
      return "frames";
    case MemberKind::kImage:
      return "image";
    case MemberKind::kKeypoints:
      return "keypoints";
    case MemberKind::kAudio:
      return "audio";
    case MemberKind::kMel:
      return "mel";
    case MemberKind::kOther:
      break;
  }
  return "other";
}

std::string FormatShardName(const ShardName& name) {
  const std::string part =
      name.part > 0 ? absl::StrFormat("-p%02dof%02d", name.part, name.num_parts) : "";
  return absl::StrFormat("%s%s-%06d.tar", name.split, part, name.number);
}

bool ParseShardName(std::string_view file_name, ShardName* name) {
  constexpr std::string_view kExtension = ".tar";
  if (!file_name.ends_with(kExtension)) return false;
  std::string_view rest = file_name.substr(0, file_name.size() - kExtension.size());
  ShardName parsed;
  if (!TakeNumber(&rest, "-", 6, &parsed.number)) return false;
  std::string_view head = rest;
  int64_t num_parts = 0, part = 0;
  if (TakeNumber(&head, "of", 2, &num_parts) && TakeNumber(&head, "-p", 2, &part) && part >= 1 &&
      part <= num_parts && num_parts <= INT32_MAX) {
    parsed.part = static_cast<int>(part);
    parsed.num_parts = static_cast<int>(num_parts);
    rest = head;
  }
  if (rest.empty() || rest[0] == '.') return false;  // temporary files begin with a dot
  parsed.split = std::string(rest);
  *name = std::move(parsed);
  return true;
}

std::string IndexPathOf(std::string_view tar_path) {
  if (tar_path.ends_with(".tar")) tar_path.remove_suffix(4);
  return std::string(tar_path) + ".idx";
}

}  // namespace slimreel
