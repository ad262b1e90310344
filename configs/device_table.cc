#include "configs/device_table.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/config/yaml_text.h"
#include "base/logging.h"
#include "base/nearest_name.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr char kBuiltIn[] =
#include "configs/devices_yaml.inc"
    ;

// What the driver and the CUDA context take where the table does not say more.
constexpr double kContextShare = 0.04;
constexpr int64_t kContextBytes = int64_t{400} << 20;

class DeviceReader {
 public:
  DeviceReader(const YAML::Node& name, const YAML::Node& fields, const std::string& source)
      : fields_(fields), source_(source), line_(name.Mark().line + 1) {
    device_.name = name.Scalar();
  }

  absl::StatusOr<DeviceProfile> Read() {
    if (!fields_.IsMap()) return Error("is no map of fields");
    SLIMREEL_RETURN_IF_ERROR(CheckNames());
    SLIMREEL_RETURN_IF_ERROR(ReadBytes("total_bytes", true, &device_.total_bytes));
    device_.usable_bytes =
        device_.total_bytes -
        static_cast<int64_t>(kContextShare * static_cast<double>(device_.total_bytes)) -
        kContextBytes;
    SLIMREEL_RETURN_IF_ERROR(ReadBytes("usable_bytes", false, &device_.usable_bytes));
    SLIMREEL_RETURN_IF_ERROR(ReadBytes("workspace_bytes", true, &device_.workspace_bytes));
    SLIMREEL_RETURN_IF_ERROR(ReadNumber("fp32_tflops", &device_.fp32_tflops));
    SLIMREEL_RETURN_IF_ERROR(ReadNumber("half_tflops", &device_.half_tflops));
    SLIMREEL_RETURN_IF_ERROR(ReadNumber("bandwidth_gb_s", &device_.bandwidth_gb_s));
    SLIMREEL_RETURN_IF_ERROR(ReadNumber("link_gb_s", &device_.link_gb_s));
    if (device_.usable_bytes <= device_.workspace_bytes ||
        device_.usable_bytes > device_.total_bytes) {
      return Error("usable_bytes must be more than workspace_bytes and at most total_bytes");
    }
    return device_;
  }

 private:
  static const std::vector<std::string>& Names() {
    static const auto* const names = new std::vector<std::string>{
        "total_bytes",    "usable_bytes", "fp32_tflops",    "half_tflops",
        "bandwidth_gb_s", "link_gb_s",    "workspace_bytes"};
    return *names;
  }

  absl::Status CheckNames() {
    for (const auto& field : fields_) {
      const std::string name = field.first.Scalar();
      if (std::find(Names().begin(), Names().end(), name) == Names().end()) {
        return Error(absl::StrCat("has an unknown field \"", name, "\"; the fields are ",
                                  absl::StrJoin(Names(), ", ")));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadBytes(const char* name, bool required, int64_t* bytes) {
    const YAML::Node field = fields_[name];
    if (!field) return required ? Missing(name) : absl::OkStatus();
    const auto parsed = field.IsScalar() ? ParseBytes(field.Scalar())
                                         : absl::StatusOr<int64_t>(absl::InvalidArgumentError(""));
    if (!parsed.ok()) return Error(absl::StrCat(name, " must be an amount of bytes such as 8GiB"));
    *bytes = *parsed;
    return absl::OkStatus();
  }

  absl::Status ReadNumber(const char* name, double* number) {
    const YAML::Node field = fields_[name];
    if (!field) return Missing(name);
    if (!field.IsScalar() || !absl::SimpleAtod(field.Scalar(), number) || !(*number > 0.0)) {
      return Error(absl::StrCat(name, " must be a number more than 0"));
    }
    return absl::OkStatus();
  }

  absl::Status Missing(const char* name) { return Error(absl::StrCat("lacks the field ", name)); }
  absl::Status Error(const std::string& what) {
    return absl::InvalidArgumentError(
        absl::StrCat(source_, ":", line_, ": device ", device_.name, " ", what));
  }

  YAML::Node fields_;
  std::string source_;
  int line_;
  DeviceProfile device_;
};

}  // namespace

absl::StatusOr<std::vector<DeviceProfile>> ParseDeviceTable(const std::string& yaml,
                                                            const std::string& source) {
  SLIMREEL_ASSIGN_OR_RETURN(const YAML::Node root, ParseYaml(yaml, source));
  const YAML::Node devices = root.IsMap() ? root["devices"] : YAML::Node();
  if (!devices || !devices.IsMap()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": the table needs a map `devices` from names to fields"));
  }
  std::vector<DeviceProfile> table;
  for (const auto& device : devices) {
    SLIMREEL_ASSIGN_OR_RETURN(DeviceProfile profile,
                              DeviceReader(device.first, device.second, source).Read());
    table.push_back(std::move(profile));
  }
  std::stable_sort(table.begin(), table.end(), [](const DeviceProfile& a, const DeviceProfile& b) {
    return a.usable_bytes < b.usable_bytes;
  });
  return table;
}

const std::vector<DeviceProfile>& DeviceTable() {
  static const auto* const table = [] {
    auto parsed = ParseDeviceTable(kBuiltIn, "configs/devices.yaml");
    CHECK(parsed.ok()) << parsed.status();
    return new std::vector<DeviceProfile>(*std::move(parsed));
  }();
  return *table;
}

absl::StatusOr<DeviceProfile> FindDevice(const std::string& name) {
  std::vector<std::string> names;
  for (const DeviceProfile& device : DeviceTable()) {
    if (device.name == name) return device;
    names.push_back(device.name);
  }
  return absl::NotFoundError(absl::StrCat("--device_profile=", name, " is not in the table",
                                          DidYouMean(name, names), "; it has ",
                                          absl::StrJoin(names, ", ")));
}

}  // namespace slimreel
