// A step that a program repeats, such as one of training, and that a GPU may start as a whole.
//
//   const auto graph = backend.make_step_graph();
//   while (...) graph->run([&] { enqueue_a_step(); });
//
// To start a kernel takes a few microseconds, in which a small one is already done: then the GPU waits for the program.
// With CUDA graphs a step's operations are started by one call. step() is called every time; what it enqueues is
// compared with what it enqueued the last time, and where that differs, or where it waits for a result, its operations
// are started one by one as without a graph. So a step may be any function, and computes the same in either case.
//
// This class starts everything as it comes; a backend that has graphs, and the mode for them (ComputeMode::graphs),
// makes others. For one thread; the backend outlives it.
#pragma once

#include <string>

namespace counterpoise {

class StepGraph {
 public:
  StepGraph() = default;
  virtual ~StepGraph() = default;
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  // Calls step(). What it enqueued has been started when this returns, also if step() throws. A step within another
  // one is a part of it. Throws what step() throws, and Error(device) if work cannot be started.
  template <class Step>
  void run(const Step& step) {
    begin();
    try {
      step();
    } catch (...) {
      abandon();
      throw;
    }
    end();
  }
  // How often the step was started as a graph, of how many operations, and how many of them had changed each time; or
  // why there is no graph. In words; empty if the backend has none.
  virtual std::string summary() const { return ""; }

 protected:
  virtual void begin() {}
  virtual void end() {}
  virtual void abandon() noexcept {}
};

}  // namespace counterpoise
