#include "memory/tracking/memory_tag.h"

namespace slimreel {
namespace {

constexpr std::array<std::string_view, kNumMemoryTags> kNames = {
    "other", "parameters", "gradients", "optimizer", "activations", "input"};

thread_local MemoryTag current_tag = MemoryTag::kOther;

}  // namespace

std::string_view MemoryTagName(MemoryTag tag) { return kNames[static_cast<size_t>(tag)]; }

MemoryTag CurrentMemoryTag() { return current_tag; }

TagScope::TagScope(MemoryTag tag) : outer_(current_tag) { current_tag = tag; }
TagScope::~TagScope() { current_tag = outer_; }

}  // namespace slimreel
