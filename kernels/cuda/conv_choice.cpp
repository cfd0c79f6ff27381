#include "kernels/cuda/conv_choice.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "kernels/cuda/conv.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/timer.h"
#include "kernels/scratch.h"
#include "kernels/warning.h"

namespace counterpoise::detail {

namespace {

// A batch size that comes as often as this is timed, if no other has been; the last batch of an epoch, which is
// smaller, is not worth it. Where another was timed that is more than twice or less than half as large, its fastest
// plan may not be this one's: then only one that comes more often is timed again.
constexpr int64_t timed_at_use = 3, timed_again_at_use = 16;

std::vector<Index> key(const ConvProblem& p) {
  const ConvGeometry& g = p.geometry;
  return {p.pass,
          g.N,
          g.H,
          g.W,
          g.C,
          g.K,
          g.R,
          g.S,
          g.stride,
          g.pad,
          static_cast<Index>(p.dtype),
          p.bias,
          p.residual,
          p.relu,
          p.tf32,
          p.deterministic,
          p.relu_grad};
}

// Everything but N: "forward of 160x160x64, 64 filters of 3x3, stride 1, padding 1, bf16, bias, relu".
std::string without_batch(const ConvProblem& p) {
  const ConvGeometry& g = p.geometry;
  static const char* const passes[] = {"forward", "grad_input", "grad_weight"};
  return text(passes[p.pass], " of ", g.H, "x", g.W, "x", g.C, ", ", g.K, " filters of ", g.R, "x", g.S, ", stride ",
              g.stride, ", padding ", g.pad, ", ",
              p.dtype == DType::bf16 ? "bf16"
              : p.tf32               ? "tf32"
                                     : "f32",
              p.bias ? ", bias" : "", p.residual ? ", residual" : "", p.relu ? ", relu" : "",
              p.relu_grad ? ", through relu" : "");
}

std::string name_of(const ConvProblem& p) {
  return text("the convolution (", without_batch(p), ", batch ", p.geometry.N, ")");
}

Index outputs(const ConvProblem& p) {
  const ConvGeometry& g = p.geometry;
  switch (p.pass) {
    case ConvProblem::forward:
      return g.pixels() * g.K;
    case ConvProblem::grad_input:
      return g.N * g.H * g.W * g.C;
    default:
      return g.K * g.length();
  }
}

// Whether two results of a convolution differ by rounding alone. A number in bf16 has 8 bits, so that the same sum,
// computed in two orders, may be rounded to neighbors that are 2^-7 apart. Products of TF32 are exact to 2^-10; sums
// in f32 over all pixels of a batch, some by the algorithms of Winograd, to about 1e-4. A wrong result is off by far
// more: wrong numbers somewhere change the norm, and a single one is compared with the largest.
bool agree(const ConvProblem& p, const Deviation& d) {
  const double norm = p.dtype == DType::bf16 ? 0.01 : p.tf32 ? 0.003 : 0.001;
  return d.of_norm <= norm && d.of_largest <= 2 * norm;
}

bool within_factor_two(Index a, Index b) { return a <= 2 * b && b <= 2 * a; }

// What a plan of the problem writes.
std::vector<View> results_of(const ConvProblem& p, const ConvData& data) {
  std::vector<View> y = {{data.out, {outputs(p)}, p.dtype}};
  if (p.relu_grad) y.push_back({data.db, {p.geometry.C}, DType::f32});
  return y;
}

}  // namespace

// A copy of what a plan wrote.
struct ConvChoice::Results {
  Results(Backend& backend, const std::vector<View>& like) : backend(backend) {
    for (const View& x : like) {
      memory.emplace_back(backend, x.size() * static_cast<Index>(size_of(x.dtype)));
      views.push_back({memory.back().get(), x.shape, x.dtype});
    }
  }
  void take(const std::vector<View>& from) {
    for (size_t i = 0; i < from.size(); ++i) backend.copy(from[i], views[i]);
  }
  Backend& backend;
  std::deque<Scratch<char>> memory;
  std::vector<View> views;
};

// A convolution by its fastest plan, and then a kernel for what cuDNN could compute together with it: the addition of a
// residual, or the gradient through relu and its sum.
class ConvChoice::Pair final : public ConvPlan {
 public:
  // Whether a problem has such a second step.
  static bool computes(const ConvProblem& problem) { return problem.relu_grad || problem.residual; }

