#include "apps/trainer/loss_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>
#include <vector>

#include "apps/trainer/flags.h"

namespace counterpoise {

void LossFlags::add_to(CLI::App& app, const std::string& group) {
  // What a parameter means to which losses, and its defaults: "exponent [vs 0.3]; probability [softmax-equalization
  // 0.9]".
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> meanings;
  std::vector<std::string> order;
  for (const LossInfo& loss : losses()) {
    for (const LossParam& p : loss.params) {
      auto& meaning = meanings[p.name];
      if (meaning.empty()) order.push_back(p.name);
      auto it = std::find_if(meaning.begin(), meaning.end(), [&](const auto& m) { return m.first == p.help; });
      if (it == meaning.end()) it = meaning.insert(meaning.end(), {p.help, ""});
      it->second +=
          text(it->second.empty() ? "" : ", ", loss.name, " ", p.is_word(p.value) ? p.word : detail::text(p.value));
    }
  }
  for (const std::string& name : order) {
    std::string help;
    for (const auto& [meaning, takers] : meanings[name]) {
      help += (help.empty() ? "" : "; ") + meaning + " [" + takers + "]";
    }
    app.add_option("--" + name, values_[name], help)->group(group)->type_name("X");
  }
}

std::map<std::string, std::string> LossFlags::given(const std::set<std::string>& flags) const {
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : values_) {
    if (flags.count("--" + name)) all[name] = value;
  }
  return all;
}

LossParams parse_loss_params(const LossInfo& loss, const std::map<std::string, std::string>& given) {
  LossParams params;
  for (const auto& [name, value] : given) {
    const auto param =
        std::find_if(loss.params.begin(), loss.params.end(), [&](const LossParam& p) { return p.name == name; });
    // resolve() reports that it does not apply, whatever its value.
    if (param == loss.params.end()) {
      params[name] = 0;
      continue;
    }
    const double number = parse_number("--" + name, value, param->word);
    CP_ENSURE_AS(invalid_argument, !param->is_word(number) || value == param->word, "--", name, " ", value,
                 " is out of range: ", param->range());
    params[name] = number;
  }
  return params;
}

}  // namespace counterpoise
