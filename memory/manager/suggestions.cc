#include "memory/manager/suggestions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"

namespace slimreel {
namespace {

// Bytes that the setting saves in the pools in need.
int64_t BytesOf(const PredictedSaving& saving, bool device_in_need, bool host_in_need) {
  int64_t bytes = 0;
  if (device_in_need) bytes += std::max<int64_t>(0, saving.device_bytes);
  if (host_in_need) bytes += std::max<int64_t>(0, saving.host_bytes);
  return bytes;
}

std::string Sentence(const PredictedSaving& saving) {
  std::string text = absl::StrCat(saving.setting, " saves ");
  if (saving.device_bytes > 0) {
    absl::StrAppend(&text, FormatBytes(saving.device_bytes), " of device memory");
  }
  if (saving.host_bytes > 0) {
    absl::StrAppend(&text, saving.device_bytes > 0 ? " and " : "", FormatBytes(saving.host_bytes),
                    " of host memory");
  }
  absl::StrAppend(
      &text, saving.changes_result ? "; it changes what is learnt" : "; the result stays the same");
  if (!saving.price.empty()) absl::StrAppend(&text, "; ", saving.price);
  return text + ".";
}

std::string PoolText(const char* name, const PoolReading& pool) {
  return absl::StrCat(name, ": ", static_cast<int64_t>(100.0 * pool.share()), " % of ",
                      FormatBytes(pool.ceiling_bytes), " (", pool.origin, ") are taken, ",
                      FormatBytes(pool.live_bytes), " of it live in this process");
}

}  // namespace

std::vector<std::string> DescribeSavings(std::vector<PredictedSaving> savings, bool device_in_need,
                                         bool host_in_need) {
  const auto bytes_of = [&](const PredictedSaving& saving) {
    return BytesOf(saving, device_in_need, host_in_need);
  };
  savings.erase(
      std::remove_if(savings.begin(), savings.end(),
                     [&](const PredictedSaving& saving) { return bytes_of(saving) <= 0; }),
      savings.end());
  std::stable_sort(savings.begin(), savings.end(),
                   [&](const PredictedSaving& a, const PredictedSaving& b) {
                     if (a.changes_result != b.changes_result) return b.changes_result;
                     return bytes_of(a) > bytes_of(b);
                   });
  std::vector<std::string> sentences;
  for (const PredictedSaving& saving : savings) sentences.push_back(Sentence(saving));
  return sentences;
}

std::string PressureWarning(const MemoryReading& reading, bool device_above, bool host_above,
                            int64_t freed_bytes, const std::vector<std::string>& suggestions) {
  std::vector<std::string> pools;
  if (device_above) pools.push_back(PoolText("device memory", reading.device));
  if (host_above) pools.push_back(PoolText("host memory", reading.host));
  std::string text = absl::StrCat("memory is short. ", absl::StrJoin(pools, "; "),
                                  ". A clean-up freed ", FormatBytes(freed_bytes), ".");
  for (const std::string& sentence : suggestions) absl::StrAppend(&text, " ", sentence);
  return text;
}

}  // namespace slimreel