  Pair(ConvChoice& choice, const ConvProblem& problem) : choice_(choice), problem_(problem), first_(problem) {
    first_.relu_grad = first_.residual = false;
    if (problem.residual) first_.relu = false;
  }
  std::string name() const override { return "pair"; }
  void run(const ConvData& data, void*) const override {
    ConvData first = data;
    if (problem_.relu_grad) first.x = nullptr;
    choice_.run(first_, first);
    if (problem_.relu_grad) return choice_.go_through_relu(problem_, data);
    add_residual(choice_.queue_, problem_.dtype, outputs(problem_), data.residual, problem_.relu, data.out);
  }

 private:
  ConvChoice& choice_;
  const ConvProblem problem_;
  ConvProblem first_;
};

ConvChoice::ConvChoice(CudaBackend& backend, Queue& queue, cudnnHandle_t handle, cudnnHandle_t handle_aside,
                       size_t memory, PlanCache winners)
    : backend_(backend),
      queue_(queue),
      target_{handle, "", &queue},
      target_aside_{handle_aside, "", &queue},
      memory_(memory),
      winners_(std::move(winners)) {}

const ConvTarget& ConvChoice::target_of(const ConvProblem& problem) const {
  return problem.pass == ConvProblem::grad_weight ? target_aside_ : target_;
}

// In bf16 the fast engines need little. In f32 they need as much as a copy of their input; with less, only the slowest
// engines are left.
size_t ConvChoice::workspace_limit(const ConvProblem& problem) const {
  return problem.dtype == DType::bf16 ? std::min(memory_ / 16, size_t(512) << 20) : memory_ / 16;
}

void ConvChoice::run(const ConvProblem& problem, const ConvData& data) {
  Choice& choice = choices_[key(problem)];
  if (choice.uses == 0) begin(problem, data, choice);  // once more, if there was no memory for it
  if (++choice.uses == choice.timed_at) time(problem, data, choice);
  if (choice.plan) run(*choice.plan, data);
  else run_by_definition(problem, data);
}

// The plan that is not one of cuDNN's, or null.
std::shared_ptr<ConvPlan> ConvChoice::own_plan(const ConvProblem& problem) {
  if (Pair::computes(problem)) return std::make_shared<Pair>(*this, problem);
  return few_channels_plan(backend_, queue_, problem);
}

ConvPlans ConvChoice::plans(const ConvProblem& problem, size_t limit) {
  const std::shared_ptr<ConvPlan> own = own_plan(problem);
  const size_t of_cudnn = own ? limit - 1 : limit;
  ConvPlans y;
  if (of_cudnn > 0) y = cudnn_plans(target_of(problem), problem, workspace_limit(problem), of_cudnn);
  if (own) y.plans.insert(y.plans.begin(), own);
  return y;
}

ConvPlans ConvChoice::plan(const ConvProblem& problem, const std::string& name) {
  const std::shared_ptr<ConvPlan> own = own_plan(problem);
  if (own && own->name() == name) return {{own}, ""};
  return cudnn_plan(target_of(problem), problem, workspace_limit(problem), name);
}

void ConvChoice::run_by_definition(const ConvProblem& problem, const ConvData& data) {
  plain_convolution(queue_, problem, data);
  if (problem.relu_grad) go_through_relu(problem, data);
}

// Masks the gradient that a convolution wrote, in place, and sums it.
void ConvChoice::go_through_relu(const ConvProblem& problem, const ConvData& data) {
  const ConvGeometry& g = problem.geometry;
  const View dz{data.out, {g.N, g.H, g.W, g.C}, problem.dtype};
  backend_.relu_bias_grad({data.x, dz.shape, dz.dtype}, dz, dz, {data.db, {g.C}, DType::f32});
}

void ConvChoice::run(const ConvPlan& plan, const ConvData& data) {
  const Scratch<char> workspace(backend_, static_cast<Index>(plan.workspace_bytes()));
  plan.run(data, workspace.get());
}

// The first use: cuDNN's first guess, or the plan that was the fastest before.
void ConvChoice::begin(const ConvProblem& problem, const ConvData& data, Choice& choice) {
  // (What is computed with a convolution is the pair then, whose convolution is verified when it runs.)
  const bool verifies = problem.deterministic && !Pair::computes(problem);
  ConvPlans first = plans(problem, verifies ? 2 : 1);
  if (first.plans.empty()) {
    choice.problem = name_of(problem);
    choice.refusal = first.refusal.empty() ? "it has no engine for it" : first.refusal;
    if (!warned_) {
      warn(text("cuDNN does not compute ", choice.problem, ": ", choice.refusal,
                ". It runs in plain loops, which are thousands of times slower; others like it are counted, not "
                "reported"));
    }
    warned_ = true;
    return;
  }
  choice.plan = std::move(first.plans[0]);
  try {
    if (verifies && first.plans.size() == 2) verify(problem, data, *first.plans[1], choice);
    if (!problem.deterministic) take_winner(problem, data, choice);
  } catch (const Error& error) {
    // There is no memory to compare two plans, or the other one is refused only now: the first guess stays.
    if (error.kind() != ErrorKind::out_of_memory && error.kind() != ErrorKind::device) throw;
  }
}

// The plan that was the fastest before computes, if it agrees with the first guess.
void ConvChoice::take_winner(const ConvProblem& problem, const ConvData& data, Choice& choice) {
  const std::string convolution = without_batch(problem);
  const PlanCache::Row* const winner = winners_.find(convolution);
  choice.timed_at = winner ? timed_again_at_use : timed_at_use;
  if (!winner) return;
  const int64_t timed_at = within_factor_two(winner->batch, problem.geometry.N) ? 0 : timed_again_at_use;
  if (winner->plan == choice.plan->name()) return void(choice.timed_at = timed_at);
  const ConvPlans fast = plan(problem, winner->plan);
  if (fast.plans.empty()) return;  // cuDNN has it for other batch sizes only
  const Deviation d = run_both(*choice.plan, *fast.plans[0], problem, data);
  if (!d.known()) return;
  if (agree(problem, d)) {
    choice.plan = fast.plans[0];
    choice.timed_at = timed_at;
  } else {
    winners_.remove(convolution);
    choice.timed_at = timed_at_use;  // there it is found out which of the two is wrong
  }
}

// The deterministic mode times nothing, so nothing would find out that the first plan is wrong. So it is compared with
// the second at once; where they disagree, the first one that agrees with the definition computes.
void ConvChoice::verify(const ConvProblem& problem, const ConvData& data, const ConvPlan& second, Choice& choice) {
  const Deviation d = run_both(*choice.plan, second, problem, data);
  if (d.known() && !agree(problem, d)) choose(problem, timed(problem, data, /*exact=*/true, nullptr), choice);
}

// The deviation of the second plan's result from the first's.
Deviation ConvChoice::run_both(const ConvPlan& first, const ConvPlan& second, const ConvProblem& problem,
                               const ConvData& data) {
  Results expected(backend_, results_of(problem, data));
  run(first, data);
  expected.take(results_of(problem, data));
  return run_and_compare(second, problem, data, expected);
}

// The numbers that are not written stay NaN.
Deviation ConvChoice::run_and_compare(const ConvPlan& plan, const ConvProblem& problem, const ConvData& data,
                                      const Results& expected) {
  const std::vector<View> results = results_of(problem, data);
  for (const View& y : results) backend_.fill(NAN, y);
  run(plan, data);
  Deviation most;
  for (size_t i = 0; i < results.size(); ++i) {
    const View& y = results[i];
    const Deviation d = deviation(backend_, queue_, y.dtype, y.size(), y.data, expected.views[i].data);
    if (!d.known()) return d;
    most = {std::max(most.of_norm, d.of_norm), std::max(most.of_largest, d.of_largest)};
  }
  return most;
}

// The mean duration of several runs, which are enqueued at once, so that the time to enqueue them does not count; the
// shorter of two such means. A plan that is slower than twice `best` (0: none yet) is run once.
double ConvChoice::milliseconds(const ConvPlan& plan, const ConvData& data, double best) {
  const Scratch<char> workspace(backend_, static_cast<Index>(plan.workspace_bytes()));
  const auto mean_of = [&](int runs) {
    const auto run_all = [&] {
      for (int i = 0; i < runs; ++i) plan.run(data, workspace.get());
    };
    return double(gpu_milliseconds(queue_.stream(), run_all)) / runs;
  };
  const double once = mean_of(1);
  if (best > 0 && once > 2 * best) return once;
  const int runs = static_cast<int>(std::clamp(2 / std::max(once, 1e-3), 3., 20.));  // about two milliseconds
  return std::min(mean_of(runs), mean_of(runs));
}

// Every plan, run, compared with the first, and timed. If some disagree with the first, or if it is to be exact, all
// are compared with the loops of the definition instead, which are right. Empty if the data has numbers that are not
// finite, so that nothing can be compared.
std::vector<ConvChoice::Timed> ConvChoice::timed(const ConvProblem& problem, const ConvData& data, bool exact,
                                                 const std::function<void(const ConvPlanTiming&)>& report) {
  ConvPlans all = plans(problem);
  std::vector<Timed> y;
  Results expected(backend_, results_of(problem, data));
  const auto by_definition = [&] {
    run_by_definition(problem, data);
    expected.take(results_of(problem, data));
  };
  bool have_expected = exact, all_agree = true;
  if (exact) by_definition();
  double best = 0;
  for (auto& plan : all.plans) {
    Timed row;
    row.timing.name = plan->name();
    row.timing.prepare_ms = plan->prepare_ms();
    row.timing.workspace_bytes = plan->workspace_bytes();
    try {
      if (!have_expected) {
        run(*plan, data);
        expected.take(results_of(problem, data));
      }
      const Deviation d = run_and_compare(*plan, problem, data, expected);
      if (!d.known()) return {};
      have_expected = true;
      row.timing.deviation = d.of_largest;
      row.timing.agrees = agree(problem, d);
      row.timing.ms = milliseconds(*plan, data, best);
      if (row.timing.agrees && (best == 0 || row.timing.ms < best)) best = row.timing.ms;
      all_agree = all_agree && row.timing.agrees;
      row.plan = std::move(plan);
    } catch (const Error& error) {
      // There is no memory for its workspace, or it is refused only now. A broken GPU fails with the next plan, too,
      // and if all fail, with the run that was requested.
      row.timing.refusal = error.what();
    }
    if (report) report(row.timing);
    y.push_back(std::move(row));
  }
  if (all_agree || exact) return y;
  by_definition();
  for (Timed& row : y) {
    if (!row.plan) continue;
    const Deviation d = run_and_compare(*row.plan, problem, data, expected);
    row.timing.deviation = d.of_largest;
    row.timing.agrees = d.known() && agree(problem, d);
  }
  return y;
}

void ConvChoice::time(const ConvProblem& problem, const ConvData& data, Choice& choice) {
  std::vector<Timed> rows;
  try {
    rows = timed(problem, data, false, nullptr);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::out_of_memory) throw;  // for a second result: the first guess stays
    return;
  }
  if (rows.empty()) return void(choice.timed_at *= 2);  // with a later batch, then
  if (problem.relu_grad && rows.size() == 1 && !warned_of_compiler_) {
    warned_of_compiler_ = true;
    warn(text("cuDNN compiles no kernel for ", name_of(problem), "; that needs libnvrtc, of the CUDA toolkit"));
  }
  choose(problem, rows, choice);
}

