#include "apps/trainer/config.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/option_table.h"
#include "apps/trainer/options.h"
#include "apps/trainer/run_folder.h"
#include "core/io/file.h"
#include "kernels/version.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

bool is_loss_parameter(const std::string& key) {
  for (const LossInfo& loss : losses()) {
    for (const LossParam& param : loss.params) {
      if (param.name == key) return true;
    }
  }
  return false;
}

// The option that a key belongs to: without that option's value it has no meaning.
std::string owner(const std::string& key) {
  static const std::map<std::string, std::string> owners = {
      {"momentum", "optimizer"},     {"nesterov", "optimizer"}, {"weight-decay", "optimizer"},
      {"lr-step-size", "schedule"},  {"lr-gamma", "schedule"},  {"lr-patience", "schedule"},
      {"lr-milestones", "schedule"}, {"class-weights", "loss"}, {"loss-reduction", "loss"},
      {"defer-weights", "loss"},     {"outputs", "loss"},       {"hold-out", "threshold"},
      {"cost", "threshold"},         {"count", "data"},         {"imbalance", "data"},
      {"positive", "data"},          {"split", "data"},         {"groups", "data"}};
  if (is_loss_parameter(key)) return "loss";
  const auto found = owners.find(key);
  return found == owners.end() ? "" : found->second;
}

}  // namespace

std::string config_text(const Options& options) {
  return json_text({{"counterpoise", COUNTERPOISE_VERSION}, {"options", to_json(options)}});
}

Json read_config(const std::string& file) {
  const std::string content = read_file(file, size_t(1) << 30);
  Json json;
  try {
    json = Json::parse(content);
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::bad_data, file,
                ": is no JSON; a run's config.json is {\"options\": {\"loss\": \"focal\", ...}}");
  }
  CP_ENSURE_AS(bad_data, json.is_object() && json.contains("options") && json["options"].is_object(), file,
               ": has no \"options\"; a run's config.json is {\"options\": {\"loss\": \"focal\", ...}}");
  return json["options"];
}

std::vector<std::string> config_arguments(const std::string& file, const OptionTable& table, const std::string& command,
                                          const std::set<std::string>& given) {
  std::vector<std::string> arguments;
  const Json options = read_config(file);
  for (const auto& [key, value] : options.items()) {
    if (given.count("--" + key) || given.count("--no-" + key) || given.count("--" + owner(key))) continue;
    try {
      if (table.arguments(command, key, value, arguments)) continue;
    } catch (const Error& error) {
      throw Error(error.kind(), file, ": ", error.what());
    }
    if (is_loss_parameter(key) && (value.is_number() || value.is_string())) {
      arguments.push_back("--" + key);
      arguments.push_back(value.is_string() ? value.get<std::string>() : value.dump());
      continue;
    }
    const std::string guess = nearest_name(key, table.keys(command));
    throw Error(ErrorKind::invalid_argument, file, ": there is no option \"", shortened(key), "\" in this version",
                guess.empty() ? "" : "; did you mean \"" + guess + "\"?");
  }
  return arguments;
}

std::string config_of_run(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  CP_ENSURE_AS(invalid_argument, fs::is_directory(directory, ignored), "--resume ", directory,
               ": there is no such folder");
  RunFolder::complete(directory);
  const std::string work = RunFolder::find_unfinished(directory, checkpoint_name);
  if (work.empty()) {
    throw Error(ErrorKind::invalid_argument, "--resume ", directory,
                is_there(directory + "/result.json") ? ": the run there is complete"
                                                     : ": there is no interrupted run with a checkpoint in it");
  }
  return work + "/config.json";
}

std::string difference(const Json& of_run, const Json& wanted, const std::set<std::string>& moved) {
  // (On the result.)
  static const std::set<std::string> without_effect = {"workers", "threads", "device", "cuda-graphs"};
  const auto ignored = [&](const std::string& key) { return without_effect.count(key) > 0; };
  for (const auto& [key, value] : wanted.items()) {
    if (ignored(key)) continue;
    const auto other = of_run.find(key);
    if (other == of_run.end()) return text("--", key, " is not given there");
    if (*other != value && !moved.count(key))
      return text("--", key, " is ", other->dump(), " there, not ", value.dump());
  }
  for (const auto& [key, value] : of_run.items()) {
    if (!ignored(key) && !wanted.contains(key)) return text("--", key, " is ", value.dump(), " there");
  }
  return "";
}

const std::set<std::string>& movable_options() {
  static const std::set<std::string> options = {"data", "groups", "split", "pretrained", "init"};
  return options;
}

}  // namespace counterpoise
