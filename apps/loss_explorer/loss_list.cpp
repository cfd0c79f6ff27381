#include "apps/loss_explorer/loss_list.h"

#include <nlohmann/json.hpp>

#include "apps/trainer/format.h"
#include "losses/registry.h"

namespace counterpoise {

namespace {

struct Trait {
  LossInfo::Traits trait;
  const char* name;     // in JSON
  const char* meaning;  // human-readable
};
constexpr Trait traits[] = {
    {LossInfo::needs_counts, "needs_counts", "needs the number of training samples of each class"},
    {LossInfo::batch_level, "batch_level", "one number for a batch, not a sum over samples"},
    {LossInfo::soft_targets, "soft_targets", "also takes soft targets"},
    {LossInfo::stateful, "stateful", "remembers earlier batches"},
    {LossInfo::stop_gradient, "stop_gradient", "a factor is constant to the gradient"},
    {LossInfo::cosine_logits, "cosine_logits", "expects cosines, between -1 and 1, as logits"},
};

std::vector<std::string> forms(const LossInfo& loss) {
  std::vector<std::string> y;
  if (loss.outputs & LossInfo::one_logit) y.emplace_back("one logit");
  if (loss.outputs & LossInfo::logit_per_class) y.emplace_back("a logit per class");
  return y;
}

// The only form that the parameter applies to; "" if both.
std::string only_form(const LossParam& p) {
  return p.forms == LossParam::binary ? "one logit" : p.forms == LossParam::multiclass ? "a logit per class" : "";
}

}  // namespace

std::string loss_help(const LossInfo& loss) {
  std::string notes;
  for (const Trait& t : traits) {
    if (loss.is(t.trait)) notes += std::string(notes.empty() ? "" : "; ") + t.meaning;
  }
  std::string out = text(loss.name, ": ", loss.help, "\n    forms     ", join(forms(loss)), "\n");
  for (const LossParam& p : loss.params) {
    out += text(&p == &loss.params.front() ? "    takes     --" : "              --", p.name, " ");
    if (p.is_word(p.value)) out += p.word;
    else out += text(p.value);
    out += text(" (", p.range(), "): ", p.help);
    out += only_form(p).empty() ? "\n" : "; for " + only_form(p) + "\n";
  }
  if (!notes.empty()) out += "    note      " + notes + "\n";
  const LossInfo::Defaults& d = loss.defaults;
  out += "    defaults  reduction " + to_string(d.reduction);
  if (d.class_weights != "none") out += ", class weights " + d.class_weights;
  if (d.defer_weights > 0) out += text(" from ", 100 * d.defer_weights, " % of training on");
  if (d.threshold != 0) out += text(", decision threshold ", d.threshold);
  return out + "\n    source    " + loss.source + "\n";
}

std::string loss_list() {
  std::string out;
  for (const LossInfo& loss : losses()) out += (out.empty() ? "" : "\n") + loss_help(loss);
  return out;
}

std::string loss_list_json() {
  auto list = nlohmann::ordered_json::array();
  for (const LossInfo& loss : losses()) {
    nlohmann::ordered_json row;
    row["name"] = loss.name;
    row["help"] = loss.help;
    row["source"] = loss.source;
    row["forms"] = forms(loss);
    row["parameters"] = nlohmann::ordered_json::array();
    for (const LossParam& p : loss.params) {
      nlohmann::ordered_json param;
      param["name"] = p.name;
      if (p.is_word(p.value)) param["default"] = p.word;
      else param["default"] = p.value;
      param["low"] = p.low;
      param["high"] = p.high;
      if (!p.word.empty()) param["or"] = p.word;
      if (!only_form(p).empty()) param["only_form"] = only_form(p);
      param["help"] = p.help;
      row["parameters"].push_back(param);
    }
    for (const Trait& t : traits) row[t.name] = loss.is(t.trait);
    row["reduction"] = to_string(loss.defaults.reduction);
    row["class_weights"] = loss.defaults.class_weights;
    row["defer_weights"] = loss.defaults.defer_weights;
    row["threshold"] = loss.defaults.threshold;
    list.push_back(row);
  }
  return list.dump(2) + "\n";
}

}  // namespace counterpoise