// Takes the fastest of the plans that agree, or in the deterministic mode the first of them, and warns of the others.
void ConvChoice::choose(const ConvProblem& problem, const std::vector<Timed>& rows, Choice& choice) {
  const Timed* chosen = nullptr;
  std::string wrong;
  for (const Timed& row : rows) {
    if (!row.plan) continue;
    if (!row.timing.agrees) wrong += (wrong.empty() ? "" : "; ") + row.timing.name;
    else if (!chosen || (!problem.deterministic && row.timing.ms < chosen->timing.ms)) chosen = &row;
  }
  if (!wrong.empty()) {
    warn(text(name_of(problem), " has wrong numbers by these plans, which are not used: ", wrong));
  }
  if (chosen) {
    choice.plan = chosen->plan;
    if (!problem.deterministic) winners_.set(without_batch(problem), {problem.geometry.N, chosen->timing.name});
  } else if (!wrong.empty()) {
    choice.plan = nullptr;
    choice.problem = name_of(problem);
    choice.refusal = "all of its plans give wrong numbers";
  }
}

void ConvChoice::time_all(const ConvProblem& problem, const ConvData& data, bool exact,
                          const std::function<void(const ConvPlanTiming&)>& report) {
  timed(problem, data, exact, report);
}

std::vector<std::string> ConvChoice::fallbacks() const {
  std::vector<std::string> y;
  for (const auto& [problem, choice] : choices_) {
    if (choice.plan || choice.uses == 0) continue;
    y.push_back(text(choice.problem, " ran ", choice.uses, choice.uses == 1 ? " time" : " times",
                     " in plain loops, because cuDNN refuses: ", choice.refusal));
  }
  return y;
}

}  // namespace counterpoise::detail
