#include "kernels/cuda/arena.h"

#include <algorithm>
#include <numeric>

namespace counterpoise::detail {

namespace {
size_t rounded_up(size_t bytes) {
  return (std::max<size_t>(bytes, 1) + Arena::alignment - 1) / Arena::alignment * Arena::alignment;
}
}  // namespace

ArenaLayout lay_out(const std::vector<BlockOfStep>& blocks) {
  std::vector<size_t> by_size(blocks.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });

  ArenaLayout y;
  y.offsets.resize(blocks.size());
  std::vector<size_t> placed;  // in the order of their offsets
  for (const size_t i : by_size) {
    const BlockOfStep& block = blocks[i];
    const size_t bytes = rounded_up(block.bytes);
    size_t offset = 0;
    for (const size_t k : placed) {
      const bool at_once = blocks[k].begin < block.end && block.begin < blocks[k].end;
      if (!at_once) continue;
      if (offset + bytes <= y.offsets[k]) break;
      offset = std::max(offset, y.offsets[k] + rounded_up(blocks[k].bytes));
    }
    y.offsets[i] = offset;
    y.bytes = std::max(y.bytes, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), offset,
                                   [&](size_t value, size_t k) { return value < y.offsets[k]; }),
                  i);
  }
  return y;
}

bool Arena::holds(const void* memory) const {
  const char* const at = static_cast<const char*>(memory);
  return begin_ <= at && at < begin_ + bytes_;
}

void* Arena::take(size_t offset, size_t bytes) {
  blocks_[offset] = offset + rounded_up(bytes);
  return begin_ + offset;
}

void* Arena::take_gap(size_t bytes) {
  size_t offset = 0;
  for (const auto& [begin, end] : blocks_) {
    if (offset + rounded_up(bytes) <= begin) break;
    offset = end;
  }
  return offset + rounded_up(bytes) <= bytes_ ? take(offset, bytes) : nullptr;
}

void Arena::give_back(const void* block) {
  blocks_.erase(static_cast<size_t>(static_cast<const char*>(block) - begin_));
}

}  // namespace counterpoise::detail
