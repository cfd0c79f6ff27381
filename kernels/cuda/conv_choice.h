// Which of cuDNN's plans computes which convolution.
//
// cuDNN has many plans for each convolution, and its first guess is good but not always the best. So the first guess
// computes a convolution until it has occurred several times; then all plans are timed on it, once, and the fastest is
// remembered, also for other batch sizes and for the next run of the program (plan_cache.h). In the deterministic mode
// the first guess stays, because timings differ from run to run; it is only compared with the second.
//
// A fast plan may be wrong: releases of cuDNN have had engines that gave wrong gradients on some GPUs. So no plan but
// the first computes anything before its result has been compared with the first's on the same numbers. Where two
// disagree, the loops of the definition decide, and a warning names the plans that are not used.
//
// What a convolution is followed by, a residual (ConvProblem::residual) or the gradient of the relu below (relu_grad),
// cuDNN may compute with it or not. So these problems have one more plan, which comes first: the pair of the
// convolution alone, by its own fastest plan, and a kernel of ours. Where images have few channels, the first plan is a
// kernel of ours (conv_few_channels.cu), with which cuDNN's are compared.
//
// A convolution for which cuDNN has no plan is computed by those loops, which are thousands of times slower: a warning
// says so once, and fallbacks() lists and counts all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/conv_plans.h"
#include "kernels/cuda/compare.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/plan_cache.h"

namespace counterpoise {

class CudaBackend;

namespace detail {

// Not thread-safe.
class ConvChoice {
 public:
  // `memory` is the GPU's, in bytes: workspaces are limited to a part of it. Plans run in the queue, whose stream is
  // that of both handles. Gradients of weights are computed with the second: they may run beside what the first
  // enqueues (Backend::aside()), and cuDNN does not say whether a handle has memory on the GPU that its kernels share.
  ConvChoice(CudaBackend& backend, Queue& queue, cudnnHandle_t handle, cudnnHandle_t handle_aside, size_t memory,
             PlanCache winners);

  // Enqueues the convolution. Throws Error(device) or Error(out_of_memory).
  void run(const ConvProblem& problem, const ConvData& data);

  // The convolutions that ran as plain loops: what, how often and why.
  std::vector<std::string> fallbacks() const;

  // Times all plans on the data, and calls `report` for each; `exact` as in conv_plans.h.
  void time_all(const ConvProblem& problem, const ConvData& data, bool exact,
                const std::function<void(const ConvPlanTiming&)>& report);

 private:
  struct Choice {
    std::shared_ptr<ConvPlan> plan;  // null: the plain loops
    int64_t uses = 0;
    int64_t timed_at = 0;          // the use at which all plans are timed; 0: never
    std::string problem, refusal;  // where there is no plan: of what, and why
  };
  class Pair;
  struct Results;
  // A plan that was run and compared. Null if it could not run.
  struct Timed {
    std::shared_ptr<ConvPlan> plan;
    ConvPlanTiming timing;
  };

  const ConvTarget& target_of(const ConvProblem& problem) const;
  size_t workspace_limit(const ConvProblem& problem) const;
  void begin(const ConvProblem& problem, const ConvData& data, Choice& choice);
  void take_winner(const ConvProblem& problem, const ConvData& data, Choice& choice);
  void verify(const ConvProblem& problem, const ConvData& data, const ConvPlan& second, Choice& choice);
  void time(const ConvProblem& problem, const ConvData& data, Choice& choice);
  void choose(const ConvProblem& problem, const std::vector<Timed>& rows, Choice& choice);
  std::vector<Timed> timed(const ConvProblem& problem, const ConvData& data, bool exact,
                           const std::function<void(const ConvPlanTiming&)>& report);
  std::shared_ptr<ConvPlan> own_plan(const ConvProblem& problem);
  ConvPlans plans(const ConvProblem& problem, size_t limit = size_t(-1));
  ConvPlans plan(const ConvProblem& problem, const std::string& name);
  void run(const ConvPlan& plan, const ConvData& data);
  void run_by_definition(const ConvProblem& problem, const ConvData& data);
  void go_through_relu(const ConvProblem& problem, const ConvData& data);
  Deviation run_both(const ConvPlan& first, const ConvPlan& second, const ConvProblem& problem, const ConvData& data);
  Deviation run_and_compare(const ConvPlan& plan, const ConvProblem& problem, const ConvData& data,
                            const Results& expected);
  double milliseconds(const ConvPlan& plan, const ConvData& data, double best);

  CudaBackend& backend_;
  Queue& queue_;
  const ConvTarget target_, target_aside_;
  const size_t memory_;
  PlanCache winners_;
  std::map<std::vector<Index>, Choice> choices_;
  bool warned_ = false;  // of a convolution without a plan
  bool warned_of_compiler_ = false;
};

}  // namespace detail
}  // namespace counterpoise
