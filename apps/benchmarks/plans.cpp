#include <utility>
#include <vector>

#include "apps/benchmarks/vgg16.h"
#include "kernels/conv_plans.h"

namespace counterpoise {

nlohmann::json plan_times(const BenchOptions& options, Backend& backend, const Row& row) {
  CP_ENSURE_AS(device, backend.is_remote(), "plans: these are plans of a GPU's library; use --device cuda");
  int problems = 0, timed = 0, refused = 0, disagreeing = 0;
  for (const ConvLayer& l : vgg16_layers(options)) {
    const Shape x{options.batch, l.size, l.size, l.channels}, w{l.outputs, 3, 3, l.channels};
    std::vector<std::pair<ConvPass, const char*>> passes = {
        {ConvPass::forward, "forward"}, {ConvPass::grad_input, "dx"}, {ConvPass::grad_weight, "dw"}};
    if (options.compile) passes.push_back({ConvPass::grad_input_relu, "dx through relu"});
    if (l.channels == 3) passes = {passes[0], passes[2]};  // images need no gradient
    for (const auto& [pass, name] : passes) {
      const double flops = l.flops(options.batch);
      const int problem = problems++;
      row({{"problem", problem}, {"pass", name}, {"shape", l.text()}, {"times", l.times}, {"tflop", flops / 1e12}});
      int plan = 0;
      time_conv_plans(backend, pass, x, w, same_size, options.dtype(), options.exact, [&](const ConvPlanTiming& p) {
        nlohmann::json line = {{"problem", problem}, {"plan", plan++}, {"name", p.name}};
        if (!p.refusal.empty()) {
          ++refused;
          line["refusal"] = p.refusal;
        } else {
          ++timed;
          disagreeing += !p.agrees;
          line.update({{"prepare_ms", p.prepare_ms},
                       {"ms", p.ms},
                       {"tflop_per_s", p.ms > 0 ? flops / p.ms / 1e9 : 0},
                       {"workspace_mib", double(p.workspace_bytes) / (1 << 20)},
                       {"deviation", p.deviation},
                       {"agrees", p.agrees}});
        }
        row(line);
      });
    }
  }
  return {{"problems", problems}, {"timed", timed}, {"refused", refused}, {"disagreeing", disagreeing}};
}

}  // namespace counterpoise
