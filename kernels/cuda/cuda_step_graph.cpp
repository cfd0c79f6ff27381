#include "kernels/cuda/cuda_step_graph.h"

#include <iomanip>
#include <sstream>
#include <utility>

#include "kernels/cuda/arena.h"
#include "kernels/cuda/check.h"

namespace counterpoise::detail {

namespace {
constexpr int most_departures = 3;
constexpr int most_useless_lists = 10;  // while plans of convolutions are chosen, several lists are given up
constexpr int64_t useful = 10;          // a list whose graph was started less often has cost more than it saved
}  // namespace

// -- a step --

void CudaStepGraph::begin() {
  if (queue_.step_) return void(++within_);
  if (useless_lists_in_a_row_ >= most_useless_lists) refusal_ = "its operations change from step to step";
  ++steps_;
  next_ = 0;
  repeats_ = true;
  blocks_.clear();
  failure_ = nullptr;
  queue_.step_ = this;
  if (!refusal_.empty()) {
    mode_ = Mode::as_it_comes;
  } else if (!has_places_) {
    mode_ = Mode::watched;
  } else if (!arena_ || !arena_->in_use()) {
    mode_ = Mode::kept;
  } else {  // an earlier step's block lies where the list's blocks have their places
    mode_ = Mode::as_it_comes;
    ++departures_in_a_row_;
  }
}

void CudaStepGraph::end() {
  if (within_ > 0) return void(--within_);
  queue_.step_ = nullptr;
  if (mode_ == Mode::kept && next_ != list_.size()) leave_list();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  blocks_.clear();
  if (mode_ == Mode::kept) {
    departures_in_a_row_ = 0;
    start_graph();
    release_foreign();
    graph_.time_start(queue_.stream_);
    if (for_branches_ && graph_.stays_in_a_row()) arrange_memory(/*in_branches=*/false);
    return;
  }
  if (mode_ == Mode::watched) {
    const bool same = repeats_ && next_ == list_.size() && next_ > 0;
    shorten_list();
    if (same) arrange_memory(/*in_branches=*/true);
  }
  if (departures_in_a_row_ >= most_departures) forget();
}

void CudaStepGraph::abandon() noexcept {
  if (within_ > 0) return void(--within_);
  queue_.step_ = nullptr;
  if (mode_ == Mode::kept) leave_list();  // (The error that ended the step is the one to tell.)
  if (mode_ == Mode::watched) list_.clear();
  mode_ = Mode::as_it_comes;
}

// -- what the step enqueues --

// Whether this is the next work of the list, which then has its arguments.
bool CudaStepGraph::follows_list(Work&& work) {
  if (next_ == list_.size() || !list_[next_].work.resembles(work)) return false;
  ListedWork& listed = list_[next_++];
  if (!(listed.work == work)) listed.work = std::move(work), listed.changed = true;
  return true;
}

void CudaStepGraph::shorten_list() { list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(next_), list_.end()); }

void CudaStepGraph::watch(Work work) {
  if (follows_list(std::move(work))) return;
  repeats_ = false;
  shorten_list();
  list_.emplace_back(std::move(work));
  ++next_;
}

void CudaStepGraph::add(Work work) {
  if (mode_ == Mode::kept) {
    if (follows_list(std::move(work))) return;
    leave_list();
    throw_failure();
  }
  work.start(queue_.stream_);
  if (mode_ == Mode::watched) watch(std::move(work));
}

void* CudaStepGraph::allocate(size_t bytes) {
  const size_t number = next_;
  if (mode_ == Mode::kept) {
    if (follows_list(Work(Work::Kind::allocation, bytes))) {
      const size_t offset = list_[number].offset;
      const bool outside = offset == ListedWork::outside;  // because the step does not release it
      void* const memory = outside ? queue_.allocate_now(bytes) : arena_->take(offset, bytes);
      blocks_[memory] = number;
      return memory;
    }
    leave_list();
    throw_failure();
  }
  void* const memory = queue_.allocate_now(bytes);
  if (mode_ == Mode::watched) {
    watch(Work(Work::Kind::allocation, bytes));
    blocks_[memory] = number;
  }
  return memory;
}

void CudaStepGraph::release(void* memory) noexcept {
  const auto block = blocks_.find(memory);
  const bool is_foreign = block == blocks_.end();
  if (is_foreign && mode_ == Mode::kept) return foreign_.push_back(memory);
  if (!is_foreign) {
    Work work(Work::Kind::release);
    work.allocation = static_cast<Index>(block->second);
    blocks_.erase(block);
    if (mode_ == Mode::watched) watch(std::move(work));
    if (mode_ == Mode::kept && !follows_list(std::move(work))) leave_list();
  }
  queue_.release_now(memory);
}

