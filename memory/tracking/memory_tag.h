// What a piece of memory is for. A thread says so in a TagScope around the code that allocates; the
// CPU allocator then counts live bytes by tag.
//
// Threading: the tag of now belongs to its thread. Backward on the CPU runs in the thread that
// calls it, so a scope around it covers what it makes. Threads of a kernel have the tag kOther.
#ifndef MEMORY_TRACKING_MEMORY_TAG_H_
#define MEMORY_TRACKING_MEMORY_TAG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slimreel {

enum class MemoryTag : uint8_t {
  kOther,
  kParameters,   // with buffers and constant tables
  kGradients,    // of parameters, from the end of the operation that made them
  kOptimizer,    // state, and the scratch of clipping and updating
  kActivations,  // all that forward and backward hold besides gradients of parameters
  kInput,        // batches
};
constexpr size_t kNumMemoryTags = 6;

// Bytes by tag; MemoryTag is the index.
using BytesByTag = std::array<int64_t, kNumMemoryTags>;

constexpr int64_t& At(BytesByTag& bytes, MemoryTag tag) { return bytes[static_cast<size_t>(tag)]; }
constexpr int64_t At(const BytesByTag& bytes, MemoryTag tag) {
  return bytes[static_cast<size_t>(tag)];
}

// "parameters", "gradients", "optimizer", "activations", "input", "other".
std::string_view MemoryTagName(MemoryTag tag);

// In the order in which people read them: what stays first, kOther last.
constexpr std::array<MemoryTag, kNumMemoryTags> kMemoryTagsInOrder = {
    MemoryTag::kParameters,  MemoryTag::kGradients, MemoryTag::kOptimizer,
    MemoryTag::kActivations, MemoryTag::kInput,     MemoryTag::kOther};

// The tag of what this thread allocates now; kOther outside of every scope.
MemoryTag CurrentMemoryTag();

// What this thread allocates while the scope lives has the tag `tag`. Scopes nest; the innermost
// one holds.
class TagScope {
 public:
  explicit TagScope(MemoryTag tag);
  ~TagScope();
  TagScope(const TagScope&) = delete;
  TagScope& operator=(const TagScope&) = delete;

 private:
  MemoryTag outer_;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_MEMORY_TAG_H_
