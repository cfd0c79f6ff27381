// The memory of a repeated step (cuda_step_graph.h). It allocates and releases the same blocks each time, so that their
// places can be chosen once, with all of them known: blocks that are never in use at once may share memory.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "kernels/view.h"

namespace counterpoise::detail {

class CudaStepGraph;

// A block that is in use from the moment `begin` until before `end`.
struct BlockOfStep {
  size_t bytes;
  Index begin, end;
};

struct ArenaLayout {
  std::vector<size_t> offsets;  // of the blocks, in bytes
  size_t bytes = 0;             // of all memory
};

// The largest first, each at the lowest place that is free while it is in use (Pisarchyk and Lee 2020,
// arXiv:2001.03288, "greedy by size"). Aligned to Arena::alignment, also blocks of 0 bytes.
ArenaLayout lay_out(const std::vector<BlockOfStep>& blocks);

// Such memory, and which of its blocks are in use.
class Arena {
 public:
  static constexpr size_t alignment = 512;  // as of CUDA's pool, so that the same plans of cuDNN can be taken

  Arena(void* begin, size_t bytes, CudaStepGraph& owner)
      : begin_(static_cast<char*>(begin)), bytes_(bytes), owner_(&owner) {}
  void* begin() const { return begin_; }
  bool holds(const void* memory) const;
  bool in_use() const { return !blocks_.empty(); }

  void* take(size_t offset, size_t bytes);
  // A block where none is in use; null if no gap is large enough.
  void* take_gap(size_t bytes);
  void give_back(const void* block);

  // Null when its graph is gone or has given it up: then it is released with its last block.
  CudaStepGraph* owner() const { return owner_; }
  void retire() { owner_ = nullptr; }

 private:
  char* begin_;
  size_t bytes_;
  CudaStepGraph* owner_;
  std::map<size_t, size_t> blocks_;  // in use: where they begin and end
};

}  // namespace counterpoise::detail