void CudaStepGraph::interrupt() {
  if (mode_ == Mode::kept) leave_list();
  if (mode_ == Mode::watched) list_.clear();
  mode_ = Mode::as_it_comes;
  throw_failure();
}

// Starts what was kept; the rest of the step is started as it comes.
void CudaStepGraph::leave_list() noexcept {
  mode_ = Mode::as_it_comes;
  ++departures_in_a_row_;
  try {
    start_one_by_one();
  } catch (...) {
    failure_ = std::current_exception();
  }
  release_foreign();
}

// (end() throws it again: the step may have caught it, but its work is not complete.)
void CudaStepGraph::throw_failure() const {
  if (failure_) std::rethrow_exception(failure_);
}

void CudaStepGraph::start_one_by_one() {
  for (size_t i = 0; i < next_; ++i) list_[i].work.start(queue_.stream_);
}

void CudaStepGraph::release_foreign() noexcept {
  for (void* const memory : std::exchange(foreign_, {})) queue_.release_now(memory);
}

// -- the graph --

// Gives the list's blocks their places, none of which is in use. The memory in which they were until now is returned to
// the system.
void CudaStepGraph::arrange_memory(bool in_branches) {
  std::vector<size_t> entries;
  std::vector<BlockOfStep> blocks;
  // What is released while something is aside may be in use until they rejoin: it is from here on in `blocks`.
  size_t first_of_branches = 0;
  bool has_branches = false;
  for_branches_ = false;
  const auto rejoin_at = [&](size_t i) {
    if (!std::exchange(has_branches, false)) return;
    for (size_t k = first_of_branches; k < blocks.size(); ++k) blocks[k].end = static_cast<Index>(i);
    for_branches_ = true;
  };
  for (size_t i = 0; i < list_.size(); ++i) {
    const Work& work = list_[i].work;
    if (work.kind == Work::Kind::aside_begins && in_branches) has_branches = true, first_of_branches = blocks.size();
    if (work.kind == Work::Kind::rejoin) rejoin_at(i);
    if (work.kind != Work::Kind::release) continue;
    entries.push_back(static_cast<size_t>(work.allocation));
    blocks.push_back({list_[entries.back()].work.bytes, work.allocation, static_cast<Index>(i)});
  }
  rejoin_at(list_.size());
  const ArenaLayout layout = lay_out(blocks);
  if (arena_) queue_.retire(std::exchange(arena_, nullptr));
  queue_.trim();
  if (layout.bytes > 0) {
    arena_ = queue_.make_arena(layout.bytes, *this);
    if (!arena_) return refusal_ = "there is no memory for its tensors", forget();
  }
  for (size_t k = 0; k < entries.size(); ++k) list_[entries[k]].offset = layout.offsets[k];
  has_places_ = true;
}

void CudaStepGraph::start_graph() {
  std::string refused;
  try {
    graph_.start(list_, queue_.stream_);
    ++as_graph_, ++uses_of_list_;
    return;
  } catch (const CudaError& error) {
    refused = error.cause;
  } catch (const std::exception& error) {
    refused = error.what();
  }
  // A library did what a graph cannot hold, or the driver has no memory for it. If the GPU is broken, the first of the
  // operations will say so.
  cudaGetLastError();
  try {
    start_one_by_one();
  } catch (...) {
    release_foreign();
    throw;
  }
  refusal_ = refused;
  forget();
}

void CudaStepGraph::forget() noexcept {
  if (has_places_) useless_lists_in_a_row_ = uses_of_list_ < useful ? useless_lists_in_a_row_ + 1 : 0;
  graph_.reset();
  if (arena_) queue_.retire(std::exchange(arena_, nullptr));
  list_.clear();
  has_places_ = false;
  departures_in_a_row_ = 0;
  uses_of_list_ = 0;
}

std::string CudaStepGraph::summary() const {
  const std::string y = text(as_graph_, " of ", steps_, " steps as a CUDA graph");
  if (graph_.exists()) {
    std::ostringstream changes;
    changes << std::fixed << std::setprecision(1) << graph_.changes() << " of them changed each time";
    if (const BranchesTrial* const trial = graph_.branches(); trial && trial->is_over()) {
      changes << std::setprecision(3) << "; gradients of weights " << (trial->in_branches() ? "beside" : "after")
              << " the others (beside " << trial->in_branches_ms() << " ms, after " << trial->in_a_row_ms() << " ms)";
    }
    return text(y, ", of ", graph_.operations(), " operations, ", changes.str());
  }
  if (refusal_.empty()) return y + "; the last two were not alike, or waited for a result";
  return y + "; then no more: " + refusal_;
}

}  // namespace counterpoise::detail
