// A repeated step (kernels/step_graph.h) as a CUDA graph.
//
// Steps are *watched* at first: their work is started as it comes, and listed, allocations and releases of memory too.
// When two steps in a row had the same list, every block of memory that the step allocates and releases itself gets a
// place in one arena (arena.h), so that it lies there in every step to come. From then on steps are *kept*: work is not
// started as it comes but compared with the list. At the end of a step that was the same, the nodes whose arguments
// changed, for example the learning rate, are set in the graph (work_graph.h), and the graph is started.
//
// Where a step differs from the list (the last batch of an epoch is smaller), or does what no graph can hold (it reads
// a result), the work that was kept is started at once, and the rest of the step as it comes, with memory of the pool.
// So nothing relies on the list: whatever is started is what the step has just enqueued. A list that three steps in a
// row have left, or could not follow because a block of the arena is still in use, is given up; after ten lists that
// were hardly used, or where CUDA refuses the graph, all steps are started as they come.
//
// What is aside (Backend::aside()) is a branch of the graph, and what is released while there are branches keeps its
// place until they rejoin. Where the graph turns out to be faster in a row, the blocks get new places, which take less
// memory. Steps that are started as they come have no branches.
//
// Memory that a kept step releases but did not allocate, as the batch before, is released when its work has been
// started, because work that reads it may be waiting until then.
#pragma once

#include <exception>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/queue.h"
#include "kernels/cuda/work_graph.h"
#include "kernels/step_graph.h"

namespace counterpoise::detail {

class CudaStepGraph final : public StepGraph {
 public:
  explicit CudaStepGraph(Queue& queue) : queue_(queue) {}
  ~CudaStepGraph() override { forget(); }
  std::string summary() const override;

  // For the queue, all but forget() while this step is run.
  void add(Work work);
  void* allocate(size_t bytes);
  void release(void* memory) noexcept;
  bool lists_work() const { return mode_ != Mode::as_it_comes; }
  // What comes next cannot be in a graph.
  void interrupt();
  // Gives up the list, of which nothing may be waiting to be started, its graph and its memory; blocks that are in use
  // stay until they are released. The next steps are watched.
  void forget() noexcept;

 private:
  enum class Mode { as_it_comes, watched, kept };

  void begin() override;
  void end() override;
  void abandon() noexcept override;

  bool follows_list(Work&& work);
  void watch(Work work);
  void shorten_list();
  void leave_list() noexcept;
  void throw_failure() const;
  void arrange_memory(bool in_branches);
  void start_graph();
  void start_one_by_one();
  void release_foreign() noexcept;

  Queue& queue_;
  Mode mode_ = Mode::as_it_comes;
  int within_ = 0;  // runs of this graph that are a part of another step
  std::vector<ListedWork> list_;
  size_t next_ = 0;            // of the list
  bool repeats_ = true;        // watched: this step has been like the list until now
  bool has_places_ = false;    // the list's blocks have their places in the arena
  bool for_branches_ = false;  // these are places that a graph in a row does not need
  Arena* arena_ = nullptr;     // null: there are no blocks for it
  WorkGraph graph_;
  std::unordered_map<void*, size_t> blocks_;  // in use that this step has allocated: the number in the list
  std::vector<void*> foreign_;                // released in a step that is kept, not allocated in it
  std::exception_ptr failure_;                // of starting what was kept

  int departures_in_a_row_ = 0;
  int useless_lists_in_a_row_ = 0;
  int64_t uses_of_list_ = 0;
  std::string refusal_;  // why there will be no graph
  int64_t steps_ = 0, as_graph_ = 0;
};

}  // namespace counterpoise::detail
