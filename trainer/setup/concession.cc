#include "trainer/setup/concession.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "configs/keys.h"
#include "trainer/setup/model_spec.h"

namespace slimreel {
namespace {

constexpr int64_t kFewestFrames = 4;
constexpr int64_t kSmallestSide = 32;
constexpr int64_t kSideStep = 16;  // patches and strides of the models divide it
constexpr double kSmallerSide = 0.7;

std::string ValueOf(const Config& config, const std::string& name) {
  Config copy = config;
  for (const ConfigKey& key : AllKeys(&copy)) {
    if (key.name == name) return key.get();
  }
  return "";
}

int64_t SmallerSide(int64_t side) {
  const auto smaller = static_cast<int64_t>(kSmallerSide * static_cast<double>(side));
  return std::max(kSmallestSide, smaller / kSideStep * kSideStep);
}

// `to` as a key's value.
Concession Make(const Config& config, const std::string& key, const std::string& to) {
  return {.key = key, .from = ValueOf(config, key), .to = to};
}

}  // namespace

std::optional<Concession> NextConcession(const Config& config) {
  const AllowedTechniques& allow = config.memory.allow;
  if (allow.precision &&
      (config.trainer.precision == Precision::k32 || config.trainer.precision == Precision::k64)) {
    return Make(config, "trainer.precision", "bf16");
  }
  if (IsSpeechModel(config)) return std::nullopt;
  const int64_t half = config.data.num_frames / 4 * 2;  // models may take frames two by two
  if (allow.fewer_frames && half >= kFewestFrames) {
    return Make(config, "data.num_frames", absl::StrCat(half));
  }
  const int64_t height = SmallerSide(config.data.img_height);
  const int64_t width = SmallerSide(config.data.img_width);
  if (allow.smaller_images && height < config.data.img_height && width < config.data.img_width) {
    return Make(
        config, "data.img_size",
        height == width ? absl::StrCat(height) : absl::StrCat("[", height, ", ", width, "]"));
  }
  return std::nullopt;
}

void Concede(const Concession& concession, Config* config) {
  for (const ConfigKey& key : AllKeys(config)) {
    if (key.name != concession.key) continue;
    const absl::Status set = key.set(YAML::Load(concession.to));
    if (!set.ok()) LOG(WARNING) << concession.key << " " << set.message();
  }
}

std::vector<Concession> RepeatConcessions(const std::vector<Concession>& made, Config* config) {
  std::vector<Concession> in_force;
  for (const Concession& concession : made) {
    if (ValueOf(*config, concession.key) != concession.from) continue;
    LOG(WARNING) << "as when the run began, " << DescribeConcession(concession);
    Concede(concession, config);
    in_force.push_back(concession);
  }
  return in_force;
}

std::string DescribeConcession(const Concession& concession) {
  std::string what;
  if (concession.key == "trainer.precision") what = "products are computed in bfloat16";
  if (concession.key == "data.num_frames") what = "clips cover half the time";
  if (concession.key == "data.img_size") what = "frames show less detail";
  return absl::StrCat(concession.key, ": ", concession.from, " -> ", concession.to, " (", what,
                      ")");
}

}  // namespace slimreel
