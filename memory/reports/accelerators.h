// The accelerators of a machine: what LibTorch lists, joined with what the driver of NVIDIA's cards
// reports. Pure functions.
#ifndef MEMORY_REPORTS_ACCELERATORS_H_
#define MEMORY_REPORTS_ACCELERATORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/reports/nvidia_cards.h"

namespace slimreel {

struct AcceleratorMemory {
  // "cuda:0", as trainer.device takes it; "card 0", the driver's number, if LibTorch does not list
  // the card or it is not known as which.
  std::string device;
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
  bool usable = true;  // false: LibTorch does not list it by this name
  std::string name{};  // of the card; empty: unknown
  std::vector<CardProcess> processes{};
};

// Environment variables that decide which card is cuda:0. None: the variable is not set.
struct CardOrder {
  std::optional<std::string> visible_devices;  // CUDA_VISIBLE_DEVICES
  std::optional<std::string> device_order;     // CUDA_DEVICE_ORDER
};

// Adds each card's name and processes to its device, and the cards that have none behind them.
// CUDA numbers the fastest card first unless told otherwise, and the driver numbers by PCI bus. So
// cards of different names are joined only by UUID or if CUDA_DEVICE_ORDER is PCI_BUS_ID.
std::vector<AcceleratorMemory> JoinCards(std::vector<AcceleratorMemory> devices,
                                         const std::vector<NvidiaCard>& cards,
                                         const CardOrder& order);

}  // namespace slimreel

#endif  // MEMORY_REPORTS_ACCELERATORS_H_
