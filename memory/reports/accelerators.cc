#include "memory/reports/accelerators.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace slimreel {
namespace {

bool NumbersAgree(const std::vector<NvidiaCard>& cards, const CardOrder& order) {
  return order.device_order == "PCI_BUS_ID" ||
         absl::c_all_of(cards, [&](const NvidiaCard& card) { return card.name == cards[0].name; });
}

// The card that an entry of CUDA_VISIBLE_DEVICES names: a number, or the start of a UUID.
std::optional<size_t> CardOf(absl::string_view entry, const std::vector<NvidiaCard>& cards,
                             bool numbers_agree) {
  entry = absl::StripAsciiWhitespace(entry);
  size_t index = 0;
  if (absl::SimpleAtoi(entry, &index)) {
    return numbers_agree && index < cards.size() ? std::optional(index) : std::nullopt;
  }
  for (size_t i = 0; i < cards.size(); ++i) {
    if (!entry.empty() && absl::StartsWith(cards[i].uuid, entry)) return i;
  }
  return std::nullopt;
}

std::optional<size_t> CardOfDevice(absl::string_view device, const std::vector<NvidiaCard>& cards,
                                   const CardOrder& order) {
  size_t index = 0;
  if (!absl::ConsumePrefix(&device, "cuda:") || !absl::SimpleAtoi(device, &index)) {
    return std::nullopt;
  }
  const bool numbers_agree = NumbersAgree(cards, order);
  if (!order.visible_devices) return CardOf(absl::StrCat(index), cards, numbers_agree);
  const std::vector<std::string> entries = absl::StrSplit(*order.visible_devices, ',');
  if (index >= entries.size()) return std::nullopt;
  return CardOf(entries[index], cards, numbers_agree);
}

}  // namespace

std::vector<AcceleratorMemory> JoinCards(std::vector<AcceleratorMemory> devices,
                                         const std::vector<NvidiaCard>& cards,
                                         const CardOrder& order) {
  std::vector<bool> joined(cards.size(), false);
  for (AcceleratorMemory& device : devices) {
    const std::optional<size_t> card = CardOfDevice(device.device, cards, order);
    if (!card) continue;
    joined[*card] = true;
    device.name = cards[*card].name;
    device.processes = cards[*card].processes;
  }
  for (size_t i = 0; i < cards.size(); ++i) {
    if (joined[i]) continue;
    devices.push_back({.device = absl::StrCat("card ", i),
                       .total_bytes = cards[i].total_bytes,
                       .free_bytes = cards[i].free_bytes,
                       .usable = false,
                       .name = cards[i].name,
                       .processes = cards[i].processes});
  }
  return devices;
}

}  // namespace slimreel
