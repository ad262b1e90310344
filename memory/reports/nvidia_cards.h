// NVIDIA's cards as their driver reports them, with the processes that hold memory on them. The
// driver's library (NVML) is loaded when the program runs, so nothing of NVIDIA is needed to build
// or to run without a card.
#ifndef MEMORY_REPORTS_NVIDIA_CARDS_H_
#define MEMORY_REPORTS_NVIDIA_CARDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slimreel {

struct CardProcess {
  int64_t pid = 0;
  std::string name;              // the command line; empty: this process cannot be seen from here
  std::optional<int64_t> bytes;  // none: the driver does not tell
};

struct NvidiaCard {
  std::string name;  // "NVIDIA GeForce RTX 4070"
  std::string uuid;  // "GPU-..."
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
  std::vector<CardProcess> processes;  // largest first
};

// The loaded library. Threading: one thread at a time.
class NvidiaCards {
 public:
  // Null: there is no driver, it does not answer, or it lacks a function.
  static std::unique_ptr<NvidiaCards> Load();
  ~NvidiaCards();
  NvidiaCards(const NvidiaCards&) = delete;
  NvidiaCards& operator=(const NvidiaCards&) = delete;

  // The cards in the driver's order (by PCI bus). A card that does not answer is left out.
  std::vector<NvidiaCard> Read() const;

 private:
  struct Library;
  explicit NvidiaCards(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace slimreel

#endif  // MEMORY_REPORTS_NVIDIA_CARDS_H_
