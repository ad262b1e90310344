#include "data/shard/sample_origin.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

using nlohmann::json;

bool TakeHex(const json& object, const char* key, uint64_t* value) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() &&
         absl::SimpleHexAtoi(found->get_ref<const std::string&>(), value);
}

bool TakeInt(const json& object, const char* key, int64_t* value) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return false;
  found->get_to(*value);
  return true;
}

json ToJson(const FileMark& mark) {
  return {{"size_bytes", mark.size_bytes},
          {"mtime_ns", mark.mtime_ns},
          {"digest", HashText(mark.digest)}};
}

bool TakeMark(const json& object, const char* key, FileMark* mark) {
  const auto found = object.find(key);
  return found != object.end() && TakeInt(*found, "size_bytes", &mark->size_bytes) &&
         TakeInt(*found, "mtime_ns", &mark->mtime_ns) && TakeHex(*found, "digest", &mark->digest);
}

}  // namespace

std::string HashText(uint64_t hash) { return absl::StrFormat("%016x", hash); }

json ToJson(const SampleOrigin& origin) {
  json object = {{"video", ToJson(origin.video)}, {"recipe", HashText(origin.recipe)}};
  if (origin.keypoints.size_bytes >= 0) object["keypoints"] = ToJson(origin.keypoints);
  if (origin.left_out_frames > 0) object["left_out_frames"] = origin.left_out_frames;
  return object;
}

SampleOrigin OriginFromJson(const json& sample) {
  SampleOrigin origin;
  const auto object = sample.find("origin");
  const auto last = sample.find("last_chunk");
  if (object == sample.end() || last == sample.end() || !last->is_boolean() ||
      !TakeInt(sample, "chunk", &origin.chunk) || !TakeMark(*object, "video", &origin.video) ||
      !TakeHex(*object, "recipe", &origin.recipe)) {
    return {};
  }
  if (object->contains("keypoints") && !TakeMark(*object, "keypoints", &origin.keypoints))
    return {};
  TakeInt(*object, "left_out_frames", &origin.left_out_frames);
  last->get_to(origin.last_chunk);
  origin.known = origin.chunk >= 0 && origin.chunk <= UINT32_MAX && origin.left_out_frames >= 0 &&
                 origin.left_out_frames <= UINT32_MAX;
  return origin.known ? origin : SampleOrigin();
}

}  // namespace slimreel
